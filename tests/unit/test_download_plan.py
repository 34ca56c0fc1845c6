import gzip
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from daxa_gui.core.errors import Cancelled, InputError, TransferError
from daxa_gui.core.mission import RawFile, RemoteFolder
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Place
from daxa_gui.missions import MISSIONS
from daxa_gui.remote import plan as plan_module
from daxa_gui.remote.connection import StatusError
from daxa_gui.remote.plan import literal_name, plan_observation, plan_request
from daxa_gui.remote.sources import sources_for
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext

OBS = "0099990101"
PPS = f"/FTP/xmm/data/rev0/{OBS}/PPS"
M1, M2, PN = f"P{OBS}M1S001MIEVLI0000.FTZ", f"P{OBS}M2S002MIEVLI0000.FTZ", f"P{OBS}PNS003PIEVLI0000.FTZ"


@pytest.fixture
def archive():
    with FakeArchive() as server:
        yield server


@pytest.fixture
def ctx(archive):
    return FakeContext({"heasarc": f"{archive.url}/FTP", "erosita_edr": f"{archive.url}/edr"})


@pytest.fixture
def xmm(archive):
    for number, name in enumerate((M1, M2, PN)):
        archive.put(f"{PPS}/{name}", bytes(1000 + number))
    archive.put(f"{PPS}/P{OBS}M1S001IMAGE_1000.FTZ", b"an image")
    archive.put(f"{PPS}/INDEX.HTM", b"<html>")


def planned(ctx, mission: str, row: dict, folder: str = "/raw", **more):
    request = plan_request(MISSIONS[mission], row, folder, **more)
    arguments = json.loads(json.dumps(request.task.arguments))  # as the store keeps them
    return plan_observation(ctx, **arguments)


def folders(*items: RemoteFolder) -> list[dict]:
    return [{**vars(item), "kind": str(item.kind)} for item in items]


def test_that_one_observation_makes_one_planning_job():
    request = plan_request(MISSIONS["xmm_pointed"], {"obs_id": OBS}, "/raw")
    assert (request.kind, request.mission, request.obs_id) == ("plan", "xmm_pointed", OBS)
    assert request.lane == "host:heasarc.gsfc.nasa.gov"
    assert request.task.place is Place.THREAD
    assert resolve(request.task.target) is plan_observation


def test_that_the_lane_is_the_host_of_the_service_or_the_group_of_a_grouped_one():
    assert plan_module.lane_of("heasarc", "http://127.0.0.1:5000/FTP") == "host:127.0.0.1"
    assert plan_module.lane_of("practice:heasarc", "http://127.0.0.1:5000/FTP") == "host:practice"
    row, where = {"obs_id": OBS}, lambda service: f"https://mirror.example/{service}"
    assert plan_request(MISSIONS["xmm_pointed"], row, "/raw", service_url=where).lane == "host:mirror.example"


def test_that_a_mission_without_known_files_says_so():
    spec = replace(MISSIONS["xmm_pointed"], files="")
    with pytest.raises(InputError, match="cannot be downloaded yet"):
        plan_request(spec, {"obs_id": OBS}, "/raw")


def test_that_every_wanted_file_gets_one_download_job_with_its_size_and_key(ctx, xmm):
    outcome = planned(ctx, "xmm_pointed", {"obs_id": OBS})
    assert [(job.unit, job.size_bytes) for job in outcome.follow_ups] == [(M1, 1024), (M2, 1024), (PN, 1024)]
    assert outcome.facts == {"n_files": 3, "bytes": 3072, "n_unknown_sizes": 0}
    first = outcome.follow_ups[0]
    assert (first.kind, first.lane, first.task.target) == ("download", "host:127.0.0.1", plan_module.FETCH)
    assert first.task.arguments == {
        "service": "heasarc",
        "path": f"xmm/data/rev0/{OBS}/PPS/{M1}",
        "destination": f"/raw/P{OBS}M1S001MIEVLI0000.fits",
        "expected_bytes": None,  # the listing only rounds
        "unpack": "gzip",
        "members": "",
        "key": {"mission": "xmm_pointed", "obs_id": OBS, "kind": "events", "instrument": "M1", "exposure": "S001"},
        "raw_file": "",
        "raw_folder": "/raw",
        "sources": [[service, f"xmm/data/rev0/{OBS}/PPS/{M1}"] for service in sources_for("heasarc")],
    }
    assert M1 in first.title
    assert json.loads(json.dumps(first.task.arguments)) == first.task.arguments


def test_that_only_the_files_of_chosen_instruments_are_fetched(ctx, xmm):
    outcome = planned(ctx, "xmm_pointed", {"obs_id": OBS}, instruments=("PN",))
    assert [job.unit for job in outcome.follow_ups] == [PN]


def test_that_an_observation_without_files_of_a_chosen_instrument_stops_with_that_reason(archive, ctx):
    archive.put(f"{PPS}/{M1}", b"1")
    outcome = planned(ctx, "xmm_pointed", {"obs_id": OBS}, instruments=("PN",))
    assert outcome.follow_ups == ()
    assert "none of a kind and an instrument that was chosen" in outcome.stop


READ_ASCA = "daxa_gui.missions.asca:raw_file"


@pytest.fixture
def asca_names(monkeypatch):
    """A reader of file names: event lists per sensor, images of pairs of sensors in a band, telemetry that says nothing."""

    def raw_file(name: str) -> RawFile | None:
        if name.endswith(".evt"):
            return RawFile(ProductKind.EVENTS, name[:4].upper(), "H")
        if name.endswith("sis.img"):
            return RawFile(ProductKind.IMAGE, "SIS0_SIS1", "ALL", (0.4, 2.0))
        return RawFile(ProductKind.IMAGE, "GIS2_GIS3", "ALL", (0.7, 10.0)) if name.endswith("gis.img") else None

    monkeypatch.setattr("daxa_gui.missions.asca.raw_file", raw_file, raising=False)


@pytest.fixture
def asca(archive, asca_names):
    for name in ("sis0.evt", "sis1.evt", "gis2.evt", "sis.img", "gis.img", "orbit.dat"):
        archive.put(f"/FTP/asca/{name}", b"1")
    return folders(RemoteFolder("heasarc", "asca", ".*", kind=ProductKind.RAW, kinds=tuple(ProductKind)))


def chosen(ctx, asca, kinds=(), without=()):
    outcome = plan_observation(ctx, "asca", "1", asca, "/raw", READ_ASCA, without_instruments=without, kinds=kinds)
    return [job.unit for job in outcome.follow_ups]


def test_that_event_lists_are_what_is_fetched_when_no_kind_was_chosen(ctx, asca):
    assert chosen(ctx, asca) == ["sis0.evt", "sis1.evt", "gis2.evt"]


def test_that_a_file_whose_name_says_nothing_is_of_the_kind_of_its_folder(ctx, asca):
    assert chosen(ctx, asca, ["raw"]) == ["orbit.dat"]
    assert chosen(ctx, asca, ["raw", "image"]) == ["sis.img", "gis.img", "orbit.dat"]


def test_that_a_file_of_two_instruments_is_wanted_when_one_of_them_was_chosen(ctx, asca):
    assert chosen(ctx, asca, ["image"], without=["SIS0", "GIS2", "GIS3"]) == ["sis.img"]
    assert chosen(ctx, asca, ["image"], without=["SIS0", "SIS1", "GIS2"]) == ["gis.img"]


def test_that_a_folder_without_a_wanted_kind_is_not_even_listed(archive, ctx, asca):
    images = folders(RemoteFolder("heasarc", "pictures", ".*", kinds=(ProductKind.IMAGE,)))
    assert chosen(ctx, asca + images) == ["sis0.evt", "sis1.evt", "gis2.evt"]
    assert not archive.asked("GET", "/FTP/pictures/")


def test_that_the_key_of_an_image_has_its_energy_band(ctx, asca):
    outcome = plan_observation(ctx, "asca", "1", asca, "/raw", READ_ASCA, kinds=["image"])
    key = outcome.follow_ups[0].task.arguments["key"]
    assert key == {
        "mission": "asca", "obs_id": "1", "kind": "image", "instrument": "SIS0_SIS1", "exposure": "ALL", "band_kev": [0.4, 2.0],
    }  # fmt: skip


def test_that_folders_keep_everything_on_their_way_through_the_store():
    other = RemoteFolder("xsa", "servlet", "a.tar", query=(("obsno", "1"), ("level", "PPS")))
    folder = RemoteFolder(
        "heasarc", "a", ".*", "b", ProductKind.RAW, "m.*", True, (ProductKind.RAW, ProductKind.IMAGE), True, "rev1", (), (other,)
    )
    assert plan_module.folder_from(json.loads(json.dumps(plan_module.folder_values(folder)))) == folder


def test_that_listed_files_are_not_asked_about_one_by_one(archive, ctx, xmm):
    planned(ctx, "xmm_pointed", {"obs_id": OBS})
    assert [(request.method, request.path) for request in archive.requests] == [("GET", f"{PPS}/")]


def test_that_one_connection_serves_a_whole_plan(archive, ctx):
    for name in ("a", "b", "c"):
        archive.put(f"/FTP/{name}/x.fits", b"1")
    plan_observation(ctx, "m", "1", folders(*(RemoteFolder("heasarc", name, r"x\.fits", name) for name in "abc")), "/raw")
    assert (len(archive.requests), archive.connections) == (3, 1)


def test_that_a_folder_is_listed_once_however_often_it_is_named(archive, ctx):
    for name in ("x1.fits", "y1.fits", "z.fits"):
        archive.put(f"/FTP/a/{name}", b"1")
    wanted = (r"x\d\.fits", r"y\d\.fits", r"z\.fits")
    outcome = plan_observation(ctx, "m", "1", folders(*(RemoteFolder("heasarc", "a", one) for one in wanted)), "/raw")
    assert [job.unit for job in outcome.follow_ups] == ["x1.fits", "y1.fits", "z.fits"]
    assert len(archive.requests) == 1


def test_that_a_missing_folder_is_an_error_that_names_it(ctx):
    with pytest.raises(StatusError, match=f"rev0/{OBS}/PPS") as caught:
        planned(ctx, "xmm_pointed", {"obs_id": OBS})
    assert not caught.value.retryable


def test_that_a_folder_without_wanted_files_stops_with_a_sentence(archive, ctx):
    archive.put(f"{PPS}/INDEX.HTM", b"<html>")
    outcome = planned(ctx, "xmm_pointed", {"obs_id": OBS})
    assert outcome.follow_ups == ()
    assert f"no event list of {OBS}" in outcome.stop
    assert outcome.facts["n_files"] == 0


def test_that_encrypted_files_are_called_not_public(archive, ctx, monkeypatch):
    monkeypatch.setattr("daxa_gui.remote.planned.store", lambda: SimpleNamespace(has=lambda service: False))
    archive.put(f"{PPS}/{M1}.gpg", b"secret")
    assert "not public yet" in planned(ctx, "xmm_pointed", {"obs_id": OBS}).stop


def test_that_optional_folders_may_be_missing_and_do_not_count_alone(archive, ctx):
    main = RemoteFolder("heasarc", "a/primary", r".*_evt2\.fits", local="primary")
    extra = RemoteFolder("heasarc", "a/extra", r".*\.fits", local="extra", kind=ProductKind.OTHER, optional=True)
    archive.put("/FTP/a/primary/x_evt2.fits", b"1")
    arguments = {"mission": "m", "obs_id": "1", "folders": folders(main, extra), "raw_folder": "/raw"}
    assert [job.unit for job in plan_observation(ctx, **arguments).follow_ups] == ["primary/x_evt2.fits"]
    del archive.files["/FTP/a/primary/x_evt2.fits"]
    archive.put("/FTP/a/primary/readme.txt", b"1")
    archive.put("/FTP/a/extra/y.fits", b"1")
    outcome = plan_observation(ctx, **arguments)
    assert outcome.follow_ups == ()
    assert outcome.stop


def test_that_a_name_must_match_from_its_beginning_to_its_end(archive, ctx):
    for name in ("x_evt2.fits", "x_evt2.fits.html", "old_x_evt2.fits", "x_evt2.fits~"):
        archive.put(f"/FTP/a/{name}", b"1")
    outcome = plan_observation(ctx, "m", "1", folders(RemoteFolder("heasarc", "a", r"x_evt[12]\.fits")), "/raw")
    assert [job.unit for job in outcome.follow_ups] == ["x_evt2.fits"]


def test_that_nothing_leaves_the_raw_folder_whatever_a_listing_says(archive, ctx):
    links = ["../../evil.fits", "%2e%2e/evil.fits", "..%2f..%2fevil.fits", "/etc/evil.fits", "good evil's.fits"]
    page = "<title>Index of /FTP/a</title>" + "".join(f'<a href="{link}">x</a>' for link in links)
    archive.pages["/FTP/a/"] = page.encode()
    archive.put("/FTP/a/good evil's.fits", b"1")
    outcome = plan_observation(ctx, "m", "1", folders(RemoteFolder("heasarc", "a", r".*\.fits")), "/raw")
    assert [job.task.arguments["destination"] for job in outcome.follow_ups] == ["/raw/good evil's.fits"]


def test_that_two_files_that_unpack_to_one_name_are_not_both_fetched(archive, ctx):
    for name in ("x_mex.fits", "x_mex.fits.Z", "X_MEX.fits"):
        archive.put(f"/FTP/a/{name}", b"1")
    outcome = plan_observation(ctx, "m", "1", folders(RemoteFolder("heasarc", "a", r"(?i).*mex.*")), "/raw")
    assert [job.unit for job in outcome.follow_ups] == ["x_mex.fits"]
    assert len(outcome.warnings) == 2
    assert sum(line.startswith("WARNING") for line in ctx.lines) == 2


def test_that_a_busy_server_is_worth_planning_again(archive, ctx, xmm):
    archive.faults[f"{PPS}/"].append(Fault(status=503, headers=(("Retry-After", "9"),)))
    with pytest.raises(StatusError) as caught:
        planned(ctx, "xmm_pointed", {"obs_id": OBS})
    assert (caught.value.retryable, caught.value.retry_after_s) == (True, 9.0)
    assert len(planned(ctx, "xmm_pointed", {"obs_id": OBS}).follow_ups) == 3  # and it is asked again, though it was down


def test_that_a_web_page_in_place_of_a_known_file_is_noticed_while_planning(archive, ctx):
    archive.faults["/FTP/a/oif.fits"].append(Fault(status=200, also_head=True))
    with pytest.raises(TransferError, match=r"web page instead of oif\.fits"):
        plan_observation(ctx, "m", "1", folders(RemoteFolder("heasarc", "a", r"oif\.fits")), "/raw")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (r"oif\.fits", "oif.fits"),
        (r"1ES_0102m72\.tar\.gz", "1ES_0102m72.tar.gz"),
        (r"a\-b\+c\.gz", "a-b+c.gz"),
        (r".*\.fits", ""),
        (r"a[12]", ""),
        (r"\d+", ""),
        (r"a\\b", "a\\b"),
    ],
)
def test_that_an_expression_without_choices_is_a_name(pattern, name):
    assert literal_name(pattern) == name


def test_that_a_file_known_by_name_needs_no_listing(archive, ctx):
    archive.put("/edr/Puppis_A.tar.gz", bytes(123))
    archive.pages["/edr/"] = b"<html>no listing here</html>"
    row = {"obs_id": "700199", "archive_url": "https://erosita.mpe.mpg.de/edr/eROSITAObservations/CalPvObs/Puppis_A.tar.gz"}
    (job,) = planned(ctx, "erosita_calpv", row).follow_ups
    assert job.task.arguments["expected_bytes"] == 123
    assert (job.size_bytes, job.task.arguments["unpack"], job.task.arguments["destination"]) == (123, "tar", "/raw")
    assert "700199" in job.task.arguments["members"]
    assert [request.method for request in archive.requests] == ["HEAD"]


def test_that_a_server_that_refuses_head_is_asked_for_its_listing(archive, ctx):
    archive.put("/FTP/a/oif.fits", bytes(50))
    archive.faults["/FTP/a/oif.fits"] += [Fault(status=405, also_head=True)] * 2
    outcome = plan_observation(ctx, "m", "1", folders(RemoteFolder("heasarc", "a", r"oif\.fits")), "/raw")
    assert [(job.unit, job.size_bytes) for job in outcome.follow_ups] == [("oif.fits", 1024)]


def test_that_a_plan_of_a_path_with_dots_is_refused(archive, ctx):
    with pytest.raises(TransferError, match="not a folder"):
        plan_observation(ctx, "m", "1", folders(RemoteFolder("heasarc", "a/../../b", ".*")), "/raw")
    assert archive.requests == []


def test_that_planning_can_be_cancelled(archive, ctx, xmm):
    ctx.cancel()
    with pytest.raises(Cancelled):
        planned(ctx, "xmm_pointed", {"obs_id": OBS})
    assert archive.requests == []


# -- plan and transfer together ---------------------------------------------------------------------------------------------


def done(ctx, outcome):
    return [made for job in outcome.follow_ups for made in resolve(job.task.target)(ctx, **job.task.arguments).files]


def test_that_planned_downloads_end_as_raw_event_lists(archive, ctx, tmp_path):
    content = {name: small_fits(20_000, seed) for seed, name in enumerate((M1, M2, PN))}
    for name, body in content.items():
        archive.put(f"{PPS}/{name}", gzip.compress(body))
    made = done(ctx, planned(ctx, "xmm_pointed", {"obs_id": OBS}, str(tmp_path)))
    assert [one.key for one in made] == [
        ProductKey("xmm_pointed", OBS, ProductKind.EVENTS, instrument, exposure)
        for instrument, exposure in (("M1", "S001"), ("M2", "S002"), ("PN", "S003"))
    ]
    assert [Path(one.destination).read_bytes() for one in made] == list(content.values())


def test_that_an_event_list_inside_a_tar_file_gets_the_key_that_its_name_tells(archive, ctx, tmp_path):
    body = small_fits(20_000)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in ("Puppis_A/pm00_700199_020_EventList_c001.fits", "Puppis_A/pm00_700200_020_EventList_c001.fits"):
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    archive.put("/edr/Puppis_A.tar.gz", buffer.getvalue())
    row = {"obs_id": "700199", "archive_url": "https://x/Puppis_A.tar.gz"}
    (made,) = done(ctx, planned(ctx, "erosita_calpv", row, str(tmp_path / "700199")))
    raw = MISSIONS["erosita_calpv"].raw_file
    expected: RawFile = resolve(raw)("pm00_700199_020_EventList_c001.fits")
    assert made.key == ProductKey("erosita_calpv", "700199", ProductKind.EVENTS, expected.instrument, expected.exposure)
    assert Path(made.destination) == tmp_path / "700199" / "pm00_700199_020_EventList_c001.fits"
