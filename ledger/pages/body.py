"""The body of a page, as it is stored; its bytes can't be changed later.

It is zlib of one JSON object of columns, one value a line:

- `id`: integers, each the difference to the one before (the first: to 0); or texts;
- `at`: times as whole `unit_us` microseconds since 1970 (UTC), as differences too;
- whole numbers (`milli`, `parts`, `calling_code`, …) as they are, `null` where unknown;
- texts (`country`, `tariff`, `batch`, `tag`) as `[values, index of each line]`.

A column that is empty in every line is left out. Pages hold one kind and one type of id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar, cast

import msgspec
from zlib_ng import zlib_ng

from ledger.errors import IntegrityFailure
from ledger.events import LinesAttributed, PageRecorded
from ledger.pages.columns import LineId, Texts

# A fifth of a second of the processor for a million lines. The standard library's zlib takes
# half a second for bodies that are 3 % smaller, and twice as long to read either.
_LEVEL: Final = 5

# Its stubs say that this is an error, not a kind of errors.
_NO_ZLIB: Final = cast("type[Exception]", zlib_ng.error)

T = TypeVar("T")


class PageBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The columns in the order in which they are stored."""

    id: list[LineId]
    unit_us: int
    at: list[int]
    milli: list[int]
    parts: list[int | None] | None = None
    calling_code: list[int | None] | None = None
    receipt: list[int | None] | None = None
    deferral: list[int | None] | None = None
    length: list[int | None] | None = None
    inferred: list[int | None] | None = None
    country: Texts | None = None
    tariff: Texts | None = None
    batch: Texts | None = None
    tag: Texts | None = None


class CostsBody(msgspec.Struct):
    """Of a page's columns, those that sums need; the others are passed over."""

    unit_us: int
    at: list[int]
    milli: list[int]


class RatedBody(CostsBody):
    """Of a page's columns, those that tell whether lines cost what their rates ask."""

    parts: list[int | None] | None = None
    country: Texts | None = None


class UsersBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which user sent which lines; the ids are as they are."""

    id: list[LineId]
    user: Texts


_encoder = msgspec.json.Encoder()
PAGE: Final = msgspec.json.Decoder(PageBody)
COSTS: Final = msgspec.json.Decoder(CostsBody)
RATED: Final = msgspec.json.Decoder(RatedBody)
USERS: Final = msgspec.json.Decoder(UsersBody)


def packed(columns: PageBody | UsersBody) -> bytes:
    return zlib_ng.compress(_encoder.encode(columns), _LEVEL)


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def opened(event: PageRecorded | LinesAttributed, decoder: msgspec.json.Decoder[T]) -> T:
    """Read columns of a body whose digest is right. Raises IntegrityFailure."""
    if digest(event.body) != event.body_sha256:
        msg = f"expected a body with the digest {event.body_sha256}, found another"
        raise IntegrityFailure(msg)
    return decoder.decode(zlib_ng.decompress(event.body))


@contextmanager
def readable() -> Iterator[None]:
    """Take what goes wrong inside for what it is: a body of another shape."""
    try:
        yield
    except (
        _NO_ZLIB, msgspec.DecodeError, ArithmeticError, LookupError, TypeError, ValueError,
    ) as error:  # fmt: skip
        msg = f"expected columns of lines in a body, found something else: {error}"
        raise IntegrityFailure(msg) from error


def require(holds: bool, what: str) -> None:
    """Refuse columns that do not fit together. Raises ValueError."""
    if not holds:
        msg = f"expected {what}"
        raise ValueError(msg)
