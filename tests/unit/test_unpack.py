import errno
import gzip
import hashlib
import io
import shutil
import tarfile
from collections import namedtuple
from pathlib import Path

import ncompress
import pytest

from daxa_gui.core.errors import Cancelled, FileError, TransferError
from daxa_gui.remote.checks import begins_as_named, looks_like_html
from daxa_gui.remote.fits_check import check_fits
from daxa_gui.remote.unpack import Limits, RefusedError, packing_of, unpack_file, unpack_tar, unpacked_name
from tests.fakes.small_fits import header, small_fits
from tests.fakes.task_context import FakeContext

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SMALL = Limits(ratio=2.0, always_bytes=100_000)


def lzw(content: bytes) -> bytes:
    return ncompress.compress(content)


@pytest.fixture
def ctx():
    return FakeContext()


def packed(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("name", "packing", "inside"),
    [
        ("P0405320501M1S002MIEVLI0000.FTZ", "gzip", "P0405320501M1S002MIEVLI0000.fits"),
        ("acisf03205N006_evt2.fits.gz", "gzip", "acisf03205N006_evt2.fits"),
        ("rp500065n00_bas.fits.Z", "lzw", "rp500065n00_bas.fits"),
        ("Crab_I.tar.gz", "tar", "Crab_I.tar.gz"),
        ("all.tgz", "tar", "all.tgz"),
        ("oif.fits", "", "oif.fits"),
    ],
)
def test_that_names_say_how_a_file_is_packed_and_what_it_is_called_inside(name, packing, inside):
    assert (packing_of(name), unpacked_name(name)) == (packing, inside)


def test_that_a_gzip_file_comes_out_byte_for_byte(ctx, tmp_path):
    content = small_fits(3_000_000)
    result = unpack_file(ctx, packed(tmp_path, "a.fits.gz", gzip.compress(content, 1)), tmp_path / "out" / "a.fits", "gzip")
    assert result.path.read_bytes() == content
    assert (result.size_bytes, result.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert left_in(tmp_path / "out") == ["a.fits"]


def test_that_a_gzip_file_of_several_members_comes_out_whole(ctx, tmp_path):
    content = small_fits(9000)
    two = gzip.compress(content[:5000]) + gzip.compress(content[5000:])
    assert unpack_file(ctx, packed(tmp_path, "a.fits.gz", two), tmp_path / "a.fits", "gzip").path.read_bytes() == content


def test_that_an_lzw_file_comes_out_byte_for_byte(ctx, tmp_path):
    content = small_fits(2_500_000)
    source = packed(tmp_path, "a_bas.fits.Z", ncompress.compress(content))
    assert unpack_file(ctx, source, tmp_path / "a_bas.fits", "lzw").path.read_bytes() == content


def test_that_an_existing_file_survives_an_unpacking_that_fails(ctx, tmp_path):
    packed(tmp_path, "a.fits", b"old")
    cut = packed(tmp_path, "a.fits.gz", gzip.compress(small_fits(50_000))[:-20_000])
    with pytest.raises(FileError, match=r"a\.fits\.gz is cut short"):
        unpack_file(ctx, cut, tmp_path / "a.fits", "gzip")
    assert (tmp_path / "a.fits").read_bytes() == b"old"
    assert left_in(tmp_path) == ["a.fits", "a.fits.gz"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.fits.gz", b"\x1f\x8b" + b"not gzip at all" * 10),
        ("a.fits.gz", b""),
        ("a.fits.gz", gzip.compress(b"an ordinary text", mtime=0)),
        ("a.fits.gz", gzip.compress(small_fits(9000), mtime=0) + b"garbage behind it"),
        ("a.fits.gz", gzip.compress(small_fits(9000), mtime=0)[:-8] + b"\0" * 8),
        ("a.fits.gz", gzip.compress(small_fits(9000)[:-100], mtime=0)),
        ("a.fits.gz", gzip.compress(small_fits(9000)[:-2880], mtime=0)),
        ("a.fits.Z", b"\x1f\x9d\x8a" + b"\xff" * 100),
        ("a.fits.Z", b""),
        ("a.fits.Z", b"neither"),
        ("a.fits.Z", ncompress.compress(small_fits(90_000))[:-5000]),
    ],
)
def test_that_a_damaged_file_is_named_and_leaves_nothing(ctx, tmp_path, name, content):
    source = packed(tmp_path, name, content)
    with pytest.raises(FileError, match=name.replace(".", r"\.")) as caught:
        unpack_file(ctx, source, tmp_path / "a.fits", packing_of(name))
    assert not isinstance(caught.value, RefusedError)
    assert left_in(tmp_path) == [name]


@pytest.mark.parametrize(("name", "pack"), [("bomb.dat.gz", gzip.compress), ("bomb.dat.Z", lzw)])
def test_that_a_bomb_is_stopped_before_it_fills_the_disk(ctx, tmp_path, name, pack):
    source = packed(tmp_path, name, pack(bytes(5_000_000)))
    with pytest.raises(RefusedError, match="far more than"):
        unpack_file(ctx, source, tmp_path / "bomb.dat", packing_of(name), limits=SMALL)
    assert left_in(tmp_path) == [name]


def test_that_unpacking_can_be_cancelled(ctx, tmp_path):
    for name, pack in (("a.fits.gz", gzip.compress), ("b.fits.Z", lzw)):
        source = packed(tmp_path, name, pack(small_fits(2_000_000)))
        ctx.cancel()
        with pytest.raises(Cancelled):
            unpack_file(ctx, source, tmp_path / "out.fits", packing_of(name))
    assert left_in(tmp_path) == ["a.fits.gz", "b.fits.Z"]


def test_that_a_full_disk_is_said_before_unpacking(ctx, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 70 * 2**20))
    source = packed(tmp_path, "a.fits.gz", gzip.compress(small_fits(20_000_000), 0))
    with pytest.raises(TransferError, match="is full") as caught:
        unpack_file(ctx, source, tmp_path / "a.fits", "gzip")
    assert caught.value.pauses_lane
    assert not caught.value.retryable
    assert left_in(tmp_path) == ["a.fits.gz"]


def test_that_a_disk_that_fills_up_on_the_way_leaves_no_half_file(ctx, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("daxa_gui.remote.unpack._Sink.write", full)
    source = packed(tmp_path, "a.fits.gz", gzip.compress(small_fits(9000)))
    with pytest.raises(TransferError, match="is full"):
        unpack_file(ctx, source, tmp_path / "a.fits", "gzip")
    assert left_in(tmp_path) == ["a.fits.gz"]


# -- tar --------------------------------------------------------------------------------------------------------------------


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, content


def tar(folder: Path, *members: tuple[tarfile.TarInfo, bytes], name: str = "field.tar.gz") -> Path:
    with tarfile.open(folder / name, "w:gz" if name.endswith("gz") else "w") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return folder / name


LIST_1 = "fm00_700195_020_EventList_c001.fits"
LIST_2 = "fm00_700199_020_EventList_c001.fits"


@pytest.mark.parametrize("name", ["field.tar.gz", "field.tar"])
def test_that_only_members_that_match_are_taken_without_their_folders(ctx, tmp_path, name):
    one, two = small_fits(5000, 1), small_fits(6000, 2)
    source = tar(
        tmp_path, member("a/", kind=tarfile.DIRTYPE), member(f"a/b/{LIST_1}", one), member(f"a/{LIST_2}", two), name=name
    )
    taken = unpack_tar(ctx, source, tmp_path / "out", r".*_700195_020_EventList_c\d+\.fits")
    assert [(one_file.path.name, one_file.path.read_bytes()) for one_file in taken] == [(LIST_1, one)]
    assert left_in(tmp_path / "out") == [LIST_1]


def test_that_a_compressed_member_is_unpacked_too(ctx, tmp_path):
    content = small_fits(5000)
    taken = unpack_tar(ctx, tar(tmp_path, member("x/a.evt.gz", gzip.compress(content))), tmp_path / "out")
    assert [one.path.name for one in taken] == ["a.evt"]
    assert taken[0].path.read_bytes() == content


def test_that_nothing_matching_gives_nothing(ctx, tmp_path):
    assert unpack_tar(ctx, tar(tmp_path, member("readme.txt", b"hello")), tmp_path / "out", r".*\.fits") == ()


@pytest.mark.parametrize(
    "bad",
    [
        member("../evil.fits", b"x"),
        member("a/../../evil.fits", b"x"),
        member("/tmp/evil.fits", b"x"),
        member("..\\evil.fits", b"x"),
        member("link.fits", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        member("hard.fits", kind=tarfile.LNKTYPE, link="../../etc/passwd"),
        member("device.fits", kind=tarfile.CHRTYPE),
        member("pipe.fits", kind=tarfile.FIFOTYPE),
        member("a/new\nline.fits", b"x"),
    ],
)
def test_that_a_member_that_would_leave_the_folder_is_refused(ctx, tmp_path, bad):
    inner = tmp_path / "deep" / "out"
    with pytest.raises(RefusedError, match="member"):
        unpack_tar(ctx, tar(tmp_path, bad), inner, r"(?s).*\.fits")
    assert left_in(tmp_path) == ["field.tar.gz"]


def test_that_links_which_nobody_wants_do_no_harm(ctx, tmp_path):
    content = small_fits(5000)
    source = tar(tmp_path, member("../link", kind=tarfile.SYMTYPE, link="/etc"), member(LIST_1, content))
    assert [one.path.name for one in unpack_tar(ctx, source, tmp_path / "out", r".*EventList.*")] == [LIST_1]
    assert left_in(tmp_path) == ["field.tar.gz", f"out/{LIST_1}"]


def test_that_two_members_of_one_name_are_refused(ctx, tmp_path):
    source = tar(tmp_path, member(f"a/{LIST_1}", small_fits(10)), member(f"b/{LIST_1.upper()}", small_fits(10)))
    with pytest.raises(RefusedError, match="two files named"):
        unpack_tar(ctx, source, tmp_path / "out", r"(?i).*EventList.*")


def test_that_a_tar_bomb_is_stopped_by_what_its_members_announce(ctx, tmp_path):
    source = tar(tmp_path, *(member(f"zeros{n}.dat", bytes(60_000)) for n in range(10)))
    with pytest.raises(RefusedError, match="would unpack to more"):
        unpack_tar(ctx, source, tmp_path / "out", r"nothing", limits=SMALL)


def test_that_a_tar_file_with_endless_members_is_stopped(ctx, tmp_path):
    source = tar(tmp_path, *(member(f"{n}.dat") for n in range(50)))
    with pytest.raises(RefusedError, match="10 files"):
        unpack_tar(ctx, source, tmp_path / "out", limits=Limits(most_members=10))


@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_that_a_tar_file_that_is_cut_short_is_an_error(ctx, tmp_path, keep):
    source = tar(tmp_path, member(LIST_1, small_fits(200_000)))
    source.write_bytes(source.read_bytes()[: int(source.stat().st_size * keep)])
    with pytest.raises(FileError, match=r"field\.tar\.gz"):
        unpack_tar(ctx, source, tmp_path / "out")
    assert left_in(tmp_path) == ["field.tar.gz"]


@pytest.mark.parametrize("content", [b"", b"no tar file at all" * 100, gzip.compress(b"no tar file at all" * 100, mtime=0)])
def test_that_something_else_than_a_tar_file_is_an_error(ctx, tmp_path, content):
    with pytest.raises(FileError, match=r"field\.tar\.gz"):
        unpack_tar(ctx, packed(tmp_path, "field.tar.gz", content), tmp_path / "out")


# -- what files are ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first", "fits"),
    [
        ("a.fits", b"SIMPLE  =                    T", True),
        ("a.fits", b"SIMPLY WRONG", False),
        ("a.evt", b"\x1f\x8b\x08", False),
        ("a.FTZ", b"\x1f\x8b\x08", True),
        ("a.fits.gz", b"SIMPLE  =", False),
        ("a.fits.Z", b"\x1f\x9d\x90", True),
        ("a.fits.Z", b"\x1f\x8b\x08", False),
        ("a.tar", b"\0" * 257 + b"ustar\x0000", True),
        ("a.tar", b"SIMPLE", False),
        ("notes.txt", b"anything", True),
    ],
)
def test_that_the_first_bytes_must_be_those_of_the_name(name, first, fits):
    assert begins_as_named(name, first) is fits


def test_that_web_pages_are_recognised():
    assert looks_like_html(b"\n  <!DOCTYPE HTML PUBLIC")
    assert looks_like_html(b'<?xml version="1.0"?>\n<html xmlns="x">')
    assert not looks_like_html(b'<?xml version="1.0"?>\n<VOTABLE>')
    assert not looks_like_html(b"SIMPLE  =")


def test_that_whole_fits_files_pass(tmp_path):
    check_fits(packed(tmp_path, "a.fits", small_fits(10_000, extensions=2)))
    empty = header("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0")
    check_fits(packed(tmp_path, "b.fits", empty))
    check_fits(packed(tmp_path, "c.fits", small_fits(10) + bytes(2880)))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "does not begin with SIMPLE"),
        (b"XTENSION= 'IMAGE   '" + b" " * 2860, "does not begin with SIMPLE"),
        (small_fits(10)[:-1], "cut short"),
        (small_fits(9000, extensions=1)[:-2880], "2880 of"),
        (b"SIMPLE  =                    T".ljust(2880), "header does not end"),
        (header("SIMPLE  =                    T", "BITPIX  =                    8"), "how large"),
        (header("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =              many"), "how large"),
        (
            header("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   = 1", "NAXIS1  = -5"),
            "negative size",
        ),
        (
            header("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   = 1", "NAXIS1  = " + "9" * 50),
            "cut",
        ),
    ],
)
def test_that_a_broken_fits_file_is_told_from_a_whole_one(tmp_path, content, why):
    with pytest.raises(FileError, match=why):
        check_fits(packed(tmp_path, "a.fits", content))


# Somebody changed events of these and left the sums as they were; astropy refuses them as well.
CHANGED_AFTERWARDS = ("sgr1830kgfilt.evt", "nu90410111001A06_cl_sunpos.evt")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/data with real files is not beside the project")
def test_that_real_files_of_the_missions_pass_and_unpack(ctx, tmp_path):
    whole = [path for path in SHARED.rglob("*") if path.suffix in (".fits", ".evt") and path.is_file()]
    for path in whole:
        if path.name in CHANGED_AFTERWARDS:
            with pytest.raises(FileError, match="do not add up to their DATASUM"):
                check_fits(path)
        else:
            check_fits(path)
    zipped = [path for path in SHARED.rglob("*") if path.suffix in (".gz", ".FTZ")]
    for path in zipped:
        result = unpack_file(ctx, path, tmp_path / unpacked_name(path.name), "gzip")
        assert result.path.read_bytes() == gzip.decompress(path.read_bytes())
    assert len(whole) > 10
    assert len(zipped) > 4


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_that_a_header_that_would_fill_the_memory_is_refused(ctx, tmp_path, kind):
    source = tar(tmp_path, member("a", bytes(64 * 1024 * 1024), kind), member(LIST_1, small_fits(100)))
    assert source.stat().st_size < 100_000
    with pytest.raises(RefusedError, match="announces 67 MB of names"):
        unpack_tar(ctx, source, tmp_path / "out")


def test_that_long_names_are_no_danger(ctx, tmp_path):
    source = tar(tmp_path, member(f"{'long/' * 100}{LIST_1}", small_fits(100)))
    assert [one.path.name for one in unpack_tar(ctx, source, tmp_path / "out")] == [LIST_1]
