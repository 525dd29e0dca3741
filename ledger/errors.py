"""What can go wrong, as people meet it.

LedgerError
├── Misuse                 what was typed or configured does not fit
│   ├── InvalidValue       an amount, a name or a time is malformed
│   │   └── TooFine        credits finer than a thousandth: never rounded
│   ├── UnknownAccount     no such SMS account in the ledger
│   └── NoCredentials      no usable profile for OVH
├── OvhError               OVH did not give what was asked; nothing is concluded
│   ├── OvhUnreachable     no connection, cut off, timed out
│   ├── OvhOverloaded      429, 5xx, HTML of a gateway
│   ├── OvhBadAnswer       an answer that cannot be read
│   ├── OvhKeyRefused      the key or its signature is not accepted
│   ├── OvhClockOff        the signature's time is not accepted
│   ├── OvhRightMissing    the key may not make this call
│   ├── OvhNotFound        404: not there yet, or gone
│   └── OvhRefused         any other definite refusal
├── IntegrityFailure       what is stored contradicts itself
├── Refused                a rule says no
│   ├── BadFile            an import file, with line and column
│   └── UnsafeSecrets      a secrets file that others can read
└── DatabaseUnusable       unreachable, wrong version, read-only, full
    └── DatabaseBusy       others kept writing for too long

Each message says what was expected, what was found and what to type next. `status` is the
exit status of the command line's contract.
"""

from __future__ import annotations

from typing import ClassVar


class LedgerError(Exception):
    """Anything that a person is told in one line."""

    status: ClassVar[int] = 70

    def __str__(self) -> str:
        """One line, whatever the parts held: a message never breaks the terminal."""
        return " ".join(super().__str__().split())


class Misuse(LedgerError):
    """What was typed or configured does not fit."""

    status = 2


class InvalidValue(Misuse):
    """An amount, a name or a time is malformed."""


class TooFine(InvalidValue):
    """Credits finer than a thousandth: refused, never rounded."""


class UnknownAccount(Misuse):
    """No such SMS account in the ledger."""

    def __init__(
        self, account: str, known: tuple[str, ...] = (), *, where: str = "the ledger"
    ) -> None:
        self.account = account
        some = ", ".join(known[:3]) + (", …" if len(known) > 3 else "")  # noqa: PLR2004
        found = f"{where} has {some}" if known else f"{where} has no account yet"
        super().__init__(
            f"unknown account {account!r}: {found}; see `sms-ledger account list`,"
            " or run `sms-ledger sync`"
        )


class NoCredentials(Misuse):
    """No usable profile for OVH."""


class OvhError(LedgerError):
    """OVH did not give what was asked; nothing is concluded from it."""

    status = 3

    def __init__(self, message: str, *, query_id: str | None = None) -> None:
        self.query_id = query_id
        super().__init__(f"{message} (OVH query {query_id})" if query_id else message)


class OvhUnreachable(OvhError):
    """No connection, cut off in the middle, or timed out."""


class OvhOverloaded(OvhError):
    """429, 5xx or the HTML page of an overloaded gateway.

    `retry_after_s`: what OVH asked to wait, in seconds, when it said so.
    """

    def __init__(
        self, message: str, *, query_id: str | None = None, retry_after_s: float | None = None
    ) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message, query_id=query_id)


class OvhBadAnswer(OvhError):
    """An answer that cannot be read: empty, truncated, HTML, not what the schema says."""


class OvhKeyRefused(OvhError):
    """The application key, the consumer key or the signature is not accepted.

    `code`: OVH's own name for it, such as `INVALID_CREDENTIAL`, where it gave one.
    """

    def __init__(self, message: str, *, query_id: str | None = None, code: str = "") -> None:
        self.code = code
        super().__init__(message, query_id=query_id)


class OvhClockOff(OvhError):
    """The time in the signature is outside OVH's window."""


class OvhRightMissing(OvhError):
    """The key may not make this call; `method` and `path` say which rule to add."""

    def __init__(self, method: str, path: str, *, query_id: str | None = None) -> None:
        self.method = method
        self.path = path
        super().__init__(
            f"the OVH key may not {method} {path}: add the rule `{method} {path}` to it",
            query_id=query_id,
        )


class OvhNotFound(OvhError):
    """404: the thing is not there yet, or gone."""


class OvhRefused(OvhError):
    """Any other definite refusal (4xx).

    `parameter`: the one whose value OVH does not accept, where it names one.
    """

    def __init__(
        self, message: str, *, query_id: str | None = None, parameter: str = ""
    ) -> None:
        self.parameter = parameter
        super().__init__(message, query_id=query_id)


class IntegrityFailure(LedgerError):
    """What is stored contradicts itself."""

    status = 4


class Refused(LedgerError):
    """A rule says no; nothing was recorded."""

    status = 5


class BadFile(Refused):
    """A file that cannot be imported; nothing of it was recorded.

    `line` counts from 1, the header of a CSV file being line 1.
    """

    def __init__(
        self,
        file: str,
        *,
        line: int,
        expected: str,
        found: str,
        column: str | None = None,
        cure: str = "nothing was recorded: correct the file and import it again",
    ) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.expected = expected
        self.found = found
        where = f"line {line}" + (f", column {column}" if column else "")
        super().__init__(f"{file}: {where}: expected {expected}, found {found}; {cure}")


class UnsafeSecrets(Refused):
    """A secrets file that others can read."""


class DatabaseUnusable(LedgerError):
    """Unreachable, of the wrong version, read-only or full."""

    status = 6


class DatabaseBusy(DatabaseUnusable):
    """Other programs kept writing to the same account for too long."""
