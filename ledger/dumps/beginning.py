"""The beginning of one ledger put into another, an empty one: what it was at a position.

The events keep their bytes, and the views are made by the code that always makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from ledger.canonical import decode
from ledger.database import Database
from ledger.database.order import whole_transaction
from ledger.dumps.beside import labels, put
from ledger.dumps.take import proved
from ledger.storage.verbatim import insert
from ledger.totals import Recorded

# Their sums are written together; a page is some 10 kB.
_AT_ONCE: Final = 200

_EVENTS: Final = """
    SELECT position, stream, version, leaf, s.topic, state FROM event_log
    LEFT JOIN stored_events s ON originator_id = stream AND originator_version = version
    WHERE position > :after AND position <= :position ORDER BY position
"""


def copy_beginning(
    source: Database,
    into: Database,
    position: int,
    *,
    after: int = 0,
    advance: Callable[[int], None],
) -> None:
    """Copy the events up to a position; `advance` is told how many were copied.

    Those up to `after` were copied before. The caller holds one state of the source. Raises
    IntegrityFailure where it is damaged.
    """
    with whole_transaction(into) as rows:
        left = _recorded(source, after, position)
        while some := list(islice(left, _AT_ONCE)):
            insert(rows, some)
            advance(len(some))
        if not after:
            for kept in labels(source):
                put(rows, kept)


def _recorded(source: Database, after: int, position: int) -> Iterator[Recorded]:
    rows = source.each(_EVENTS, after=after, position=position)
    for number, row in enumerate(rows, start=after + 1):
        one = proved(number, row)
        event = decode(one.topic, one.state)
        yield Recorded(one.stream, one.version, one.topic, one.state, event)
