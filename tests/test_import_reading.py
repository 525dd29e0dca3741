"""Reading by columns and row by row come to the same, whatever the file and its segments."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadFile
from ledger.files import blocks, plain, reading, segments
from ledger.files.chunks import rows_of
from ledger.files.columns import COLUMNS
from ledger.files.origin import Origin
from ledger.files.reading import Found, ToRead
from ledger.files.segments import Segment, Segments

NOW = datetime(2026, 6, 1, tzinfo=UTC)

GOOD = {
    "customer": ["ab1-ovh", "ab1-ovh", "cd2-ovh"],
    "account": ["sms-1", "sms-2"],
    "kind": [*["consumption"] * 12, "reply", "hlr", "gift", "purchase", "transfer", "opening"],
    "id": ["1", "2", "17", "300", "017", "a-1"],
    "happened_at": ["2026-03-01T12:00:00+01:00", "2026-03-01T12:59:59Z",
                    "2026-03-02T08:00:01.5Z"],
    "credits": ["1", "0.7", "12.345"],
    "country": ["", "IT", "FR"],
    "parts": ["", "1", "2"],
    "tag": ["", "news", "a, b", 'say "so"', "two\nlines", "più"],
    "user": ["", "api"],
    "batch": ["", "b-1"],
    "counter_account": ["", "sms-9"],
    "net": ["", "10"],
    "currency": ["", "EUR"],
}  # fmt: skip
BAD = {
    "customer": ["", "no way"],
    "account": ["", "a b"],
    "kind": ["", "Consumption"],
    "id": ["", "-1", "+1", "1_0", "９", "9" * 70, " 1"],
    "happened_at": ["", "2026-03-01", "2026-03-01T25:00:00Z", "2036-03-01T12:00:00Z",
                    "2026-03-01T12:00:60Z", "1999-03-01T12:00:00Z", "2026-03-01T12:00:00"],
    "credits": ["", "-1", "1.2345", "1e3", "nan"],
    "country": ["it", "ITA"],
    "parts": ["x", "100", "-1"],
    "tag": ["x" * 300, "\0"],
}  # fmt: skip


def rows(spoiled: bool) -> st.SearchStrategy[list[str]]:
    """Give rows of cells that make sense, and some that do not.

    A row is one draw, two bytes for each cell: a draw for each cell would be most of the test.
    """
    choices = [cells(column, spoiled) for column in COLUMNS]
    size = 2 * len(choices)

    def row(drawn: bytes) -> list[str]:
        return [
            each[int.from_bytes(drawn[2 * n : 2 * n + 2]) % len(each)]
            for n, each in enumerate(choices)
        ]

    return st.binary(min_size=size, max_size=size).map(row)


def cells(column: str, spoiled: bool) -> list[str]:
    """Give what to choose from: one choice is quick, two that depend on each other are not."""
    good, bad = GOOD.get(column, [""]), BAD.get(column, [""])
    return [*good * (60 * len(bad) // len(good) + 1), *bad] if spoiled else good


def written(table: list[list[str]], end: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(COLUMNS)
    writer.writerows(table)
    return out.getvalue().encode()


def origin(content: bytes) -> Origin:
    return Origin("f.csv", io.BytesIO(content), len(content), sha256(content).hexdigest())


def told(found: Found) -> tuple[Any, ...]:
    """Give all that reading came to, in an order of its own."""
    lines = (
        sorted(
            (group, row)
            for group, chunk in found.lines
            for row in rows_of(chunk.data, chunk.labels_size)
        )
        if not found.bad
        else []
    )
    facts = [] if found.bad else sorted(found.facts, key=lambda row: (row.line, row.kind))
    totals = {} if found.bad else found.parties.customers
    accounts = {} if found.bad else found.parties.accounts
    return found.bad, accounts, totals, facts, [str(line) for line in lines]


def whole(content: bytes) -> Segment:
    (segment,) = Segments(origin(content), "csv")
    return segment


tables = st.booleans().flatmap(lambda spoiled: st.lists(rows(spoiled), min_size=1, max_size=40))


@settings(max_examples=300, deadline=None)
@given(table=tables, end=st.sampled_from(["\n", "\r\n"]), characters=st.sampled_from([1, 200]))
def test_columns_and_single_rows_come_to_the_same(table, end, characters) -> None:
    task = ToRead(whole(written(table, end)), NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_BLOCK_CHARACTERS", characters)
        patch.setattr(blocks, "_BLOCK_ROWS", 1 + characters // 40)
        by_columns = reading.read(task)
    assert told(by_columns) == told(reading._Reading(task).carefully())


@settings(max_examples=200, deadline=None)
@given(table=tables, size=st.integers(121, 700), end=st.sampled_from(["\n", "\r\n"]))
def test_segments_are_whole_records_and_all_of_the_file(table, size, end) -> None:
    content = written(table, end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "_SEGMENT_BYTES", size)
        patch.setattr(segments, "_PIECE_BYTES", 40)
        parts = list(Segments(origin(content), "csv"))
    assert b"".join(part.raw for part in parts) == whole(content).raw
    line, found = 2, []
    for part in parts:
        assert part.first_line == line
        line += part.raw.count(b"\n")
        found += csv.reader(io.StringIO(part.raw.decode(), newline="\n"), strict=True)
    assert found == table


def test_plain_lines_are_read_by_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the slow reader would do all the work, and no test would tell."""
    read: list[int] = []
    take = plain.PlainReader._take

    def counted(self, cells, lines):
        take(self, cells, lines)
        read.append(len(lines))

    monkeypatch.setattr(plain.PlainReader, "_take", counted)
    table = [
        [
            "ab1-ovh",
            "sms-1",
            "consumption",
            str(n),
            "2026-03-01T12:00:00+01:00",
            "1",
            *[""] * 10,
        ]
        for n in range(2000)
    ]
    for n in range(1000, 2000, 100):
        table[n][2] = "gift"
    found = reading.read(ToRead(whole(written(table, "\n")), NOW))
    assert sum(read) == 2000 - 10
    assert len(found.facts) == 10


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x" * 3_000_000, "line 1: expected a line of text, found one of more than"),
        (b'a,"' + b"x" * 200_000, "line 1: expected cells separated by commas"),
    ],
)
def test_a_file_without_line_ends_is_no_table(content: bytes, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        list(Segments(origin(content), "csv"))


def test_a_cell_that_is_never_closed_is_told_where_it_begins() -> None:
    good = written(
        [["ab1-ovh", "sms-1", "gift", "1", "2026-03-01T12:00:00Z", "1", *[""] * 10]], "\n"
    )
    bad = b'ab1-ovh,sms-1,gift,2,2026-03-01T12:00:00Z,1,,,"' + b"x,\n" * 10_000_000
    found = [reading.read(ToRead(part, NOW)) for part in Segments(origin(good + bad), "csv")]
    first = next(one.bad for one in found if one.bad)
    assert first.line == 3
    assert "separated by commas" in first.expected
