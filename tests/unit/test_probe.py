"""The probe of a cluster, with real schedulers and workers, and faults planted one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daxa_gui.core.errors import InputError
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.settings import Settings, changed
from daxa_gui.execution import probe
from daxa_gui.execution.probe import check_site
from tests.fakes.clusters import DaskCluster

pytest.importorskip("distributed", reason="the extra « cluster » is not installed")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    cluster = DaskCluster(tmp_path / "dask", tls=True, workers=1, nanny=False)
    try:
        cluster.wait_for_workers(1)
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def check(cluster: DaskCluster, tmp_path: Path) -> Callable[..., list[Finding]]:
    def run(text: str = "", **values: str) -> list[Finding]:
        (tmp_path / "archive").mkdir(exist_ok=True)
        tls = {"dask_ca_file": cluster.tls.ca, "dask_cert_file": cluster.tls.cert, "dask_key_file": cluster.tls.key}
        settings = changed(Settings(), **{**tls, **values})
        return check_site(text or f"dask={cluster.address}", tmp_path / "archive", "a", lambda: settings, tmp_path / "state")

    return run


def codes(findings: list[Finding]) -> list[str]:
    assert all(one.fix for one in findings if one.grade is not Grade.GOOD)
    return [one.code for one in findings]


def test_that_a_good_cluster_is_good_and_each_fault_of_a_real_one_is_named(
    check: Callable[..., list[Finding]], cluster: DaskCluster, tmp_path: Path
) -> None:
    a_good_cluster_is_good(check, tmp_path)
    what_is_no_place_is_refused(check)
    what_keeps_us_out_is_told_apart(check, cluster, tmp_path)
    a_stranger_is_not_trusted(check, tmp_path)
    missing_software_is_named(check)


def a_good_cluster_is_good(check: Callable[..., list[Finding]], tmp_path: Path) -> None:
    assert codes(check()) == ["machine-good"]
    assert list((tmp_path / "archive" / "cluster").iterdir()) == []
    assert check("local") == []


def what_is_no_place_is_refused(check: Callable[..., list[Finding]]) -> None:
    with pytest.raises(InputError):
        check("nowhere")


def what_keeps_us_out_is_told_apart(check: Callable[..., list[Finding]], cluster: DaskCluster, tmp_path: Path) -> None:
    (nobody,) = check("dask=tcp://127.0.0.1:1")
    assert nobody.code == "cluster-not-reached" and "Connection refused" in nobody.text
    (plain,) = check(f"dask=tcp://127.0.0.1:{cluster.port}")
    assert plain.code == "cluster-not-reached" and "asks for TLS" in plain.text
    (unnamed,) = check(dask_ca_file="")
    assert "is not set" in unnamed.text
    (absent,) = check(dask_key_file=str(tmp_path / "none.key"))
    assert "There is no file" in absent.text
    (tmp_path / "bad.pem").write_text("not a certificate")
    (unusable,) = check(dask_cert_file=str(tmp_path / "bad.pem"))
    assert "cannot be used" in unusable.text


def a_stranger_is_not_trusted(check: Callable[..., list[Finding]], tmp_path: Path) -> None:
    from daxa_gui.execution.certificates import write_certificates

    other = write_certificates(tmp_path / "other")
    (finding,) = check(dask_ca_file=other.ca, dask_cert_file=other.cert, dask_key_file=other.key)
    assert finding.grade is Grade.FAULT and "not trusted here" in finding.text
    (finding,) = check(dask_cert_file=other.cert, dask_key_file=other.key)
    assert finding.grade is Grade.FAULT and finding.code == "cluster-not-reached"


def missing_software_is_named(check: Callable[..., list[Finding]]) -> None:
    (finding,) = check(sas_folder="/nowhere/sas")
    assert finding.code == "software-not-there" and "SAS" in finding.text


def seen(folder: Path, **changes: object) -> dict[str, object]:
    """What a machine says that is as it should be, but for some changes."""
    import json

    (folder / "ours").write_bytes(b"x")
    asked = {"folder": str(folder), "ours": "ours", "variables": [], "places": {}}
    return {**json.loads(probe.look(json.dumps(asked))), **changes}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, ""),
        ({"versions": {"protocol": 1, "daxa_gui": "0.0.1", "python": "3.8"}}, "other-versions"),
        ({"problem": "read", "reason": "No such file or directory"}, "folder-not-seen"),
        ({"read": "0" * 64}, "another-folder"),
        ({"problem": "write", "reason": "Permission denied"}, "folder-not-writable"),
        ({"wrote": "../evil"}, "another-folder"),
        ({"wrote": "not-there"}, "another-folder"),
        ({"free_bytes": 1000}, "disk-nearly-full"),
        ({"time": 0.0}, "clocks-differ"),
        ({"missing": ["SAS"]}, "software-not-there"),
    ],
)
def test_that_each_fault_of_a_machine_is_named(
    changes: dict[str, object], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "LAG_S", 0.2)
    import hashlib
    import time

    before = time.time()
    answer = seen(tmp_path, **changes)
    found = probe._judged(answer, "tcp://h:1", tmp_path, hashlib.sha256(b"x").hexdigest(), (before, time.time()))
    assert codes(found) == ([code] if code else [])


def test_that_a_worker_without_the_package_is_named(tmp_path: Path) -> None:
    finding = probe._no_answer("tcp://h:1", ModuleNotFoundError("No module named 'daxa_gui'"), "dask=h")
    assert finding.code == "daxa-gui-missing" and "pip install" in finding.fix
    assert probe._no_answer("tcp://h:1", TimeoutError(), "dask=h").code == "worker-does-not-answer"


def test_that_a_scheduler_without_tls_on_a_network_is_advised_against() -> None:
    (finding,) = probe._encryption("dask=tcp://head:8786", "tcp://head:8786")
    assert finding.grade is Grade.ADVICE and not probe._encryption("x", "tcp://127.0.0.1:1")
