"""The headers of pages, read without their bodies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from ledger.database import Rows
from ledger.errors import IntegrityFailure
from ledger.events import PageRecorded
from ledger.names import consumption_stream
from ledger.pages import LineId

# A header is some 700 bytes; only a long reason makes one longer.
_ENOUGH: Final = 2048

_AT_ONCE: Final = 1000


class Header(msgspec.Struct):
    """What sums and searches need of a header; `spent_milli` in thousandths of a credit."""

    kind: str
    first_id: LineId
    last_id: LineId
    first_at: datetime
    last_at: datetime
    spent_milli: int


_DECODER: Final = msgspec.json.Decoder(Header)


def headers(rows: Rows, account: str, through: int) -> Iterator[tuple[int, Header]]:
    """Give the pages of an account up to a version, in their order."""
    stream, after = consumption_stream(account), 0
    while found := rows.execute(
        "SELECT originator_version, topic, substr(state, 1, :enough) FROM stored_events"
        " WHERE originator_id = :stream AND originator_version > :after"
        " AND originator_version <= :through ORDER BY originator_version LIMIT :at_once",
        stream=stream,
        after=after,
        through=through,
        enough=_ENOUGH,
        at_once=_AT_ONCE,
    ):
        for after, topic, start in found:
            if topic == PageRecorded.TOPIC:
                yield after, _header(rows, stream, after, start)


def _header(rows: Rows, stream: str, version: int, start: bytes) -> Header:
    line, newline, _ = start.partition(b"\n")
    if not newline:
        ((state,),) = rows.execute(
            "SELECT state FROM stored_events"
            " WHERE originator_id = :stream AND originator_version = :version",
            stream=stream,
            version=version,
        )
        line = state.partition(b"\n")[0]
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError as error:
        msg = f"expected the header of a page at version {version} of {stream}: {error}"
        raise IntegrityFailure(msg) from error
