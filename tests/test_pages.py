"""Pages: consumption lines as columns that any zlib and JSON tool reads."""

from __future__ import annotations

import hashlib
import itertools
import json
import pickle
import random
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.canonical import decode, encode
from ledger.credits import Credits
from ledger.errors import IntegrityFailure
from ledger.events import FromOvh, PageRecorded, Stamp
from ledger.pages import (
    LINES_PER_PAGE,
    Columns,
    Line,
    LineId,
    Texts,
    attribute,
    attributed,
    attributed_page,
    columns_of,
    indexed,
    lines_of,
    order,
    pack,
    pack_users,
    page_columns,
    page_costs,
    page_rated,
    record_pages,
    recorded,
    unpack,
    user_columns,
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


DATA = Path(__file__).parent / "data"
# The digest of the columns that the first release made of a page of realistic lines.
BY_FIRST_RELEASE = "e43dd2024ba8631215d0ebcf591e5223fe2b31ced48fb50725ef733c5b974325"


def pages_of(lines: Sequence[Line]) -> list[PageRecorded]:
    return list(record_pages("consumption", lines, numbers="numbers 1", stamp=STAMP))


def page_of(lines: Sequence[Line]) -> PageRecorded:
    (page,) = pages_of(lines)
    return page


def stored(page: PageRecorded) -> dict[str, Any]:
    columns: dict[str, Any] = json.loads(zlib.decompress(page.body))
    return columns


def line(id: LineId, at_us: int = NOON_US, milli: int = 60, **others: Any) -> Line:
    return Line(id=id, at_us=at_us, milli=milli, **others)


# --- what goes in comes out ----------------------------------------------------------------

ids = st.integers(-(2**62), 2**62) | st.text(max_size=12)
numbers = st.none() | st.integers(0, 1000)
WORDS = [None, "newsletter", "spring_2026", "~0f1e2d3c4b", ""]
# One draw for all that is chosen: most of the time is spent in drawing.
choices = st.sampled_from(
    [
        {"country": country, "tariff": tariff, "batch": batch, "tag": tag, "inferred": inferred}
        for country, tariff, batch, tag, inferred in itertools.product(
            ["IT", "FR", "ZZ", "SM"], WORDS, WORDS, WORDS, [None, 1]
        )
    ]
)
any_line = st.builds(
    lambda choice, **drawn: Line(**choice, **drawn),
    choices,
    id=ids,
    at_us=st.integers(-(10**15), 10**16),
    milli=st.integers(-(10**6), 10**6),
    parts=numbers,
    calling_code=numbers,
    receipt=numbers,
    deferral=numbers,
    length=numbers,
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


def test_thousandths_of_a_second_have_a_unit_of_their_own() -> None:
    assert stored(page_of([line(1, NOON_US + 1_000), line(2)]))["unit_us"] == 1_000
    assert stored(page_of([line(1, NOON_US + 1_500), line(2)]))["unit_us"] == 1


def test_numbers_and_texts_are_kept_on_pages_of_their_own() -> None:
    pages = pages_of([line("b"), line(2), line("a"), line(10), line("10")])
    assert [[line.id for line in unpack(page)] for page in pages] == [
        [2, 10],
        ["10", "a", "b"],
    ]


def test_microseconds_survive_and_whole_seconds_are_kept_short() -> None:
    seconds = page_of([line(1), line(2, NOON_US + 5_000_000)])
    assert stored(seconds)["unit_us"] == 1_000_000
    assert stored(seconds)["at"] == [NOON_US // 1_000_000, 5]
    finer = page_of([line(1, NOON_US + 1), line(2, NOON_US - 3)])
    assert stored(finer)["unit_us"] == 1
    assert [line.at_us for line in unpack(finer)] == [NOON_US + 1, NOON_US - 3]


# --- columns -------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(any_line, max_size=40))
def test_lines_become_columns_and_lines_again(lines: list[Line]) -> None:
    assert lines_of(columns_of(lines)) == lines


def test_a_column_without_a_value_is_none() -> None:
    columns = columns_of([line(1), line(2, tag="newsletter")])
    assert (columns.batch, columns.parts) == (None, None)
    assert columns.tag == Texts([None, "newsletter"], [0, 1])
    assert columns.country == Texts(["ZZ"], [0, 0])


def test_columns_are_packed_as_their_lines_would_be() -> None:
    lines = realistic(50)
    page = recorded("consumption", pack(columns_of(lines)), numbers="numbers 1", stamp=STAMP)
    assert page == page_of(lines)
    assert page_columns(page) == columns_of(lines)


def test_a_part_of_a_larger_column_is_packed_as_if_it_stood_alone() -> None:
    lines = [line(n, tag=tag) for n, tag in enumerate(["a", "b", None, "c", "b"])]
    whole = columns_of(lines)
    assert whole.tag is not None
    part = columns_of(lines[2:])
    part.tag = Texts(whole.tag.values, whole.tag.index[2:])
    assert pack(part) == pack(columns_of(lines[2:]))
    part.tag = Texts(["c", None, "b", "c"], [1, 3, 2])
    assert pack(part) == pack(columns_of(lines[2:]))


def test_a_column_of_nothing_is_left_out_whoever_made_it() -> None:
    bare = Columns(id=[1, 2], at_us=[NOON_US, NOON_US], milli=[60, 60])
    empty = msgspec.structs.replace(
        bare, parts=[None, None], tag=Texts(["a", None], [1, 1]), batch=Texts([None], [0, 0])
    )
    assert pack(empty) == pack(bare)
    read = page_columns(recorded("hlr", pack(empty), numbers="n", stamp=STAMP))
    assert read == bare
    assert lines_of(read) == [line(1), line(2)]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"id": [1, 1]}, "ids that rise"),
        ({"id": [2, 1]}, "ids that rise"),
        ({"id": ["b", "a"]}, "ids that rise"),
        ({"id": ["a", "a"]}, "ids that rise"),
        ({"id": [1, 2, 3]}, "a value for each of 3 lines"),
        ({"at_us": [NOON_US]}, "a value for each of 2 lines"),
        ({"milli": [60]}, "a value for each of 2 lines"),
        ({"parts": [1]}, "a value for each of 2 lines"),
        ({"tag": Texts(["a"], [0])}, "a value for each of 2 lines"),
        ({"id": [], "at_us": [], "milli": []}, "at least one line"),
    ],
    ids=repr,
)
def test_a_page_that_could_not_be_put_right_later_is_not_made(
    wrong: dict[str, Any], expected: str
) -> None:
    columns = Columns(id=[1, 2], at_us=[NOON_US, NOON_US], milli=[60, 60])
    with pytest.raises(ValueError, match=f"expected {expected}"):
        pack(msgspec.structs.replace(columns, **wrong))


def test_ids_of_two_types_are_no_page() -> None:
    with pytest.raises(TypeError):
        pack(Columns(id=[1, "a"], at_us=[NOON_US, NOON_US], milli=[60, 60]))


def test_one_id_twice_is_no_page() -> None:
    with pytest.raises(ValueError, match="expected ids that rise"):
        page_of([line(1), line(1)])


def test_what_another_process_packs_is_what_this_one_would() -> None:
    columns = columns_of(realistic(50))
    assert pickle.loads(pickle.dumps(pack(pickle.loads(pickle.dumps(columns))))) == pack(
        columns
    )


@settings(deadline=None)
@given(st.lists(any_line, min_size=1, max_size=40, unique_by=lambda line: line.id))
def test_costs_are_read_by_time_without_the_rest(lines: list[Line]) -> None:
    for page in pages_of(lines):
        costs = page_costs(page)
        inside = [(line.at_us, line.milli) for line in unpack(page)]
        assert costs.at_us == sorted(costs.at_us)
        assert sorted(zip(*costs, strict=True)) == sorted(inside)


@settings(max_examples=40, deadline=None)
@given(st.lists(any_line, min_size=1, max_size=40, unique_by=lambda line: line.id))
def test_what_rates_are_held_against_is_read_without_the_rest(lines: list[Line]) -> None:
    for page in pages_of(lines):
        rated, inside = page_rated(page), unpack(page)
        if rated is None:
            some = [(one.parts, one.country) for one in inside]
            assert all(parts is None for parts, _ in some) or {c for _, c in some} == {"ZZ"}
            continue
        assert (rated.at_us, rated.milli, rated.parts) == (
            [one.at_us for one in inside],
            [one.milli for one in inside],
            [one.parts for one in inside],
        )
        countries = [rated.country.values[place] for place in rated.country.index]
        assert countries == [one.country for one in inside]


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
    columns = stored(page_of(lines))
    ids = list(itertools.accumulate(columns["id"]))
    times = [at * columns["unit_us"] for at in itertools.accumulate(columns["at"])]
    countries, index = columns["country"]
    assert ids == [line.id for line in lines]
    assert times == [line.at_us for line in lines]
    assert columns["milli"] == [line.milli for line in lines]
    assert columns["parts"] == [line.parts for line in lines]
    assert [countries[n] for n in index] == [line.country for line in lines]
    assert "batch" not in columns  # it is empty in every line


def plainly_packed(lines: Sequence[Line]) -> bytes:
    """Make a body's text as its documentation says, in the plainest way, to the byte."""
    unit = next(u for u in (10**6, 10**3, 1) if all(line.at_us % u == 0 for line in lines))
    ids: list[Any] = [line.id for line in lines]
    times = [line.at_us // unit for line in lines]
    columns: dict[str, Any] = {
        "id": ids if isinstance(ids[0], str) else [ids[0], *differences(ids)],
        "unit_us": unit,
        "at": [times[0], *differences(times)],
    }
    for name in (
        "milli", "parts", "calling_code", "receipt", "deferral", "length", "inferred",
        "country", "tariff", "batch", "tag",
    ):  # fmt: skip
        values = [getattr(line, name) for line in lines]
        if set(values) == {None}:
            continue
        if name in {"country", "tariff", "batch", "tag"}:
            distinct = list(dict.fromkeys(values))
            columns[name] = [distinct, [distinct.index(value) for value in values]]
        else:
            columns[name] = values
    text = json.dumps(columns, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def differences(values: Sequence[int]) -> list[int]:
    return [after - before for before, after in itertools.pairwise(values)]


@settings(max_examples=200, deadline=None)
@given(st.lists(any_line, min_size=1, max_size=40, unique_by=lambda line: line.id))
def test_bodies_are_what_they_always_were_to_the_byte(lines: list[Line]) -> None:
    for page in pages_of(lines):
        inside = unpack(page)
        if (
            not isinstance(inside[0].id, str)
            or "".join(str(one.id) for one in inside).isalnum()
        ):
            assert zlib.decompress(page.body) == plainly_packed(inside)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_full_page_is_what_it_always_was_to_the_byte(shuffled: bool) -> None:
    lines = realistic(LINES_PER_PAGE)
    given = random.Random(1).sample(lines, len(lines)) if shuffled else lines
    page = page_of(given)
    text = zlib.decompress(page.body)
    assert text == plainly_packed(lines)
    assert page.body == page_of(lines).body
    assert len(page.body) < 0.9 * len(zlib.compress(text, 1))
    assert hashlib.sha256(text).hexdigest() == BY_FIRST_RELEASE


def kept_pages() -> list[PageRecorded]:
    """Give the pages that were kept: the topic's sample, the ledger of the first release."""
    states = [(DATA / "topics" / f"{PageRecorded.TOPIC}.state").read_bytes()]
    with closing(
        sqlite3.connect(f"file:{DATA / 'first-release.db'}?immutable=1", uri=True)
    ) as db:
        states += [
            state
            for (state,) in db.execute(
                "SELECT state FROM stored_events WHERE topic = ?", (PageRecorded.TOPIC,)
            )
        ]
    pages = [decode(PageRecorded.TOPIC, state) for state in states]
    return [page for page in pages if isinstance(page, PageRecorded)]


def test_kept_pages_are_packed_again_to_the_same_columns() -> None:
    pages = kept_pages()
    assert len(pages) > 1
    for page in pages:
        columns = page_columns(page)
        # Another zlib than the one that made them may compress otherwise; the text is the same.
        assert zlib.decompress(pack(columns).body) == zlib.decompress(page.body)
        assert pack(columns_of(unpack(page))) == pack(columns)
        assert zlib.decompress(page.body) == plainly_packed(unpack(page))


def test_the_header_is_one_line_of_json_with_the_digest_of_the_body() -> None:
    header, _, body = encode(page_of(realistic(50))).partition(b"\n")
    fields = json.loads(header)
    assert fields["count"] == 50
    assert fields["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert fields["numbers"] == "numbers 1"


@settings(deadline=None)
@given(any_line)
def test_a_page_has_no_column_but_those_that_are_documented(some: Line) -> None:
    assert set(stored(page_of([some]))) <= COLUMNS


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
    if not wrong.keys() & {"first_id", "last_id"}:  # sums do not look at ids
        with pytest.raises(IntegrityFailure, match=f"expected {next(iter(wrong))} "):
            page_costs(page)


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
        {"id": [1], "unit_us": 1, "at": [1], "milli": [60], "tag": [["a"], [-1]]},
        {"id": [1], "unit_us": 1, "at": [1], "milli": [60], "tag": [["a"], [0, 0]]},
        {"id": [1], "unit_us": 1, "at": [1], "milli": [60], "parts": [1, 1]},
        {"id": ["a", 1], "unit_us": 1, "at": [1, 0], "milli": [60, 60]},
        {"id": [1, "a"], "unit_us": 1, "at": [1, 0], "milli": [60, 60]},
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


@pytest.mark.parametrize(
    "columns",
    [
        {},
        [],
        {"unit_us": 1, "at": [], "milli": []},
        {"unit_us": 1, "at": [1, 1], "milli": [60]},
    ],
    ids=repr,
)
def test_costs_that_do_not_fit_together_are_found(columns: Any) -> None:
    body = zlib.compress(json.dumps(columns).encode())
    forged = msgspec.structs.replace(
        page_of([line(1)]), body=body, body_sha256=hashlib.sha256(body).hexdigest()
    )
    with pytest.raises(IntegrityFailure, match="expected columns of lines"):
        page_costs(forged)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"unit_us": 1, "at": [], "milli": []},
        {"unit_us": 1, "at": [1, 1], "milli": [60]},
        {"unit_us": 1, "at": [1], "milli": [60], "parts": [1, 1], "country": [["IT"], [0]]},
        {"unit_us": 1, "at": [1], "milli": [60], "parts": [1], "country": [["IT"], [1]]},
    ],
    ids=repr,
)
def test_parts_and_countries_that_do_not_fit_together_are_found(columns: Any) -> None:
    body = zlib.compress(json.dumps(columns).encode())
    forged = msgspec.structs.replace(
        page_of([line(1)]), body=body, body_sha256=hashlib.sha256(body).hexdigest()
    )
    with pytest.raises(IntegrityFailure, match="expected columns of lines"):
        page_rated(forged)


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


def test_users_are_packed_and_read_as_columns() -> None:
    users = indexed(["anna", "shop", "anna", "desk"])
    event = attributed_page(
        "consumption", pack_users([1, 2, 10, "a"], users), stamp=STAMP, at_us=NOON_US
    )
    pairs = [("a", "desk"), (10, "anna"), (2, "shop"), (1, "anna")]
    assert event == attribute("consumption", pairs, stamp=STAMP, at_us=NOON_US)
    assert user_columns(event) == ([1, 2, 10, "a"], users)
    assert json.loads(zlib.decompress(event.body)) == {
        "id": [1, 2, 10, "a"],
        "user": [["anna", "shop", "desk"], [0, 1, 0, 2]],
    }


@pytest.mark.parametrize(
    ("ids", "users", "expected"),
    [
        ([2, 1], indexed(["a", "b"]), "ids that rise"),
        ([1, 1], indexed(["a", "b"]), "ids that rise"),
        (["a", 1], indexed(["a", "b"]), "ids that rise"),
        ([1], indexed(["a", "b"]), "a user for each of 1 lines"),
        ([1, 2], indexed(["a", None]), "a user for each line"),
        ([1, 2], Texts([None], [0, 0]), "a user for each line"),
    ],
    ids=repr,
)
def test_an_attribution_that_could_not_be_put_right_later_is_not_made(
    ids: list[LineId], users: Texts, expected: str
) -> None:
    with pytest.raises(ValueError, match=f"expected {expected}"):
        pack_users(ids, users)


@pytest.mark.parametrize(
    "columns",
    [{}, {"id": [1]}, {"id": [1], "user": [["a"], [0, 0]]}, {"id": [1], "user": [["a"], [1]]}],
    ids=repr,
)
def test_users_that_do_not_fit_their_lines_are_found(columns: Any) -> None:
    event = attribute("consumption", [(1, "anna")], stamp=STAMP, at_us=NOON_US)
    body = zlib.compress(json.dumps(columns).encode())
    forged = msgspec.structs.replace(
        event, body=body, body_sha256=hashlib.sha256(body).hexdigest()
    )
    with pytest.raises(IntegrityFailure, match="expected columns of lines"):
        user_columns(forged)


def test_one_line_attributed_twice_is_found() -> None:
    event = attribute("consumption", [(1, "anna"), (2, "shop")], stamp=STAMP, at_us=NOON_US)
    body = zlib.compress(json.dumps({"id": [1, 1], "user": [["a"], [0, 0]]}).encode())
    forged = msgspec.structs.replace(
        event, body=body, body_sha256=hashlib.sha256(body).hexdigest()
    )
    with pytest.raises(IntegrityFailure, match="users of 2 lines, found 1"):
        attributed(forged)
