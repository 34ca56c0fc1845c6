"""Which services are asked for an observation's folders, in which order, and what happens when one of them is down."""

from pathlib import Path

import pytest

from daxa_gui.core.errors import TransferError
from daxa_gui.core.mission import RemoteFolder
from daxa_gui.core.product import ProductKind
from daxa_gui.remote.addresses import StatusError
from daxa_gui.remote.connection import Visit
from daxa_gui.remote.looking import DownError, FolderReader, ListingCache, VisitedWeb
from daxa_gui.remote.plan import folder_values, plan_observation
from daxa_gui.remote.services import SERVICES
from daxa_gui.remote.sources import (
    OUTAGES,
    Outages,
    available_sources,
    lane_of,
    origin_of,
    same_remote_file,
    says_down,
    sources_for,
)
from tests.fakes.fake_bucket import FakeBucket
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.task_context import FakeContext

FOLDER = RemoteFolder("heasarc", "swift/1/", r"[a-z]+\.evt")
NOBODY = "http://127.0.0.1:9"  # the port « discard »: nothing listens


@pytest.fixture(autouse=True)
def no_outages():
    OUTAGES._until_s.clear()
    yield
    OUTAGES._until_s.clear()


@pytest.fixture
def archive():
    with FakeArchive() as server:
        server.put("/FTP/swift/1/a.evt", b"12")
        yield server


@pytest.fixture
def bucket():
    with FakeBucket({"swift/1/a.evt": b"12", "swift/1/b.evt": b"123"}) as server:
        yield server


def planned(services: dict[str, str], *folders: RemoteFolder, **more):
    ctx = FakeContext(services)
    outcome = plan_observation(ctx, "m", "1", [folder_values(one) for one in folders or (FOLDER,)], "/raw/1", **more)
    return [job.unit for job in outcome.follow_ups], ctx.lines, outcome


# -- names ------------------------------------------------------------------------------------------------------------------


def test_that_a_mirror_comes_first_then_the_service_then_its_copies():
    assert sources_for("heasarc") == ("mirror:heasarc", "heasarc", "heasarc_s3", "heasarc_s3_public")
    assert sources_for("xsa") == ("mirror:xsa", "xsa")


def test_that_the_cloud_comes_before_the_service_when_that_was_chosen():
    assert sources_for("heasarc", prefer_cloud=True) == ("mirror:heasarc", "heasarc_s3", "heasarc_s3_public", "heasarc")


def test_that_the_practice_sky_has_no_alternatives():
    assert sources_for("practice:heasarc") == ("practice:heasarc",)


def test_that_every_source_of_a_known_service_but_its_mirror_has_an_address():
    for service in SERVICES:
        for source in sources_for(service):
            assert source.startswith("mirror:") or SERVICES[source].startswith("https://")


def test_that_copies_of_a_file_are_the_same_file():
    assert origin_of("mirror:heasarc") == origin_of("heasarc_s3_public") == origin_of("heasarc") == "heasarc"
    assert origin_of("practice:heasarc") == "practice:heasarc"
    assert same_remote_file(("heasarc_s3", "/a/b"), ("mirror:heasarc", "a/b"))
    assert not same_remote_file(("heasarc", "a/b"), ("practice:heasarc", "a/b"))
    assert not same_remote_file(("heasarc", "a/b"), ("heasarc", "a/c"))


def test_that_lanes_are_hosts():
    assert lane_of("mirror:heasarc", "https://mirror.example/x") == "host:mirror.example"
    assert lane_of("mirror:heasarc", "file:///media/x") == "host:files"
    assert lane_of("practice:heasarc", "http://127.0.0.1:99/") == "host:practice"


def test_that_services_without_an_address_are_passed_over():
    found = available_sources("heasarc", {"heasarc": "", "heasarc_s3": "https://b", "mirror:heasarc": ""}.__getitem__)
    assert [source.service for source in found] == ["heasarc_s3"]
    with pytest.raises(TransferError, match="has no address"):
        available_sources("heasarc", lambda service: "")


# -- falling back -----------------------------------------------------------------------------------------------------------


def test_that_the_cloud_copy_is_listed_when_the_service_does_not_answer(bucket):
    units, lines, outcome = planned({"heasarc": NOBODY, "heasarc_s3": bucket.url})
    assert units == ["a.evt", "b.evt"]
    assert any("heasarc is down" in line for line in lines)
    first = outcome.follow_ups[0]
    assert (first.size_bytes, first.task.arguments["expected_bytes"]) == (2, 2)
    assert first.task.arguments["sources"] == [[name, "swift/1/a.evt"] for name in sources_for("heasarc")]
    assert (first.task.arguments["service"], first.task.arguments["path"]) == ("heasarc", "swift/1/a.evt")


def test_that_a_server_error_is_an_outage_and_a_missing_file_is_none(archive, bucket):
    archive.faults["/FTP/swift/1/"].append(Fault(status=502))
    units, _, _ = planned({"heasarc": f"{archive.url}/FTP", "heasarc_s3": bucket.url})
    assert units == ["a.evt", "b.evt"]
    assert OUTAGES.is_down(archive.url)
    assert not says_down(StatusError(404, "")) and not says_down(StatusError(403, "")) and not says_down(StatusError(501, ""))


def test_that_the_next_job_does_not_wait_for_a_host_that_was_down(archive, bucket):
    archive.faults["/FTP/swift/1/"].append(Fault(status=502))
    services = {"heasarc": f"{archive.url}/FTP", "heasarc_s3": bucket.url}
    planned(services)
    n_asked = len(archive.requests)
    planned(services)
    assert len(archive.requests) == n_asked
    assert bucket.asked == ["LIST swift/1/"] * 2


def test_that_the_second_bucket_is_asked_for_what_the_first_one_lacks(bucket):
    with FakeBucket({"nustar/x.evt": b"1"}) as public:
        services = {"heasarc": NOBODY, "heasarc_s3": bucket.url, "heasarc_s3_public": public.url}
        units, _, _ = planned(services, RemoteFolder("heasarc", "nustar/", ".*"))
    assert units == ["x.evt"]
    assert bucket.asked == ["LIST nustar/"]


def test_that_what_a_mirror_lacks_is_looked_for_at_the_service(archive, tmp_path):
    (tmp_path / "heasarc" / "swift" / "2").mkdir(parents=True)
    services = {"mirror:heasarc": (tmp_path / "heasarc").as_uri(), "heasarc": f"{archive.url}/FTP"}
    assert planned(services)[0] == ["a.evt"]


def test_that_a_mirror_in_a_folder_needs_no_network(tmp_path):
    folder = tmp_path / "heasarc" / "swift" / "1"
    folder.mkdir(parents=True)
    (folder / "a.evt").write_bytes(b"123")
    (folder / "oif.fits").write_bytes(b"1234")
    services = {"mirror:heasarc": (tmp_path / "heasarc").as_uri(), "heasarc": NOBODY}
    _, _, outcome = planned(services, FOLDER, RemoteFolder("heasarc", "swift/1/", r"oif\.fits", local="x"))
    assert [(job.unit, job.size_bytes, job.lane) for job in outcome.follow_ups] == [
        ("a.evt", 3, "host:files"),
        ("x/oif.fits", 4, "host:files"),
    ]


def test_that_the_service_itself_decides_that_a_folder_is_missing(archive, bucket):
    bucket.objects = {"swift/7/a.evt": b"1"}
    services = {"heasarc": f"{archive.url}/FTP", "heasarc_s3": bucket.url}
    with pytest.raises(StatusError) as caught:
        planned(services, RemoteFolder("heasarc", "swift/7/", ".*"))
    assert caught.value.says_missing
    assert bucket.asked == []


def test_that_a_copy_cannot_say_that_a_folder_is_missing_while_the_service_is_down(bucket):
    with pytest.raises(TransferError) as caught:
        planned({"heasarc": NOBODY, "heasarc_s3": bucket.url}, RemoteFolder("heasarc", "swift/7/", ".*", optional=True))
    assert caught.value.retryable


def test_that_the_cloud_is_asked_first_when_it_is_preferred(archive, bucket):
    services = {"heasarc": f"{archive.url}/FTP", "heasarc_s3": bucket.url}
    units, _, outcome = planned(services, prefer_cloud=True)
    assert units == ["a.evt", "b.evt"]
    assert archive.requests == []
    assert outcome.follow_ups[0].task.arguments["sources"][1][0] == "heasarc_s3"


def test_that_one_question_to_the_cloud_serves_all_folders_of_an_observation():
    with FakeBucket({"x/0001/ev/a.evt": b"1", "x/0001/im/b.img": b"22", "x/0001/c.cat": b"333"}) as bucket:
        folders = [
            RemoteFolder("heasarc", "x/0001/ev/", ".*", "ev"),
            RemoteFolder("heasarc", "x/0001/im/", ".*", "im"),
            RemoteFolder("heasarc", "x/0001/", r"c\.cat"),
            RemoteFolder("heasarc", "x/0001/", r"d\.cat", optional=True),
            RemoteFolder("heasarc", "x/0001/no/", ".*", optional=True),
        ]
        values = [folder_values(one) for one in folders]
        outcome = plan_observation(FakeContext({"heasarc_s3": bucket.url, "heasarc": ""}), "m", "0001", values, "/raw/0001")
        assert bucket.asked == ["LIST x/0001/"]
    assert [(job.unit, job.size_bytes) for job in outcome.follow_ups] == [("ev/a.evt", 1), ("im/b.img", 2), ("c.cat", 3)]


# -- folders that replace others --------------------------------------------------------------------------------------------

PACKED = RemoteFolder(
    "xsa", "data-action-aio", "0001_PPS.tar", archive_members=r".*\.FTZ", query=(("obsno", "0001"), ("level", "PPS"))
)  # fmt: skip


def test_that_a_missing_folder_is_replaced_by_the_next_one(archive):
    other = RemoteFolder("cxc", "swift/1/", r"[a-z]+\.evt", "sub")
    missing = RemoteFolder("heasarc", "swift/9/", ".*", otherwise=(other,))
    services = {"heasarc": f"{archive.url}/FTP", "cxc": f"{archive.url}/FTP"}
    units, lines, outcome = planned(services, missing)
    assert units == ["sub/a.evt"]
    assert outcome.follow_ups[0].task.arguments["service"] == "cxc"
    assert any("swift/9/" in line for line in lines)


def test_that_a_service_that_packs_on_demand_replaces_one_that_does_not_answer():
    folder = RemoteFolder("heasarc", "xmm/1/", ".*", otherwise=(PACKED,))
    _, _, outcome = planned({"heasarc": NOBODY, "xsa": "https://xsa.example"}, folder)
    (job,) = outcome.follow_ups
    assert (job.unit, job.size_bytes, job.lane) == ("0001_PPS.tar", None, "host:xsa.example")
    arguments = job.task.arguments
    assert (arguments["unpack"], arguments["name"], arguments["members"]) == ("tar", "0001_PPS.tar", r".*\.FTZ")
    assert (arguments["path"], arguments["query"]) == ("data-action-aio", [["obsno", "0001"], ["level", "PPS"]])
    assert outcome.facts["n_unknown_sizes"] == 1


def test_that_a_packed_file_cannot_be_called_anything():
    with pytest.raises(TransferError, match="cannot be the name"):
        planned({"xsa": "https://x"}, RemoteFolder("xsa", "data", "../x.tar", query=(("a", "b"),)))


def test_that_what_may_pass_is_told_when_everything_failed(archive):
    folder = RemoteFolder("heasarc", "swift/9/", ".*", otherwise=(RemoteFolder("cxc", "swift/9/", ".*"),))
    with pytest.raises(TransferError) as caught:
        planned({"heasarc": f"{archive.url}/FTP", "cxc": NOBODY}, folder)
    assert caught.value.retryable  # another time the second service may have it


# -- folders below folders, folders that are shared -------------------------------------------------------------------------


def test_that_everything_below_a_folder_keeps_its_place(archive):
    for name in ("x.fits", "one/y.fits", "one/two/z.fits", "one/picture.gif"):
        archive.put(f"/FTP/r/{name}", b"1")
    folder = RemoteFolder("heasarc", "r/", r".*\.fits", "rev.001", recursive=True)
    units, _, outcome = planned({"heasarc": f"{archive.url}/FTP"}, folder)
    assert units == ["rev.001/x.fits", "rev.001/one/y.fits", "rev.001/one/two/z.fits"]
    last = outcome.follow_ups[-1].task.arguments
    assert (last["destination"], last["path"]) == ("/raw/1/rev.001/one/two/z.fits", "r/one/two/z.fits")


def test_that_folders_without_end_are_not_followed(archive):
    archive.pages.update({f"/FTP/r/{'d/' * depth}": b"<title>Index of</title><a href='d/'>d</a>" for depth in range(40)})
    folder = RemoteFolder("heasarc", "r/", ".*", recursive=True)
    assert planned({"heasarc": f"{archive.url}/FTP"}, folder)[0] == []
    assert len(archive.requests) < 20


def test_that_shared_files_are_a_matter_of_what_shares_them(archive):
    archive.put("/FTP/rev/orbit.fits", b"1")
    archive.put("/FTP/swift/2/b.evt", b"1")
    shared = RemoteFolder("heasarc", "rev/", ".*", "aux/adp", shared="rev 2185/x", optional=True)
    services = {"heasarc": f"{archive.url}/FTP"}
    first = plan_observation(FakeContext(services), "m", "1", [folder_values(one) for one in (FOLDER, shared)], "/out/m_raw/1")
    window = RemoteFolder("heasarc", "swift/2/", ".*")
    second = plan_observation(FakeContext(services), "m", "2", [folder_values(one) for one in (window, shared)], "/out/m_raw/2")
    one, other = (next(job for job in outcome.follow_ups if job.unit == "aux/adp/orbit.fits") for outcome in (first, second))
    assert one == other
    assert (one.obs_id, one.task.arguments["destination"]) == ("rev_2185_x", "/out/m_raw/aux/adp/orbit.fits")
    assert one.task.arguments["key"] is None or one.task.arguments["key"]["obs_id"] == "rev_2185_x"
    assert len(archive.asked("GET", "/FTP/rev/")) == 1


def test_that_what_is_shared_is_of_no_use_alone(archive):
    archive.put("/FTP/rev/orbit.fits", b"1")
    archive.put("/FTP/swift/1/readme.txt", b"1")
    shared = RemoteFolder("heasarc", "rev/", ".*", shared="2185")
    own = RemoteFolder("heasarc", "swift/1/", r"x\d\.evt")
    _, _, outcome = planned({"heasarc": f"{archive.url}/FTP"}, own, shared)
    assert outcome.follow_ups == ()
    assert outcome.stop


@pytest.mark.parametrize("shared", ["..", "/", "a..b", "..."])
def test_that_no_shared_name_leads_elsewhere(archive, shared):
    folder = RemoteFolder("heasarc", "swift/1/", ".*", shared=shared)
    with pytest.raises(TransferError, match="what observations share"):
        planned({"heasarc": f"{archive.url}/FTP"}, folder)


@pytest.mark.parametrize("local", ["../x", "/etc", "a/../../b", "a//b", "a\\b"])
def test_that_no_folder_here_leads_elsewhere(archive, local):
    with pytest.raises(TransferError, match="not a folder below"):
        planned({"heasarc": f"{archive.url}/FTP"}, RemoteFolder("heasarc", "swift/1/", ".*", local))


# -- outages ----------------------------------------------------------------------------------------------------------------


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def down() -> TransferError:
    error = TransferError("The connection broke.")
    error.__cause__ = ConnectionRefusedError()
    return error


def test_that_an_outage_is_forgotten_after_a_while_or_when_it_is_over():
    clock = Clock()
    outages = Outages(clock, remember_s=60.0)
    assert outages.note("http://one/a", down())
    assert outages.is_down("http://one/b") and not outages.is_down("http://two/a")
    assert outages.sorted(["http://one", "http://two"], str) == ["http://two", "http://one"]
    clock.now_s += 59
    assert outages.is_down("http://one")
    clock.now_s += 2
    assert not outages.is_down("http://one")
    outages.note("http://one", down())
    outages.answered("http://one/c")
    assert not outages.is_down("http://one")


def test_that_a_server_may_say_how_long_it_is_out():
    clock = Clock()
    outages = Outages(clock, remember_s=300.0)
    error = StatusError(503, "busy", retryable=True)
    error.retry_after_s = 5.0
    outages.note("http://one", error)
    clock.now_s += 6
    assert not outages.is_down("http://one")


def test_that_an_impatient_reader_does_not_ask_where_nobody_answers():
    ctx, outages = FakeContext({"heasarc": NOBODY}), Outages()
    with Visit(ctx) as visit:
        reader = FolderReader(ctx, VisitedWeb(ctx, visit), impatient=True, outages=outages)
        with pytest.raises(TransferError) as first:
            reader.find(FOLDER)
        with pytest.raises(DownError, match="does not answer"):
            reader.find(FOLDER)
    assert not isinstance(first.value, DownError)


def test_that_shared_listings_grow_old():
    clock = Clock()
    cache = ListingCache(keep_s=60.0, most=2, clock=clock)
    listings = {name: object() for name in "abc"}
    for name, listing in listings.items():
        cache.put((name, ""), listing)  # type: ignore[arg-type]
    assert cache.get(("a", "")) is None  # only two are kept
    assert cache.get(("c", "")) is listings["c"]
    clock.now_s += 61
    assert cache.get(("c", "")) is None


def test_that_kinds_of_a_mirror_are_those_of_its_service(tmp_path: Path):
    folder = tmp_path / "swift" / "1"
    folder.mkdir(parents=True)
    (folder / "a.evt").write_bytes(b"1")
    images = RemoteFolder("heasarc", "swift/1/", ".*", kind=ProductKind.IMAGE)
    assert planned({"mirror:heasarc": tmp_path.as_uri()}, images)[0] == []
    assert planned({"mirror:heasarc": tmp_path.as_uri()}, images, kinds=["image"])[0] == ["a.evt"]
