"""Decrypting files that HEASARC gives out encrypted (`.gpg`), with the program gpg.

The key goes through gpg's standard input, never through arguments, environment or files. gpg gets a home folder of its own that
is deleted afterwards, no options file and no agent. Whether the result is FITS is for the caller to check.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from daxa_gui.core.errors import FileError, TransferError
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.checks import is_fits_name
from daxa_gui.remote.disk import SPARE_BYTES, check_space, disk_full, free_bytes, sync_folder, translated_disk_errors
from daxa_gui.remote.unpack import Judge, Limits, RefusedError, Unpacked, checked_sums, packing_of, refuse, unpack_file

SUFFIXES = (".gpg", ".pgp")
PACKING = "gpg"  # what stands for it where a job says how a file is packed: "gpg", "gpg+gzip", "gpg+lzw"
_LOOK_S = 0.1


class WrongKeyError(TransferError):
    """The file is encrypted with another key. What was fetched is good and stays: it only waits for the right one."""

    retryable_by_default = False


def is_encrypted(name: str) -> bool:
    """Whether a file's name says that it is encrypted."""
    return name.lower().endswith(SUFFIXES)


def name_inside(name: str) -> str:
    """The name of what an encrypted file holds: without .gpg."""
    return name.rpartition(".")[0] if is_encrypted(name) else name


def encrypted_packing(name: str) -> str:
    """How an encrypted file of this name is packed, for `unpack_encrypted`; empty if it is not encrypted, or holds a tar file."""
    if not is_encrypted(name):
        return ""
    inside = packing_of(name_inside(name))
    if inside == "tar":
        return ""
    return f"{PACKING}+{inside}" if inside else PACKING


def unpack_encrypted(
    ctx: TaskContext, packed: Path, destination: Path, packing: str, keys: Sequence[str], *, name: str = "",
    judge: Judge = refuse,
) -> Unpacked:  # fmt: skip
    """Decrypt a file and unpack what is inside to `destination`, checked before it has that name. The packed file stays.

    Parameters
    ----------
    packing : from `encrypted_packing`.
    name : what messages call the packed file.
    judge : decides about FITS files with wrong sums.

    Raises
    ------
    WrongKeyError, FileError, TransferError, Cancelled : see `decrypt_file` and `unpack.unpack_file`.
    """
    decrypted = destination.with_name(f"{destination.name}.decrypted")
    title = name_inside(name or packed.name)
    try:
        decrypt_with_keys(ctx, packed, decrypted, keys, name=name)
        inside = packing.partition("+")[2]
        if inside:
            return unpack_file(ctx, decrypted, destination, inside, name=title, judge=judge)
        with decrypted.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        warning = checked_sums(ctx, decrypted, title, sha256, judge) if is_fits_name(destination.name) else ""
        size = decrypted.stat().st_size
        with translated_disk_errors(destination):
            decrypted.replace(destination)
            sync_folder(destination.parent)
        return Unpacked(destination, size, sha256, warning)
    finally:
        decrypted.unlink(missing_ok=True)


def find_gpg() -> str:
    """The program gpg; raises TransferError with what to install."""
    found = shutil.which("gpg") or shutil.which("gpg2")
    if found is None:
        raise TransferError(
            "The program gpg, which decrypts HEASARC's proprietary data, is not installed.",
            "Install GnuPG (Debian: apt install gpg), then try again; what was fetched is kept.",
            retryable=False,
        )
    return found


def decrypt_with_keys(ctx: TaskContext, source: Path, destination: Path, keys: Sequence[str], *, name: str = "") -> None:
    """`decrypt_file` with the first key that fits. `name` is what messages call the file.

    Raises
    ------
    WrongKeyError : none fits, or there is none.
    """
    for key in keys:
        try:
            decrypt_file(ctx, source, destination, key, name=name)
        except WrongKeyError:
            continue
        return
    what = "no key is known" if not keys else "the key is another one" if len(keys) == 1 else f"none of {len(keys)} keys fits"
    raise WrongKeyError(
        f"{name or source.name} is encrypted, and {what}.",
        "Enter the decryption key of this observation under « Credentials… », then try again.",
    )


def decrypt_file(ctx: TaskContext, source: Path, destination: Path, passphrase: str, *, name: str = "") -> None:
    """Decrypt `source` into `destination`, which appears only when all of it is right.

    Raises
    ------
    WrongKeyError : the passphrase does not fit. FileError : the file is damaged, or no encrypted file.
    TransferError : gpg is missing, or the disk is full. Cancelled.
    """
    program, name = find_gpg(), name or source.name
    if not passphrase or any(ord(character) < 32 for character in passphrase):
        raise WrongKeyError(f"{name} is encrypted, and what was given is no key.", "Enter it under « Credentials… ».")
    size = source.stat().st_size
    check_space(destination, size)
    partial = destination.with_name(f"{destination.name}.decrypting")
    partial.unlink(missing_ok=True)
    try:
        status = _run(ctx, program, source, partial, passphrase)
        if "nomdc_with_legacy_cipher" in status:
            ctx.log(
                f"{source.name} is encrypted in an old way that does not notice changes; it was received over TLS, and goes on."
            )
            partial.unlink(missing_ok=True)
            status = _run(ctx, program, source, partial, passphrase, "--ignore-mdc-error")
        _check(status, name, source.stat().st_size, partial)
        with translated_disk_errors(destination):
            with partial.open("rb+") as stream:
                os.fsync(stream.fileno())
            partial.replace(destination)
            sync_folder(destination.parent)
    finally:
        partial.unlink(missing_ok=True)


def _run(ctx: TaskContext, program: str, source: Path, partial: Path, passphrase: str, *more: str) -> str:
    """What gpg told on its status line by line, behind it its exit code and complaints; cancelled when `ctx` says so."""
    size = source.stat().st_size
    # packets of OpenPGP may be compressed, and then grow like other packed files
    limit = max(min(Limits().most_bytes(size), free_bytes(partial) - SPARE_BYTES), 1)
    with tempfile.TemporaryDirectory(prefix="daxa-gpg-", ignore_cleanup_errors=True) as home:
        command = [
            program, "--batch", "--no-options", "--no-tty", "--no-autostart", "--homedir", home, "--pinentry-mode", "loopback",
            "--passphrase-fd", "0", "--status-fd", "1", "--max-output", str(limit), *more,
            "--output", str(partial.absolute()), "--decrypt", "--", str(source.absolute()),
        ]  # fmt: skip
        told = Path(home) / "told"
        with told.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, cwd=home, env=_environment(home),
                start_new_session=os.name == "posix",
            )  # fmt: skip
            try:
                _give(process, passphrase)
                _wait(ctx, process, partial, size)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
        return f"{told.read_text(encoding='utf-8', errors='replace')[:20_000]}\nexit code {process.returncode}"


def _environment(home: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP") if name in os.environ}
    return {**kept, "LC_ALL": "C", "HOME": home, "GNUPGHOME": home}


def _give(process: subprocess.Popen[bytes], passphrase: str) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(passphrase.encode("utf-8") + b"\n")
        process.stdin.close()
    except BrokenPipeError:
        return  # gpg ended before it wanted the key; its exit code tells why


def _wait(ctx: TaskContext, process: subprocess.Popen[bytes], partial: Path, size: int) -> None:
    while True:
        ctx.check_cancelled()
        try:
            process.wait(_LOOK_S)
            return
        except subprocess.TimeoutExpired:
            done = partial.stat().st_size if partial.exists() else 0
            ctx.progress(min(done, size), size, "decrypting")


def _check(status: str, name: str, size: int, partial: Path) -> None:
    if "[GNUPG:] DECRYPTION_OKAY" in status and status.endswith("exit code 0") and partial.exists():
        return
    if "No space left on device" in status:
        raise disk_full(partial, free_bytes(partial), size)
    if "max-output limit" in status:
        if free_bytes(partial) < 2 * SPARE_BYTES:
            raise disk_full(partial, free_bytes(partial))
        raise RefusedError(
            f"{name} grows more than {Limits().ratio:g} times while it is decrypted.", "It is no file of an X-ray archive."
        )
    if "BAD_PASSPHRASE" in status or "Bad session key" in status:
        raise WrongKeyError(f"{name} is encrypted with another key.", "Enter the right one under « Credentials… ».")
    if "NODATA" in status:
        raise FileError(f"{name} is not an encrypted file.", "Fetch it again.")
    if "NO_SECKEY" in status or "No secret key" in status:
        raise WrongKeyError(
            f"{name} is encrypted for one person's own key pair, not with a password.", "Decrypt it by hand with gpg."
        )
    if "BADMDC" in status or "read error" in status:
        raise FileError(f"{name} is damaged: decrypting it failed half way.", "Fetch it again.")
    error = FileError(f"{name} could not be decrypted.", "The details say what gpg answered.")
    error.details = status[-2000:]
    raise error
