"""The projection behind registers: single movements by time, and which pages span which time.

`movement` holds every movement that is not a line of a page, those before T0 too: the reader
leaves them out. A purchase that OVH's automatic recharge made is shown as `recharge`.
"""

from __future__ import annotations

from typing import Final

from ledger.database import Rows
from ledger.events import PageRecorded, PurchaseAttributed
from ledger.movements import movements
from ledger.times import to_us
from projections.batch import Logged, Projection


def _apply(rows: Rows, logged: Logged) -> None:
    match logged.event:
        case PageRecorded() as page:
            _span(rows, logged, page)
        case PurchaseAttributed(origin="automatic", bill_detail_id=bill_detail_id):
            rows.execute(
                "UPDATE movement SET kind = 'recharge'"
                " WHERE account = :account AND kind = 'purchase' AND reference = :reference",
                account=logged.account,
                reference=bill_detail_id,
            )
        case _:
            _single(rows, logged)


def _span(rows: Rows, logged: Logged, page: PageRecorded) -> None:
    rows.execute(
        "INSERT INTO page_span (account, version, kind, first_at_us, last_at_us,"
        " recorded_at_us) VALUES (:account, :version, :kind, :first, :last, :recorded)",
        account=logged.account,
        version=logged.version,
        kind=page.kind,
        first=to_us(page.first_at),
        last=to_us(page.last_at),
        recorded=to_us(page.recorded_at),
    )


def _single(rows: Rows, logged: Logged) -> None:
    for movement in movements(logged.event):
        rows.execute(
            "INSERT INTO movement (position, account, at_us, recorded_at_us, kind, milli,"
            " reference)"
            " VALUES (:position, :account, :at, :recorded, :kind, :milli, :reference)",
            position=logged.position,
            account=logged.account,
            at=movement.at_us,
            recorded=to_us(logged.event.recorded_at),
            kind=movement.kind,
            milli=movement.milli,
            reference=movement.reference,
        )


MOVEMENT_INDEX: Final = Projection("register", ("movement", "page_span"), _apply)
