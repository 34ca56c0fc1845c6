"""The errors that a person may meet. Each carries a sentence, a hint on what to do, and whether trying again can help."""


class DaxaError(Exception):
    """An expected failure.

    Parameters
    ----------
    message : what happened and to which thing, a sentence for the user.
    hint : what to do next, a sentence, or empty.
    retryable : whether the same work may succeed when tried again without any change.

    Three more things may be set where an error is raised: `details` (the technical part), `retry_after_s` (how long a server
    asked us to wait) and `pauses_lane` (nothing else of the same lane can succeed either: a full disk, a host that is down).
    """

    retryable_by_default = False
    details: str = ""
    retry_after_s: float | None = None
    pauses_lane: bool = False

    def __init__(self, message: str, hint: str = "", *, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retryable = self.retryable_by_default if retryable is None else retryable

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(DaxaError):
    """What a person typed or chose cannot be used (bad coordinates, reversed times, malformed ObsID …)."""


class FileError(DaxaError):
    """A file cannot be used; the message names the file and says what is wrong with it."""


class TransferError(DaxaError):
    """A remote file could not be fetched."""

    retryable_by_default = True


class ArchiveError(DaxaError):
    """The archive on disk cannot be opened, read or written."""


class ReductionError(DaxaError):
    """A reduction step could not do its work."""


class Cancelled(Exception):
    """The work stopped because somebody asked for it."""
