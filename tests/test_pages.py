"""Pages: consumption lines as columns that any zlib and JSON tool reads."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.canonical import encode
from ledger.credits import Credits
from ledger.errors import IntegrityFailure
from ledger.events import FromOvh, PageRecorded, Stamp
from ledger.pages import (
    LINES_PER_PAGE,
    Line,
    LineId,
    attribute,
    attributed,
    order,
    record_pages,
    unpack,
)
from ledger.times import from_us, to_us

NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)
NOON_US = to_us(NOON)
STAMP = Stamp(
    recorded_at=NOON,
    actor="sync",
    command_id="c0ffee",
    source=FromOvh("/sms/{serviceName}/outgoing/{id}", NOON, None),
)
COLUMNS = {
    "id", "unit_us", "at", "milli", "parts", "calling_code", "receipt", "deferral", "length",
    "inferred", "country", "tariff", "batch", "tag",
}  # fmt: skip


def pages_of(lines: Sequence[Line]) -> list[PageRecorded]:
    return list(record_pages("consumption", lines, numbers="numbers 1", stamp=STAMP))


def page_of(lines: Sequence[Line]) -> PageRecorded:
    (page,) = pages_of(lines)
    return page


def columns_of(page: PageRecorded) -> dict[str, Any]:
    columns: dict[str, Any] = json.loads(zlib.decompress(page.body))
    return columns


def line(id: LineId, at_us: int = NOON_US, milli: int = 60, **others: Any) -> Line:
    return Line(id=id, at_us=at_us, milli=milli, **others)


# --- what goes in comes out ----------------------------------------------------------------

ids = st.integers(-(2**62), 2**62) | st.text(max_size=12)
numbers = st.none() | st.integers(0, 1000)
words = st.none() | st.sampled_from(["newsletter", "spring_2026", "~0f1e2d3c4b", ""])
any_line = st.builds(
    Line,
    id=ids,
    at_us=st.integers(-(10**15), 10**16),
    milli=st.integers(-(10**6), 10**6),
    parts=numbers,
    country=st.sampled_from(["IT", "FR", "ZZ", "SM"]),
    calling_code=numbers,
    tariff=words,
    receipt=numbers,
    deferral=numbers,
    length=numbers,
    batch=words,
    tag=words,
    inferred=st.sampled_from([None, 1]),
)


@settings(deadline=None)
@given(st.lists(any_line, max_size=40, unique_by=lambda line: line.id))
def test_whatever_the_lines_they_come_back_ordered_by_id(lines: list[Line]) -> None:
    pages = pages_of(lines)
    back = [line for page in pages for line in unpack(page)]
    assert back == sorted(lines, key=lambda line: order(line.id))


@settings(deadline=None)
@given(st.lists(any_line, min_size=1, max_size=40, unique_by=lambda line: line.id))
def test_the_header_tells_what_the_lines_come_to(lines: list[Line]) -> None:
    for page in pages_of(lines):
        inside = unpack(page)
        assert page.count == len(inside)
        assert page.spent == Credits(sum(line.milli for line in inside))
        assert (page.first_id, page.last_id) == (inside[0].id, inside[-1].id)
        assert page.first_at == from_us(min(line.at_us for line in inside))
        assert page.last_at == from_us(max(line.at_us for line in inside)) == page.happened_at


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (1000, [1000]), (1001, [1000, 1]), (2500, [1000, 1000, 500])],
)
def test_a_page_holds_at_most_a_thousand_lines(count: int, sizes: list[int]) -> None:
    assert LINES_PER_PAGE == 1000
    lines = [line(id) for id in range(count)]
    random.Random(7).shuffle(lines)
    pages = pages_of(lines)
    assert [page.count for page in pages] == sizes
    assert [line.id for page in pages for line in unpack(page)] == list(range(count))


def test_numbers_and_texts_are_kept_on_pages_of_their_own() -> None:
    pages = pages_of([line("b"), line(2), line("a"), line(10), line("10")])
    assert [[line.id for line in unpack(page)] for page in pages] == [
        [2, 10],
        ["10", "a", "b"],
    ]


def test_microseconds_survive_and_whole_seconds_are_kept_short() -> None:
    seconds = page_of([line(1), line(2, NOON_US + 5_000_000)])
    assert columns_of(seconds)["unit_us"] == 1_000_000
    assert columns_of(seconds)["at"] == [NOON_US // 1_000_000, 5]
    finer = page_of([line(1, NOON_US + 1), line(2, NOON_US - 3)])
    assert columns_of(finer)["unit_us"] == 1
    assert [line.at_us for line in unpack(finer)] == [NOON_US + 1, NOON_US - 3]


# --- readable without the program ----------------------------------------------------------


def realistic(count: int, *, seed: int = 7) -> list[Line]:
    """Lines like those of a busy account: ids and times that grow unevenly, mixed countries."""
    chance = random.Random(seed)
    ids = itertools.accumulate(chance.randrange(1, 40) for _ in range(count))
    times = itertools.accumulate(chance.randrange(0, 90) for _ in range(count))
    lines = []
    for id, seconds in zip(ids, times, strict=True):
        country, code = chance.choices([("IT", 39), ("FR", 33), ("SM", 378)], [80, 19, 1])[0]
        parts = chance.choices([1, 2, 3], [85, 12, 3])[0]
        lines.append(
            line(
                700_000_000 + id,
                NOON_US + seconds * 1_000_000,
                60 * parts,
                parts=parts,
                country=country,
                calling_code=code,
                tariff="0001",
                receipt=chance.choices([0, 1, 2, 16], [3, 94, 2, 1])[0],
                deferral=0,
                length=chance.randrange(20, 160) + 153 * (parts - 1),
                tag=chance.choice(["newsletter", "reminder", None]),
            )
        )
    return lines


def test_a_page_is_read_with_zlib_and_json_alone() -> None:
    lines = realistic(50)
    columns = columns_of(page_of(lines))
    ids = list(itertools.accumulate(columns["id"]))
    times = [at * columns["unit_us"] for at in itertools.accumulate(columns["at"])]
    countries, index = columns["country"]
    assert ids == [line.id for line in lines]
    assert times == [line.at_us for line in lines]
    assert columns["milli"] == [line.milli for line in lines]
    assert columns["parts"] == [line.parts for line in lines]
    assert [countries[n] for n in index] == [line.country for line in lines]
    assert "batch" not in columns  # it is empty in every line


def test_the_header_is_one_line_of_json_with_the_digest_of_the_body() -> None:
    header, _, body = encode(page_of(realistic(50))).partition(b"\n")
    fields = json.loads(header)
    assert fields["count"] == 50
    assert fields["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert fields["numbers"] == "numbers 1"


@settings(deadline=None)
@given(any_line)
def test_a_page_has_no_column_but_those_that_are_documented(some: Line) -> None:
    assert set(columns_of(page_of([some]))) <= COLUMNS


def test_a_line_has_no_place_for_a_receiver_or_a_text() -> None:
    fields = {field.name for field in msgspec.structs.fields(Line)}
    assert fields == COLUMNS - {"unit_us", "at"} | {"at_us"}


def test_a_line_weighs_a_few_bytes() -> None:
    """A full page of realistic lines stays below twelve bytes a line, its header included.

    One event per SMS weighed 192 to 461 bytes a line; the bound is what makes ten years of
    evidence affordable, and a column that is stored clumsily breaks it.
    """
    state = encode(page_of(realistic(LINES_PER_PAGE)))
    assert len(state) < 12 * LINES_PER_PAGE


# --- what is damaged is not believed -------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 255))
def test_a_byte_that_changed_in_the_body_is_found(where: int, change: int) -> None:
    page = page_of([line(1), line(2)])
    body = bytearray(page.body)
    body[where % len(body)] ^= change
    with pytest.raises(IntegrityFailure, match="expected a body with the digest"):
        unpack(msgspec.structs.replace(page, body=bytes(body)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 3},
        {"spent": Credits(119)},
        {"first_id": 0},
        {"last_id": "2"},
        {"first_at": NOON - timedelta(microseconds=1)},
        {"last_at": NOON + timedelta(microseconds=1)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_header_that_contradicts_its_lines_is_found(wrong: dict[str, Any]) -> None:
    page = msgspec.structs.replace(page_of([line(1), line(2)]), **wrong)
    with pytest.raises(IntegrityFailure, match=f"expected {next(iter(wrong))} "):
        unpack(page)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        [],
        {"id": [1], "at": [1]},
        {"id": [], "unit_us": 1, "at": [], "milli": []},
        {"id": [1, 1], "unit_us": 1, "at": [1], "milli": [60]},
        {"id": [1], "unit_us": 1, "at": [1]},
        {"id": [1], "unit_us": 1, "at": [1], "milli": ["60"]},
        {"id": [1], "unit_us": 1, "at": [10**30], "milli": [60]},
        {"id": [1], "unit_us": 1, "at": [1], "milli": [60], "tag": [["a"], [1]]},
        {"id": [1], "unit_us": 1, "at": [1], "milli": [60], "surprise": [1]},
    ],
    ids=repr,
)
def test_columns_that_do_not_fit_together_are_found(columns: Any) -> None:
    body = zlib.compress(json.dumps(columns).encode())
    forged = msgspec.structs.replace(
        page_of([line(1)]), body=body, body_sha256=hashlib.sha256(body).hexdigest()
    )
    with pytest.raises(IntegrityFailure, match="expected columns of lines"):
        unpack(forged)


@pytest.mark.parametrize("body", [b"", b"no zlib", zlib.compress(b"no json")])
def test_a_body_that_is_no_zlib_of_json_is_found(body: bytes) -> None:
    forged = msgspec.structs.replace(
        page_of([line(1)]), body=body, body_sha256=hashlib.sha256(body).hexdigest()
    )
    with pytest.raises(IntegrityFailure, match="expected columns of lines"):
        unpack(forged)


# --- which user sent which lines -----------------------------------------------------------


@settings(deadline=None)
@given(st.dictionaries(ids, st.sampled_from(["anna", "shop", "~0f1e2d3c4b"]), max_size=20))
def test_users_come_back_with_their_lines(users: dict[LineId, str]) -> None:
    event = attribute("consumption", list(users.items()), stamp=STAMP, at_us=NOON_US)
    assert event.count == len(users)
    assert attributed(event) == users


def test_an_attribution_that_was_changed_is_found() -> None:
    event = attribute("consumption", [(1, "anna"), (2, "shop")], stamp=STAMP, at_us=NOON_US)
    with pytest.raises(IntegrityFailure, match="digest"):
        attributed(msgspec.structs.replace(event, body=event.body[:-1]))
    with pytest.raises(IntegrityFailure, match="users of 3 lines, found 2"):
        attributed(msgspec.structs.replace(event, count=3))
