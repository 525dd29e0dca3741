"""Totals by month, many values to a row: however they come, the view shows each sum."""

from __future__ import annotations

import json
from contextlib import closing
from random import Random

import pytest
from books import Books
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import damage

from ledger.database import Database
from projections import month_blocks
from projections.month_blocks import MonthKey, Values, add_values, misplaced, packed, unpacked

BATCH: MonthKey = ("batch", "2026-10", "sms-ab12345-1")

# Any text but NUL, which the reader of files refuses; some of it looks like something else.
values = st.one_of(
    st.sampled_from(["", "12", "1e3", "null", "true", '"', "\\", "[1]", "IT", "it", "è", "😀"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4),
)
sums = st.tuples(st.integers(-2, 2), st.integers(-(2**53) - 1, 2**53 + 1)).map(list)
blocks = st.dictionaries(values, sums, max_size=12)
keys = st.tuples(
    st.sampled_from(["batch", "country"]),
    st.sampled_from(["2026-10", "2026-11"]),
    st.sampled_from(["sms-ab12345-1", "sms-ab12345-2"]),
)
months = st.dictionaries(keys, blocks, max_size=4)


def shown(database: Database) -> dict[MonthKey, Values]:
    found: dict[MonthKey, Values] = {}
    for dimension, month, account, value, count, milli in database.execute(
        "SELECT dimension, month, account, value, count, milli FROM monthly_total"
    ):
        of_month = found.setdefault((dimension, month, account), {})
        assert value not in of_month
        of_month[value] = [count, milli]
    return found


def summed(parts: list[dict[MonthKey, Values]]) -> dict[MonthKey, Values]:
    """Add up, value by value; what comes to nothing is not there."""
    total: dict[MonthKey, Values] = {}
    for part in parts:
        for key, found in part.items():
            for value, (count, milli) in found.items():
                known = total.setdefault(key, {}).setdefault(value, [0, 0])
                known[0] += count
                known[1] += milli
                if not any(known):
                    del total[key][value]
    return {key: found for key, found in total.items() if found}


@given(block=blocks, at_most=st.integers(1, 5))
def test_a_month_is_read_as_it_was_packed(block: Values, at_most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(month_blocks, "_AT_MOST", at_most)
        rows = list(packed((*BATCH, ""), block))
    read = [unpacked(row[-1]) for row in rows]
    assert {value: one for part in read for value, one in part.items()} == {
        value: one for value, one in block.items() if any(one)
    }
    assert [list(part) for part in read] == [sorted(part) for part in read]
    assert all(1 <= len(part) <= at_most for part in read)
    assert [row[3] for row in rows] == ["", *(min(part) for part in read[1:])][: len(rows)]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.lists(months, min_size=1, max_size=5), at_most=st.sampled_from([1, 2, 3, 256]))
def test_the_view_shows_the_sum_of_all_that_was_added(
    books: Books, parts: list[dict[MonthKey, Values]], at_most: int
) -> None:
    with closing(books.database()) as database, pytest.MonkeyPatch.context() as patch:
        patch.setattr(month_blocks, "_AT_MOST", at_most)
        patch.setattr(month_blocks, "_AT_ONCE", at_most)
        database.execute("DELETE FROM month_block")
        for number, part in enumerate(parts, start=1):
            add_values(database, part, empty=number == 1)
            assert shown(database) == summed(parts[:number])
            assert list(misplaced(database)) == []
        largest = "SELECT sums FROM month_block"
        assert all(len(unpacked(text)) <= at_most for (text,) in database.execute(largest))


def test_what_is_taken_away_leaves_no_empty_block(books: Books) -> None:
    found: Values = {f"b-{n}": [1, -350] for n in range(1000)}
    with closing(books.database()) as database:
        database.execute("DELETE FROM month_block")
        add_values(database, {BATCH: found})
        assert database.execute("SELECT COUNT(*) FROM month_block") == [(4,)]
        add_values(database, {BATCH: {value: [-1, 350] for value in found}})
        assert database.execute("SELECT * FROM month_block") == []


def test_one_more_message_does_not_write_all_batches_again(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [f"b-{n}" for n in range(3000)]
    Random(1).shuffle(batches)
    with closing(books.database()) as database:
        add_values(database, {BATCH: {value: [1, -350] for value in batches[:-1]}})
        written = []
        insert = type(database).insert

        def watched(self, table, rows):
            rows = list(rows)
            written.extend(rows)
            insert(self, table, rows)

        monkeypatch.setattr(type(database), "insert", watched)
        add_values(database, {BATCH: {batches[-1]: [1, -350]}})
        assert len(shown(database)[BATCH]) == 3000
    assert sum(len(json.loads(row[-1])) for row in written) <= 257


def test_values_that_look_like_something_else_stay_text(books: Books) -> None:
    odd: Values = {
        value: [1, -1] for value in ("12", "1.0", "null", "true", '{"a": 1}', "\x01")
    }
    with closing(books.database()) as database:
        add_values(database, {BATCH: odd})
        for value in odd:
            where = "SELECT value, count FROM monthly_total WHERE value = :value"
            assert database.execute(where, value=value) == [(value, 1)]


@pytest.mark.parametrize("sums", ["no JSON", "{}", "[[1,2,3]]", '[["otp",1]]'])
def test_a_block_that_is_none_is_told_when_more_is_to_be_added(books: Books, sums: str) -> None:
    line = "2026-10-01 10:00 sms 1.4 tag=otp"
    opened = "account sms-one-1\n2026-10-01 09:00 opening 100"
    books.draw(f"customer one Europe/Rome\n{opened}\n{line}")
    books.rows("cost")
    damage(books.url, f"UPDATE month_block SET sums = '{sums}'")
    books.draw(f"account sms-one-1\n{line}")
    ran = books.type("cost")
    assert (ran.status, ran.err.count("\n")) == (4, 1)
    assert "type `sms-ledger rebuild --only monthly-totals`" in ran.err
    assert books.type("rebuild", "--only", "monthly-totals").status == 0
    assert books.type("cost").status == 0
