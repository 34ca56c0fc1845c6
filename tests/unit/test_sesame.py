"""Names of sources: asked from Sesame by astropy, remembered, and what is said when that does not work."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from daxa_gui.core.errors import InputError, TransferError
from daxa_gui.remote.sesame import NameResolver
from tests.fakes.loopback import Loopback

# in the form of Sesame's answers: lines that begin with # or %, the position in the line %J
KNOWN = {
    "M1": (83.6287, 22.0147),
    "Abell 907": (149.5919, -11.0637),
    "3C 273": (187.2779, 2.0524),
    "α Ori's disc & more/less": (88.7929, 7.4071),
}


class FakeSesame(Loopback):
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: bytes | None = None  # in place of all answers
        self.status = 200
        self.silent = False

    @property
    def address(self) -> str:
        return f"{self.url}/nph-sesame/"

    def text(self, name: str) -> bytes:
        if self.answer is not None:
            return self.answer
        if name not in KNOWN:
            return f"# {name}\t#Q1\n#=Si=Simbad:  No known catalog\n#! *** Nothing found *** \n#====Done====\n".encode()
        ra, dec = KNOWN[name]
        return f"# {name}\t#Q1\n#=Si=Simbad: 1\n%@ 1\n%C.0 SNR\n%J {ra:08.4f} {dec:+.4f} = about there\n#====Done====\n".encode()

    def __enter__(self) -> FakeSesame:
        sesame = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                return

            def do_GET(self) -> None:
                path, _, name = self.path.partition("?")
                sesame.asked.append(unquote(name))
                if sesame.silent:
                    sesame.closing.wait(30)
                    return
                body = sesame.text(unquote(name)) if path == "/nph-sesame/SNV" else b""
                self.send_response(sesame.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return self.listen(Handler)


@pytest.fixture
def sesame() -> Iterator[FakeSesame]:
    with FakeSesame() as fake:
        yield fake


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "names.json"


@pytest.mark.parametrize("name", KNOWN)
def test_that_a_name_gets_the_position_that_sesame_says(sesame: FakeSesame, memory: Path, name: str) -> None:
    position = NameResolver(memory, addresses=[sesame.address]).resolve(f"  {name} ")
    assert (position.ra_deg, position.dec_deg) == pytest.approx(KNOWN[name])
    assert position.name == name and sesame.asked == [name]


def test_that_a_found_name_is_remembered_in_any_spelling_even_without_network(sesame: FakeSesame, memory: Path) -> None:
    NameResolver(memory, addresses=[sesame.address]).resolve("Abell 907")
    later = NameResolver(memory, addresses=[sesame.address], offline=lambda: True)
    for spelling in ("Abell 907", "  ABELL   907", "abell 907"):
        position = later.resolve(spelling)
        assert (position.ra_deg, position.dec_deg) == pytest.approx(KNOWN["Abell 907"])
    assert position.name == "abell 907" and len(sesame.asked) == 1


def test_that_the_memory_says_when_and_by_whom(sesame: FakeSesame, memory: Path) -> None:
    NameResolver(memory, addresses=[sesame.address]).resolve("M1")
    entry = json.loads(memory.read_text())["names"]["m1"]
    assert entry["resolver"] == "Sesame (127.0.0.1)" and entry["name"] == "M1"
    assert entry["asked"].endswith("Z") and entry["asked"][:2] == "20"
    assert [path.name for path in memory.parent.iterdir()] == ["names.json"], "no .part is left"


def test_that_an_unknown_name_is_said_so_and_not_remembered(sesame: FakeSesame, memory: Path) -> None:
    resolver = NameResolver(memory, addresses=[sesame.address])
    with pytest.raises(InputError, match=r"The name « Nowhere 12 » is not known to Sesame\.") as caught:
        resolver.resolve("Nowhere 12")
    assert "position can be typed" in caught.value.hint and not memory.exists()
    KNOWN["Nowhere 12"] = (1.0, 2.0)
    try:
        assert resolver.resolve("Nowhere 12").ra_deg == 1.0
    finally:
        del KNOWN["Nowhere 12"]


@pytest.mark.parametrize("answer", [b"<html><head><title>Maintenance</title></head></html>", b"", b"\xff\xfe\x00 nonsense"])
def test_that_another_answer_does_not_make_a_name_unknown(sesame: FakeSesame, memory: Path, answer: bytes) -> None:
    sesame.answer = answer
    with pytest.raises(TransferError) as caught:
        NameResolver(memory, addresses=[sesame.address]).resolve("M1")
    assert caught.value.retryable and "position can be typed" in caught.value.hint


@pytest.mark.parametrize("answer", [b"# x\n%J 083.6287 +98.0147\n", b"# x\n%J 1.2.3 +4\n"])
def test_that_an_impossible_position_is_no_answer(sesame: FakeSesame, memory: Path, answer: bytes) -> None:
    sesame.answer = answer
    with pytest.raises(TransferError):
        NameResolver(memory, addresses=[sesame.address]).resolve("M1")
    assert not memory.exists()


def test_that_a_server_error_is_told_from_an_unknown_name(sesame: FakeSesame, memory: Path) -> None:
    sesame.status = 503
    with pytest.raises(TransferError, match=r"could not be looked up: 127\.0\.0\.1 cannot be reached"):
        NameResolver(memory, addresses=[sesame.address]).resolve("M1")


def test_that_no_network_is_said_so(memory: Path) -> None:
    addresses = ["http://sesame.invalid/nph-sesame/", "http://mirror.invalid/nph-sesame/"]
    with pytest.raises(TransferError, match=r"sesame\.invalid and mirror\.invalid cannot be reached") as caught:
        NameResolver(memory, addresses=addresses).resolve("M1")
    assert caught.value.retryable and "Check the network" in caught.value.hint


def test_that_the_mirror_is_asked_when_the_first_address_does_not_answer(sesame: FakeSesame, memory: Path) -> None:
    resolver = NameResolver(memory, addresses=["http://sesame.invalid/nph-sesame/", sesame.address])
    assert resolver.resolve("M1").ra_deg == pytest.approx(83.6287)


def test_that_a_silent_service_is_not_waited_for_without_end(sesame: FakeSesame, memory: Path) -> None:
    sesame.silent = True
    with pytest.raises(TransferError, match="cannot be reached"):
        NameResolver(memory, addresses=[sesame.address], timeout_s=0.3).resolve("M1")


def test_that_nobody_is_asked_while_the_program_works_offline(sesame: FakeSesame, memory: Path) -> None:
    with pytest.raises(TransferError, match="was not looked up before") as caught:
        NameResolver(memory, addresses=[sesame.address], offline=lambda: True).resolve("M1")
    assert not sesame.asked and not caught.value.retryable and "position can be typed" in caught.value.hint


@pytest.mark.parametrize("name", ["", "   ", "\t\n", "M\x001", "x" * 201])
def test_that_what_is_no_name_is_not_asked_for(sesame: FakeSesame, memory: Path, name: str) -> None:
    with pytest.raises(InputError):
        NameResolver(memory, addresses=[sesame.address]).resolve(name)
    assert not sesame.asked


@pytest.mark.parametrize(
    "content",
    [
        b"not json",
        b"[]",
        b'{"form": 2, "names": {"m1": {"ra_deg": 1, "dec_deg": 2}}}',
        b'{"form": 1, "names": {"m1": {"ra_deg": NaN, "dec_deg": 2}}}',
        b'{"form": 1, "names": {"m1": {"ra_deg": 1, "dec_deg": 99}}}',
        b'{"form": 1, "names": {"m1": {"ra_deg": true, "dec_deg": "2"}, "x": 3}}',
        b'{"form": 1, "names": [1]}',
        b"\xff\xfe",
    ],
)
def test_that_a_damaged_memory_is_forgotten(sesame: FakeSesame, memory: Path, content: bytes) -> None:
    memory.parent.mkdir()
    memory.write_bytes(content)
    resolver = NameResolver(memory, addresses=[sesame.address])
    assert resolver.remembered("M1") is None
    assert resolver.resolve("M1").ra_deg == pytest.approx(83.6287)
    assert resolver.remembered("M1") is not None


def test_that_a_memory_that_cannot_be_written_costs_no_answer(sesame: FakeSesame, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    resolver = NameResolver(tmp_path / "file" / "names.json", addresses=[sesame.address])
    assert resolver.resolve("M1").ra_deg == pytest.approx(83.6287)


def test_that_threads_may_ask_at_the_same_time(sesame: FakeSesame, memory: Path) -> None:
    resolver = NameResolver(memory, addresses=[sesame.address])
    failures: list[Exception] = []

    def look_up(name: str) -> None:
        try:
            assert resolver.resolve(name).ra_deg == pytest.approx(KNOWN[name][0])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=look_up, args=(name,)) for name in [*KNOWN] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and len(json.loads(memory.read_text())["names"]) == len(KNOWN)


def _remember_many(memory: Path, start: int) -> None:
    from daxa_gui.core.sky import SkyPosition

    resolver = NameResolver(memory, addresses=["http://sesame.invalid/"])
    for i in range(start, start + 30):
        resolver._remember(f"source {i}", SkyPosition(float(i), 1.0))


def test_that_processes_that_share_the_memory_never_damage_it(memory: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_remember_many, args=(memory, start)) for start in (0, 100)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    names = json.loads(memory.read_text())["names"]
    assert len(names) >= 30 and all(entry["ra_deg"] == float(name.split()[1]) for name, entry in names.items())
