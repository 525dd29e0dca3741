"""What was known: a beginning of the log, named by a position, an anchor or a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ledger.database import Rows
from ledger.errors import IntegrityFailure, InvalidValue
from ledger.merkle import Anchor, Expected
from ledger.times import EPOCH, from_us, to_us, zone
from projections.books import log_position
from projections.checkpoints import checkpoints
from projections.moments import Moment

_POSITION: Final = re.compile(r"[0-9]{1,18}")
_ANCHOR: Final = re.compile(r".+=.*|[0-9]+:[0-9A-Fa-f]{3,}")

Named = int | Expected | Moment


@dataclass(frozen=True, slots=True)
class Known:
    """The first `position` events; `at` is what a report of them takes for now."""

    position: int
    at: datetime


def parse(text: str) -> Named:
    """Read `57`, `57:ROOT`, `2026-10-31` or a time with offset. Raises InvalidValue."""
    if _POSITION.fullmatch(text):
        return int(text)
    if _ANCHOR.fullmatch(text):
        return Expected.parse(text)
    try:
        return Moment.parse(text)
    except InvalidValue:
        msg = (
            "expected a log position, an anchor SIZE:ROOT, a date like 2026-10-31 or a time"
            f" like 2026-10-31T18:00:00+01:00, found {text[:90]!r}"
        )
        raise InvalidValue(msg) from None


def known(rows: Rows, named: Named, *, now: datetime) -> Known:
    """Find the beginning of the log that is named. Raises InvalidValue, IntegrityFailure."""
    match named:
        case int():
            return _until(rows, named)
        case Expected(tree="", anchor=anchor):
            return _sealed(rows, anchor)
        case Expected(tree=customer):
            msg = (
                f"expected a checkpoint of the ledger, found one of {customer}: type the"
                " SIZE:ROOT of the line `checkpoint` above it, or the log position"
            )
            raise InvalidValue(msg)
        case Moment():
            return _before(rows, _instant(rows, named), named, now)


def _until(rows: Rows, position: int) -> Known:
    """Give the first events; their moment is that of the last, as their checkpoint shows it."""
    end = log_position(rows)
    if position > end:
        msg = (
            f"expected a position of the log, 0 to {end}, found {position}: the ledger has no"
            " more events"
        )
        raise InvalidValue(msg)
    found = rows.execute(
        "SELECT recorded_at_us FROM event_log WHERE position = :position", position=position
    )
    return Known(position, from_us(found[0][0]) if found else EPOCH)


def _sealed(rows: Rows, anchor: Anchor) -> Known:
    """Hold an anchor against the ledger. Raises IntegrityFailure."""
    end = log_position(rows)
    if anchor.size > end:
        msg = (
            f"expected at least {anchor.size} events, found {end}: the log was cut off, or the"
            " anchor is of another ledger or of a later copy of this one"
        )
        raise IntegrityFailure(msg)
    for whole in checkpoints(rows, anchor.size):
        if whole.root != anchor.root.hex():
            msg = (
                f"expected the root {anchor.root.hex()} of the first {anchor.size} events,"
                f" found {whole.root}: the anchor is of another ledger or of a customer, or the"
                f" log was changed; type `sms-ledger audit verify --expect {anchor}`"
            )
            raise IntegrityFailure(msg)
    return _until(rows, anchor.size)


def _instant(rows: Rows, moment: Moment) -> int:
    """Give the last microsecond of a moment; a day ends when it ends for every customer."""
    zones = [name for (name,) in rows.execute("SELECT DISTINCT time_zone FROM customer")]
    return max(moment.end_us(zone(name)) for name in zones or ["UTC"]) - 1


def _before(rows: Rows, at_us: int, moment: Moment, now: datetime) -> Known:
    """Give the longest beginning of the log with nothing recorded later."""
    if at_us > to_us(now):
        msg = (
            f"expected a time that is past, found {moment.at.isoformat()}: what will be known"
            " then, nobody can tell; a day must be over"
        )
        raise InvalidValue(msg)
    ((later,),) = rows.execute(
        "SELECT MIN(position) FROM event_log WHERE recorded_at_us > :at", at=at_us
    )
    position = log_position(rows) if later is None else int(later) - 1
    return Known(position, from_us(at_us))
