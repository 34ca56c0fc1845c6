"""Decrypting what HEASARC gives out encrypted, with the real gpg."""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import os
import random
import shutil
import subprocess
import tempfile
import threading
import traceback
from pathlib import Path

import pytest

from daxa_gui.core.errors import Cancelled, FileError, TransferError
from daxa_gui.remote import decrypt
from daxa_gui.remote.decrypt import (
    WrongKeyError,
    decrypt_file,
    decrypt_with_keys,
    encrypted_packing,
    find_gpg,
    is_encrypted,
    unpack_encrypted,
)
from tests.fakes.task_context import FakeContext

KEY = "Zx9-quiet-swan-ä€"
DATA = b"SIMPLE  =                    T" + random.Random(1).randbytes(400_000)


@pytest.fixture(scope="module")
def gpg_home(tmp_path_factory: pytest.TempPathFactory):
    if shutil.which("gpg") is None:
        pytest.skip("gpg (Debian: apt install gpg) is not installed, so nothing can be encrypted for these tests")
    home = Path(os.environ.get("TMPDIR", "/tmp")) / f"daxa-gui-gpg-{os.getpid()}"  # its sockets need a short path
    home.mkdir(mode=0o700)
    yield home
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


def encrypt(home: Path, folder: Path, data: bytes = DATA, *more: str, key: str = KEY, name: str = "nu_cl.evt.gz.gpg") -> Path:
    plain, packed = folder / "plain.tmp", folder / name
    plain.write_bytes(data)
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-fd", "0", *more]
    command += ["--s2k-count", "65536", "--output", str(packed), "--symmetric", str(plain)]
    subprocess.run(command, input=key.encode(), check=True, capture_output=True)
    plain.unlink()
    return packed


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_that_a_file_is_decrypted_whole(gpg_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encrypt(gpg_home, tmp_path)
    homes = tmp_path.parent / f"{tmp_path.name} homes of gpg {'with a long name' * 8}"
    homes.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(homes))
    decrypt_file(FakeContext(), source, tmp_path / "out.evt.gz", KEY)
    assert (tmp_path / "out.evt.gz").read_bytes() == DATA
    assert names(tmp_path) == ["nu_cl.evt.gz.gpg", "out.evt.gz"]
    assert names(homes) == []


@pytest.mark.parametrize(
    "more", [("--cipher-algo", "CAST5", "--rfc2440", "--disable-mdc"), ("--armor",), ("--cipher-algo", "3DES")]
)
def test_that_files_of_older_programs_are_decrypted_too(gpg_home: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    ctx = FakeContext()
    source = encrypt(gpg_home, tmp_path, DATA, *more)
    decrypt_file(ctx, source, tmp_path / "out", KEY)
    assert (tmp_path / "out").read_bytes() == DATA
    assert any("old way" in line for line in ctx.lines) == ("--disable-mdc" in more)


def test_that_the_key_that_fits_is_found_among_several(gpg_home: Path, tmp_path: Path) -> None:
    source = encrypt(gpg_home, tmp_path)
    decrypt_with_keys(FakeContext(), source, tmp_path / "out", ["one", "", KEY, "two"])
    assert (tmp_path / "out").read_bytes() == DATA


@pytest.mark.parametrize(("keys", "what"), [((), "no key is known"), (("wrong",), "another one"), (("a", "b"), "none of 2 keys")])
def test_that_without_the_right_key_a_sentence_says_so_and_nothing_is_left(
    gpg_home: Path, tmp_path: Path, keys: tuple[str, ...], what: str
) -> None:
    source = encrypt(gpg_home, tmp_path)
    (tmp_path / "out").write_bytes(b"earlier")
    with pytest.raises(WrongKeyError, match=what) as caught:
        decrypt_with_keys(FakeContext(), source, tmp_path / "out", keys)
    assert "Credentials" in caught.value.hint and not caught.value.retryable
    assert (tmp_path / "out").read_bytes() == b"earlier" and names(tmp_path) == ["nu_cl.evt.gz.gpg", "out"]


def test_that_a_damaged_cut_or_plain_file_is_no_data(gpg_home: Path, tmp_path: Path) -> None:
    source = encrypt(gpg_home, tmp_path)
    whole = source.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (bytes(flipped), whole[: len(whole) // 2], b"<html>no gpg</html>", b"", whole[:3]):
        source.write_bytes(content)
        with pytest.raises(FileError):
            decrypt_file(FakeContext(), source, tmp_path / "out", KEY)
        assert names(tmp_path) == ["nu_cl.evt.gz.gpg"]


def test_that_a_file_that_grows_without_end_is_stopped(gpg_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = encrypt(gpg_home, tmp_path, bytes(8_000_000), "--compress-algo", "bzip2", "--bzip2-compress-level", "9")
    assert source.stat().st_size < 8_000_000 / 1000
    monkeypatch.setattr(decrypt.Limits, "most_bytes", lambda self, packed_bytes: 250 * packed_bytes)
    with pytest.raises(FileError, match="grows more than"):
        decrypt_file(FakeContext(), source, tmp_path / "out", KEY)
    assert names(tmp_path) == ["nu_cl.evt.gz.gpg"]


def test_that_names_with_blanks_dashes_and_quotes_are_only_names(gpg_home: Path, tmp_path: Path) -> None:
    source = encrypt(gpg_home, tmp_path, name="-o ä '\"$(x) .gpg")
    decrypt_file(FakeContext(), source, tmp_path / "--out put", KEY)
    assert (tmp_path / "--out put").read_bytes() == DATA


def test_that_a_running_gpg_is_ended_when_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gpg that takes for ever, as on a dead network disk."""
    slow = tmp_path / "gpg"
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(decrypt, "find_gpg", lambda: str(slow))
    (tmp_path / "a.gpg").write_bytes(b"x")
    ctx = FakeContext()

    def cancel_when_it_runs() -> None:
        while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip()):
            threading.Event().wait(0.02)
        ctx.cancel()

    thread = threading.Thread(target=cancel_when_it_runs)
    thread.start()
    with pytest.raises(Cancelled):
        decrypt_file(ctx, tmp_path / "a.gpg", tmp_path / "out", KEY)
    thread.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_that_without_gpg_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.gpg").write_bytes(b"x")
    with pytest.raises(TransferError) as caught:
        decrypt_file(FakeContext(), tmp_path / "a.gpg", tmp_path / "out", KEY)
    assert "GnuPG" in caught.value.hint and not caught.value.retryable


def test_that_the_key_is_in_no_argument_variable_log_or_error(
    gpg_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrapper around the real gpg writes down all that another person on the machine could see of it."""
    caplog.set_level(logging.DEBUG)
    source = encrypt(gpg_home, tmp_path)
    seen, wrapper = tmp_path / "seen", tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\n{{ printf "%s\\n" "$@"; env; }} >> {seen}\nexec {find_gpg()} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(decrypt, "find_gpg", lambda: str(wrapper))
    ctx = FakeContext()
    decrypt_file(ctx, source, tmp_path / "out", KEY)
    with pytest.raises(WrongKeyError) as caught:
        decrypt_file(ctx, source, tmp_path / "out2", KEY + "wrong")
    texts = [seen.read_text(), *traceback.format_exception(caught.value), caught.value.details, *ctx.lines, caplog.text]
    texts += [text for _, _, text in ctx.reports]
    assert "--passphrase-fd" in texts[0] and not [text for text in texts if KEY in text or "swan" in text]


def test_that_encrypted_files_are_known_by_their_names() -> None:
    assert is_encrypted("nu1_cl.evt.gz.gpg") and is_encrypted("A.PGP") and not is_encrypted("nu1_cl.evt.gz")
    packings = {name: encrypted_packing(name) for name in ("a.evt.gz.gpg", "a.evt.gpg", "a.Z.gpg", "a.tar.gpg", "a.gz")}
    assert packings == {"a.evt.gz.gpg": "gpg+gzip", "a.evt.gpg": "gpg", "a.Z.gpg": "gpg+lzw", "a.tar.gpg": "", "a.gz": ""}


def fits_bytes() -> bytes:
    from astropy.io import fits

    stream = io.BytesIO()
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("TIME", "D", array=[1.0, 2.0])])])
    hdus.writeto(stream, checksum=True)
    return stream.getvalue()


@pytest.mark.parametrize("packing", ["gpg", "gpg+gzip"])
def test_that_what_is_inside_is_unpacked_and_checked(gpg_home: Path, tmp_path: Path, packing: str) -> None:
    table = fits_bytes()
    source = encrypt(gpg_home, tmp_path, gzip.compress(table) if packing == "gpg+gzip" else table, name="part")
    result = unpack_encrypted(FakeContext(), source, tmp_path / "cl.evt", packing, [KEY], name="cl.evt.gz.gpg")
    assert (tmp_path / "cl.evt").read_bytes() == table and names(tmp_path) == ["cl.evt", "part"]
    assert (result.path, result.size_bytes, result.sha256) == (tmp_path / "cl.evt", len(table), hashlib.sha256(table).hexdigest())


@pytest.mark.parametrize("packing", ["gpg", "gpg+gzip"])
def test_that_what_is_no_fits_inside_gets_no_name(gpg_home: Path, tmp_path: Path, packing: str) -> None:
    page = b"<html><body>Under maintenance</body></html>"
    source = encrypt(gpg_home, tmp_path, gzip.compress(page) if packing == "gpg+gzip" else page, name="part")
    with pytest.raises(FileError, match=r"cl\.evt"):
        unpack_encrypted(FakeContext(), source, tmp_path / "cl.evt", packing, [KEY], name="cl.evt.gz.gpg")
    assert names(tmp_path) == ["part"]


def test_that_messages_name_the_file_and_not_its_part(gpg_home: Path, tmp_path: Path) -> None:
    source = encrypt(gpg_home, tmp_path, name="x.part")
    with pytest.raises(WrongKeyError, match=r"^cl\.evt\.gz\.gpg is encrypted, and no key is known"):
        unpack_encrypted(FakeContext(), source, tmp_path / "cl.evt", "gpg+gzip", [], name="cl.evt.gz.gpg")
    assert names(tmp_path) == ["x.part"]
