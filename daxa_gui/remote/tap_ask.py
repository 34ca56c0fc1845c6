"""One query to a Table Access Protocol service until it is answered: tried again where that may help, and in the spelling and
the form that the service understands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from daxa_gui.core.errors import Cancelled, TransferError
from daxa_gui.remote.tap_http import TapConnection, pause
from daxa_gui.remote.tap_reply import NotATable, QueryRefused, TapTable, read_reply

TRIES = 4  # of one query: the first and three more
LONGEST_WAIT_S = 300.0  # a service that asks for a longer pause is asked again when somebody starts the refresh again
BINARY = "application/x-votable+xml;serialization=BINARY2"  # exact numbers, little more than half the bytes
# Words of ADQL 2.1 (section 2.1.2) that a strict service takes as columns only in quotes, and some services only without.
RESERVED = frozenset(
    {
        *("date", "day", "domain", "end", "group", "hour", "key", "language", "level", "minute", "month", "order"),
        *("position", "public", "second", "section", "session", "size", "time", "timestamp", "user", "value", "values"),
        *("year", "zone"),
    }
)

Query = Callable[[int], tuple[str, int]]  # attempt, from 0 → ADQL and the most rows that may come


class Asker:
    """Asks one service one query after the other and remembers what it understands.

    `spelling` maps plain column names to what is written in a query. `say` is told what is waited for.
    """

    def __init__(
        self,
        connection: TapConnection,
        spelling: Mapping[str, str],
        say: Callable[[str], None],
        cancelled: Callable[[], bool],
        back_off_s: float,
        longest_wait_s: float,
    ) -> None:
        self._connection, self._spelling = connection, spelling
        self._say, self._cancelled = say, cancelled
        self._back_off_s, self._longest_wait_s = back_off_s, longest_wait_s
        self._format, self._format_is_sure = BINARY, False
        self._quoted = False  # whether reserved words stand in quotes

    def spelt(self, *names: str) -> str:
        """Columns as they are written in a query; call it anew for each attempt."""
        quoted = RESERVED if self._quoted else frozenset()
        return ", ".join(f'"{name}"' if name in quoted else self._spelling[name] for name in names)

    def ask(self, query: Query) -> TapTable:
        """The table that answers `query`.

        Raises
        ------
        TransferError : (QueryRefused, NotATable among them) no table after all tries.
        Cancelled
        """
        attempt = 0
        refused: QueryRefused | None = None
        while True:
            text, most_rows = query(attempt)
            try:
                reply = self._connection.ask(text, most_rows=most_rows, response_format=self._format)
                table = read_reply(reply, self._connection.host)
            except (QueryRefused, NotATable) as error:
                if self._format and not self._format_is_sure:
                    self._format = ""  # a service of before TAP 1.1 may not know the name of the form
                elif isinstance(error, QueryRefused) and not self._quoted and RESERVED.intersection(self._spelling):
                    refused, self._quoted = error, True
                else:
                    raise refused or error from None
            except TransferError as error:
                attempt += 1
                self._wait_or_give_up(error, attempt)
            else:
                self._format_is_sure = True
                return table

    def _wait_or_give_up(self, error: TransferError, attempt: int) -> None:
        wait = error.retry_after_s if error.retry_after_s is not None else self._back_off_s * 2 ** (attempt - 1)
        if not error.retryable or attempt >= TRIES or wait > self._longest_wait_s:
            raise error
        self._say(f"{error.message} Trying again in {wait:.0f} s.")
        pause(wait, self._check_cancelled)

    def _check_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled
