"""Certificates for one cluster of one user: a key that only its files hold, and a certificate that vouches for itself."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from daxa_gui.core.errors import ReductionError
from daxa_gui.execution.dask_client import INSTALL, TlsFiles

_VALID_DAYS = 60


def write_certificates(folder: Path) -> TlsFiles:
    """Make a key and its certificate in a folder that only its owner can enter. Both sides show this certificate and trust only
    it: who cannot read the key's file can neither connect nor listen.

    Raises
    ------
    ReductionError : the package for it is missing, or the disk does not keep others out. OSError.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError as error:
        raise ReductionError("The package « cryptography », which makes certificates, is not installed.", INSTALL) from error
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    check_private(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "daxa-gui-cluster")])
    now = datetime.datetime.now(tz=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("daxa-gui-cluster")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # clocks of other machines may be late
        .not_valid_after(now + datetime.timedelta(days=_VALID_DAYS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files = TlsFiles(str(folder / "cluster.pem"), str(folder / "cluster.pem"), str(folder / "cluster.key"))
    _write_private(Path(files.key), private)
    _write_private(Path(files.cert), certificate.public_bytes(serialization.Encoding.PEM))
    return files


def check_private(folder: Path) -> None:
    """Raise ReductionError unless a folder is ours and closed to everybody else (some disks ignore who may do what)."""
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ReductionError(
            f"The folder {folder} cannot be closed to other users, so keys are not safe in it.",
            "Put the archive on a disk that knows owners and permissions.",
        )


def _write_private(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    part.replace(path)
