"""A line by its OVH id: what the ledger says of it, in which page, and what was said later."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ledger.canonical import decode, plain
from ledger.credits import Credits
from ledger.database import Database, Row, Rows
from ledger.errors import InvalidValue
from ledger.events import (
    LINE_KINDS,
    LedgerEvent,
    LineCorrected,
    LinesAttributed,
    LinesNotBilled,
    PageRecorded,
)
from ledger.names import consumption_stream
from ledger.pages import Line, LineId, attributed, order, unpack
from projections.books import Book, books, log_position
from projections.report import NESTED, Report


@dataclass(frozen=True, slots=True)
class LineDetails:
    """One line as it stands now. `credits` is what it costs, after every correction.

    `position` is that of its page; `later` are the positions of what was said of it since, and
    `statement` is the command that shows it. What OVH did not tell is None.
    """

    account: str
    kind: str
    id: str
    happened_at: datetime
    credits: Credits
    recorded_credits: Credits
    country: str | None
    parts: int | None
    tariff: str | None
    batch: str | None
    tag: str | None
    user: str | None
    billed: bool
    position: int
    actor: str
    recorded_at: datetime
    statement: str
    later: list[int] = field(metadata=NESTED)
    source: dict[str, Any] = field(metadata=NESTED)


def show_line(database: Database, account: str, kind: str, text: str) -> Report[LineDetails]:
    """Look a line up. Raises UnknownAccount, InvalidValue."""
    if kind not in LINE_KINDS:
        msg = f"expected a kind of lines ({', '.join(LINE_KINDS)}), found {kind!r}"
        raise InvalidValue(msg)
    with database.snapshot():
        (book,) = books(database, [account])
        for position, version, page in _pages(database, account, kind, text):
            for line in unpack(page):
                if str(line.id) == text:
                    found = _details(database, book, (position, version), page, line)
                    return Report(LineDetails, log_position(database), [found])
    msg = f"expected a {kind} of {account}, found no {text!r}: see `stmt --lines`"
    raise InvalidValue(msg)


def _pages(
    rows: Database, account: str, kind: str, text: str
) -> list[tuple[int, int, PageRecorded]]:
    """Give the pages whose ids could include it; there are few, since ids follow time."""
    wanted: list[LineId] = [text, *([int(text)] if text.isdecimal() else [])]
    found = []
    for position, version, topic, state in rows.each(
        _EVENTS, stream=consumption_stream(account), topic=PageRecorded.TOPIC, after=0
    ):
        page = decode(topic, bytes(state))
        if isinstance(page, PageRecorded) and page.kind == kind:
            first, last = order(page.first_id), order(page.last_id)
            if any(first <= order(one) <= last for one in wanted):
                found.append((position, version, page))
    return found


def _details(
    rows: Rows, book: Book, place: tuple[int, int], page: PageRecorded, line: Line
) -> LineDetails:
    position, version = place
    told = _Told(Credits(line.milli))
    for row in rows.execute(_LATER, stream=consumption_stream(book.account), after=version):
        told.take(row, version, page, line)
    happened_at = book.local(line.at_us)
    return LineDetails(
        account=book.account,
        kind=page.kind,
        id=str(line.id),
        happened_at=happened_at,
        credits=told.credits,
        recorded_credits=Credits(line.milli),
        country=line.country,
        parts=line.parts,
        tariff=line.tariff,
        batch=line.batch,
        tag=line.tag,
        user=told.user,
        billed=told.billed,
        position=position,
        actor=page.actor,
        recorded_at=page.recorded_at.astimezone(book.zone),
        statement=f"sms-ledger stmt {book.account} --lines -p {happened_at:%Y-%m-%d}",
        later=told.positions,
        source=plain(page)["source"],
    )


class _Told:
    """What later events say of one line."""

    def __init__(self, credits: Credits) -> None:
        self.credits = credits
        self.user: str | None = None
        self.billed = True
        self.positions: list[int] = []

    def take(self, row: Row, version: int, page: PageRecorded, line: Line) -> None:
        position, _, topic, state = row
        if self._changed(decode(topic, bytes(state)), version, page, line):
            self.positions.append(position)

    def _changed(
        self, event: LedgerEvent, version: int, page: PageRecorded, line: Line
    ) -> bool:
        match event:
            case LineCorrected(target_version=target, line_id=line.id) if target == version:
                self.credits = event.credits
                return True
            case LinesNotBilled(kind=page.kind, line_ids=ids) if line.id in ids:
                self.billed = False
                return True
            case LinesAttributed(kind=page.kind):
                user = attributed(event).get(line.id)
                self.user = user or self.user
                return user is not None
            case _:
                return False


_EVENTS: Final = """
    SELECT l.position, l.version, s.topic, s.state FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE l.stream = :stream AND l.topic = :topic AND l.version > :after ORDER BY l.version
"""
_LATER: Final = f"""
    SELECT l.position, l.version, s.topic, s.state FROM event_log l JOIN stored_events s
        ON s.originator_id = l.stream AND s.originator_version = l.version
    WHERE l.stream = :stream AND l.version > :after AND l.topic IN (
        '{LineCorrected.TOPIC}', '{LinesNotBilled.TOPIC}', '{LinesAttributed.TOPIC}')
    ORDER BY l.version
"""  # noqa: S608 (our own names)
