"""Decrypting files that HEASARC gives out encrypted (`.gpg`), with the program gpg.

The key goes through gpg's standard input, never through arguments, environment or files. gpg gets a home folder of its own that
is deleted afterwards, no options file and no agent. Whether the result is FITS is for the caller to check.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from daxa_gui.core.errors import FileError, TransferError
from daxa_gui.core.step import TaskContext
from daxa_gui.remote.disk import SPARE_BYTES, check_space, disk_full, free_bytes, sync_folder, translated_disk_errors
from daxa_gui.remote.unpack import Limits

SUFFIXES = (".gpg", ".pgp", ".asc")
_LOOK_S = 0.1


class WrongKeyError(FileError):
    """The file is encrypted with another key."""


def is_encrypted(name: str) -> bool:
    """Whether a file's name says that it is encrypted."""
    return name.lower().endswith(SUFFIXES)


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


def decrypt_with_keys(ctx: TaskContext, source: Path, destination: Path, keys: Sequence[str]) -> None:
    """`decrypt_file` with the first key that fits.

    Raises
    ------
    WrongKeyError : none fits, or there is none.
    """
    for key in keys:
        try:
            decrypt_file(ctx, source, destination, key)
        except WrongKeyError:
            continue
        return
    what = "no key is known" if not keys else "the key is another one" if len(keys) == 1 else f"none of {len(keys)} keys fits"
    raise WrongKeyError(
        f"{source.name} is encrypted, and {what}.",
        "Enter the decryption key of this observation under « Credentials… », then try again.",
    )


def decrypt_file(ctx: TaskContext, source: Path, destination: Path, passphrase: str) -> None:
    """Decrypt `source` into `destination`, which appears only when all of it is right.

    Raises
    ------
    WrongKeyError : the passphrase does not fit. FileError : the file is damaged, or no encrypted file.
    TransferError : gpg is missing, or the disk is full. Cancelled.
    """
    program = find_gpg()
    if not passphrase or any(ord(character) < 32 for character in passphrase):
        raise WrongKeyError(f"{source.name} is encrypted, and what was given is no key.", "Enter it under « Credentials… ».")
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
        _check(status, source, partial)
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


def _check(status: str, source: Path, partial: Path) -> None:
    if "[GNUPG:] DECRYPTION_OKAY" in status and status.endswith("exit code 0") and partial.exists():
        return
    if "No space left on device" in status:
        raise disk_full(partial, free_bytes(partial), source.stat().st_size)
    if "max-output limit" in status:
        if free_bytes(partial) < 2 * SPARE_BYTES:
            raise disk_full(partial, free_bytes(partial))
        raise FileError(
            f"{source.name} grows more than {Limits().ratio:g} times while it is decrypted.", "It is no file of an X-ray archive."
        )
    if "BAD_PASSPHRASE" in status or "Bad session key" in status:
        raise WrongKeyError(f"{source.name} is encrypted with another key.", "Enter the right one under « Credentials… ».")
    if "NODATA" in status:
        raise FileError(f"{source.name} is not an encrypted file.", "Fetch it again.")
    if "NO_SECKEY" in status or "No secret key" in status:
        raise WrongKeyError(
            f"{source.name} is encrypted for one person's own key pair, not with a password.", "Decrypt it by hand with gpg."
        )
    if "BADMDC" in status or "read error" in status:
        raise FileError(f"{source.name} is damaged: decrypting it failed half way.", "Fetch it again.")
    error = FileError(f"{source.name} could not be decrypted.", "The details say what gpg answered.")
    error.details = status[-2000:]
    raise error
