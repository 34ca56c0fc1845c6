"""Names, passwords and decryption keys for data that are not public: the kinds there are, and a value that hides itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from daxa_gui.core.errors import InputError

LONGEST = 1000  # characters of a name or a password; key rings of some systems hold 1280 in all


class KeptIn(StrEnum):
    """Where credentials are."""

    NOWHERE = ""
    KEY_RING = "key ring"
    THIS_RUN = "this run"


@dataclass(frozen=True)
class CredentialService:
    """Something that asks for credentials. An empty `user_label`: it wants a secret only."""

    name: str
    label: str
    help: str
    user_label: str
    secret_label: str


CREDENTIAL_SERVICES: dict[str, CredentialService] = {
    service.name: service
    for service in (
        CredentialService(
            "xsa",
            "XMM-Newton Science Archive",
            "Your account there (ESA Cosmos). It is asked for your own observations that are not public yet.",
            "User name",
            "Password",
        ),
        CredentialService(
            "heasarc",
            "HEASARC, encrypted data",
            "The decryption key that came with your observation (files that end in .gpg). Several keys: separated by blanks.",
            "",
            "Decryption key",
        ),
        CredentialService(
            "mirror",
            "Mirror",
            "For a mirror in the settings that asks for a name and a password.",
            "User name",
            "Password",
        ),
    )
}


def credential_service(name: str) -> CredentialService:
    """Raises InputError for a name that is none."""
    try:
        return CREDENTIAL_SERVICES[name]
    except KeyError:
        raise InputError(f"There are no credentials called « {name} ».", f"There are {', '.join(CREDENTIAL_SERVICES)}.") from None


class Credentials:
    """A user name (may be empty) and a secret. Neither printing, formatting nor pickling it gives the secret away."""

    __slots__ = ("_secret", "user")

    def __init__(self, user: str, secret: str) -> None:
        self.user = user
        self._secret = secret

    @property
    def secret(self) -> str:
        return self._secret

    @property
    def keys(self) -> tuple[str, ...]:
        """Several decryption keys in one secret."""
        return tuple(self._secret.split())

    def __repr__(self) -> str:
        return "Credentials(hidden)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credentials) and (self.user, self._secret) == (other.user, other._secret)

    __hash__ = None  # type: ignore[assignment]  # a hash of a secret would be one more thing that tells of it

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("credentials are not written down")


def checked_credentials(name: str, user: str, secret: str) -> Credentials:
    """Credentials of a service from what a person entered.

    Raises
    ------
    InputError : unknown service, nothing entered, or characters that cannot be sent; the sentence never repeats the secret.
    """
    service = credential_service(name)
    user, secret = user.strip(), secret.strip("\r\n")
    if not service.user_label:
        user, secret = "", " ".join(secret.split())
    elif not user:
        raise InputError(f"{service.label} needs a name.", "Enter both name and password.")
    if not secret:
        raise InputError(f"{service.label} needs a {service.secret_label.lower()}.")
    for text, what in ((user, "name"), (secret, service.secret_label.lower())):
        if len(text) > LONGEST:
            raise InputError(f"The {what} is longer than {LONGEST} characters.")
        if any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 or ord(character) == 127 for character in text):
            raise InputError(f"The {what} has control characters in it.", "Enter it by hand instead of pasting it.")
    if name == "mirror" and ":" in user:  # RFC 7617: the first colon separates name and password
        raise InputError("A name with a colon cannot be sent to a mirror.")
    return Credentials(user, secret)
