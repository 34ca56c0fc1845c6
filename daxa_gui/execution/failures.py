"""How work that did not succeed is described: on the thread where it happened, across a pipe, and in the store."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from daxa_gui.core import errors
from daxa_gui.core.errors import Cancelled, DaxaError
from daxa_gui.core.job import ErrorInfo


@dataclass(frozen=True)
class Failure:
    """`error_class` is the name of a class of `core.errors`, "Cancelled", or empty for something unexpected."""

    error_class: str
    info: ErrorInfo
    retry_after_s: float | None = None
    pauses_lane: bool = False

    @property
    def cancelled(self) -> bool:
        return self.error_class == Cancelled.__name__


def failure_of(error: BaseException, subject: str) -> Failure:
    """Describe an exception; `subject` is what was being done, for the sentence about an unexpected one."""
    if isinstance(error, Cancelled):
        return Failure(Cancelled.__name__, ErrorInfo("It was cancelled."))
    details = "".join(traceback.format_exception(error))
    if isinstance(error, DaxaError):
        info = ErrorInfo(error.message, error.hint, error.retryable, error.details or details)
        return Failure(type(error).__name__, info, error.retry_after_s, error.pauses_lane)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" to write {error.filename}" if error.filename else ""
        hint = "Free some space on this disk, then resume the queue."
        return Failure(DaxaError.__name__, ErrorInfo(f"There is no space left{where}.", hint, True, details), pauses_lane=True)
    if isinstance(error, MemoryError):
        info = ErrorInfo(
            f"There is not enough memory for « {subject} ».", "Close other programs or use fewer cores.", False, details
        )
        return Failure(DaxaError.__name__, info)
    last = traceback.format_exception_only(error)[-1].strip()
    info = ErrorInfo(
        f"Unexpected error in « {subject} »: {last}",
        "This is a fault of the program: please report it with the log.",
        False,
        details,
    )
    return Failure("", info)


def exception_of(failure: Failure) -> Exception:
    """The exception to raise where somebody waits for work that failed elsewhere."""
    if failure.cancelled:
        return Cancelled()
    found = getattr(errors, failure.error_class, None) if failure.error_class else None
    error_class = found if isinstance(found, type) and issubclass(found, DaxaError) else DaxaError
    error = error_class(failure.info.message, failure.info.hint, retryable=failure.info.retryable)
    error.details = failure.info.details
    error.retry_after_s = failure.retry_after_s
    error.pauses_lane = failure.pauses_lane
    return error


def failure_document(failure: Failure) -> dict[str, Any]:
    return asdict(failure)


def failure_from(document: Mapping[str, Any]) -> Failure:
    return Failure(**{**document, "info": ErrorInfo(**document["info"])})
