"""Answers of OVH, decoded exactly: JSON, then the rows of the port.

Numbers with a point become `Decimal`, times become UTC. What does not fit raises OvhBadAnswer
that names the route and the field, never a value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ledger.errors import InvalidValue, OvhBadAnswer
from ledger.ovh.routes import Route

T = TypeVar("T")

# Far beyond any amount: a figure outside is a fault, and would be slow to write out.
_MOST_DIGITS: Final = 24

# What every answer is full of, and nothing is to be done about.
_PLAIN: Final = (int, str, bool, NoneType)
_UNIONS: Final = (Union, UnionType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as it came, without its headers but for those that are used.

    `ends`: its head said where it ends, so that none of it can be lost unseen.
    """

    status: int
    body: bytes
    ends: bool = False
    media: str = ""
    query_id: str | None = None
    retry_after_s: float | None = None
    redirect_host: str | None = None

    @property
    def is_page(self) -> bool:
        """A gateway's HTML where JSON was expected."""
        return "html" in self.media.lower() or self.body.lstrip()[:1] == b"<"

    @property
    def says_nothing(self) -> bool:
        """A success with a body that is empty, and was announced so."""
        return self.ends and not self.body.strip()


class CutShort(OvhBadAnswer):
    """The answer ends before its end: worth another try."""


def document(answer: Answer, at: Route, *, method: str = "GET") -> object:
    """The JSON of an answer; None for 204. Raises OvhBadAnswer, or CutShort."""
    if answer.status == 204:  # noqa: PLR2004
        return None
    try:
        return json.loads(
            answer.body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        raise _unreadable(answer, f"{method} {at.shown}") from None


def read(shape: type[T], raw: object, at: Route, *, query_id: str | None = None) -> T:
    """Read one value strictly as `shape`; fields that are not asked for are ignored."""
    try:
        value: T = _exact(msgspec.convert(raw, shape), "$")
    except (msgspec.ValidationError, _Faulty, OverflowError) as error:
        msg = f"GET {at.shown}: OVH's answer is not as documented: {_fault(error)}"
        raise OvhBadAnswer(
            f"{msg}; what was read before is recorded", query_id=query_id
        ) from None
    return value


def number(value: Decimal) -> int | float:
    """A number for a body, which the `ovh` library writes: as JSON with the same digits.

    A double holds fifteen digits exactly as they were typed; more raise InvalidValue.
    """
    if value == value.to_integral_value():
        return int(value)
    written = float(value)
    if Decimal(repr(written)) != value:
        msg = f"expected a number of at most fifteen digits for OVH, found {value}"
        raise InvalidValue(msg)
    return written


class _Faulty(ValueError):
    """A value of the right type that cannot be meant."""


def _exact(value: Any, where: str) -> Any:
    """Times in UTC, numbers finite, down through nested rows."""
    if isinstance(value, datetime):
        return _utc(value, where)
    if isinstance(value, Decimal) and not _is_sane(value):
        msg = f"Expected an amount - at `{where}`"
        raise _Faulty(msg)
    shape: Any = type(value)
    own = ((name, getattr(value, name)) for name in _inexact(shape))
    exact = {name: _exact(item, f"{where}.{name}") for name, item in own if item is not None}
    return replace(value, **exact) if exact else value


@cache
def _inexact(shape: type[object]) -> tuple[str, ...]:
    """The fields of a row that hold more than text and whole numbers."""
    if not is_dataclass(shape):
        return ()
    kinds = get_type_hints(shape)
    return tuple(field.name for field in fields(shape) if not _is_plain(kinds[field.name]))


def _is_plain(kind: Any) -> bool:
    return kind in _PLAIN or (
        get_origin(kind) in _UNIONS and all(map(_is_plain, get_args(kind)))
    )


def _utc(value: datetime, where: str) -> datetime:
    if value.utcoffset() is None:
        msg = f"Expected a time with its offset - at `{where}`"
        raise _Faulty(msg)
    return value.astimezone(UTC)


def _is_sane(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    exponent = value.as_tuple().exponent
    fits = isinstance(exponent, int) and -_MOST_DIGITS <= exponent <= _MOST_DIGITS
    return fits and (not value or abs(value.adjusted()) <= _MOST_DIGITS)


def _no_number(constant: str) -> object:
    msg = f"not JSON: {constant}"
    raise ValueError(msg)


def _unreadable(answer: Answer, asked: str) -> OvhBadAnswer:
    """Empty or begun like JSON: the rest was lost on the way."""
    begun = answer.body.lstrip()[:1] in {b"", b"{", b"[", b'"'}
    found = "an empty one" if not answer.body.strip() else "something else"
    if begun and answer.body.strip():
        found = "a part of it"
    kind = CutShort if begun else OvhBadAnswer
    msg = f"{asked}: expected a JSON answer, found {found} (HTTP {answer.status})"
    return kind(
        f"{msg}; what was read before is recorded, run it again", query_id=answer.query_id
    )


def _fault(error: Exception) -> str:
    """The words of msgspec hold types and names of fields only."""
    text = "Time out of range" if isinstance(error, OverflowError) else str(error)
    return text[:1].lower() + text[1:]
