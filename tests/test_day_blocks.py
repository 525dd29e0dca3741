"""Totals by day, kept by the month: whatever comes in what order, the view shows each sum."""

from __future__ import annotations

from contextlib import closing

import pytest
from books import Books
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.day_blocks import DAILY_TOTAL, Sum, add_days, by_month, packed, unpacked
from ledger.errors import IntegrityFailure

T0 = 1_790_845_200_000_000  # 2026-10-01 09:00 UTC, in microseconds
DAY_US = 86_400_000_000

# Whole seconds, milliseconds, microseconds.
times = st.builds(lambda at, unit: at * unit, st.integers(0, 80_000), st.sampled_from(
    [1_000_000, 1_000, 1]
))  # fmt: skip
keys = st.tuples(
    st.sampled_from(["sms-ab12345-1", "sms-ab12345-2"]),
    st.dates().map(lambda day: f"2026-{day.month:02d}-{day.day:02d}"),
    st.sampled_from(["consumption", "transfer-in"]),
)


def sum_of(count: int, milli: int, begin: int, span: int, recorded: int) -> Sum:
    return Sum(count, milli, T0 + begin, T0 + begin + span, T0 + recorded)


sums = st.builds(sum_of, st.integers(1, 9), st.integers(-9000, 9000), times, times, times)
gathered = st.dictionaries(keys, sums, max_size=12)


def copied(one: Sum) -> Sum:
    return Sum(*values(one))


def values(one: Sum) -> tuple[int, ...]:
    return tuple(getattr(one, name) for name in DAILY_TOTAL.values)


@given(found=gathered)
def test_a_month_is_read_as_it_was_packed(found: dict[tuple[str, str, str], Sum]) -> None:
    for key, block in by_month(found.items()).items():
        row = packed(key, block)
        assert row[:3] == key
        first_us, last_us, unit_us, recorded_us, days = row[3:]
        assert unpacked(first_us, unit_us, recorded_us, days) == block
        assert first_us == min(one.first_at_us for one in block.values())
        assert last_us == max(one.last_at_us for one in block.values())


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.lists(gathered, min_size=1, max_size=4))
def test_the_view_shows_the_sum_of_all_that_was_added(
    books: Books, parts: list[dict[tuple[str, str, str], Sum]]
) -> None:
    expected: dict[tuple[str, str, str], Sum] = {}
    with closing(books.database()) as database:
        database.execute("DELETE FROM daily_block")
        for number, part in enumerate(parts):
            add_days(database, [(key, copied(one)) for key, one in part.items()],
                     empty=not number)  # fmt: skip
            for key, one in part.items():
                if key in expected:
                    expected[key].add(one)
                else:
                    expected[key] = copied(one)
        columns = ", ".join(DAILY_TOTAL.columns)
        shown = {
            (row[0], row[1], row[2]): row[3:]
            for row in database.execute(f"SELECT {columns} FROM daily_total")
        }
        assert shown == {key: values(one) for key, one in expected.items()}
        strayed = "SELECT COUNT(*) FROM daily_total WHERE month <> SUBSTR(day, 1, 7)"
        assert database.execute(strayed) == [(0,)]


@pytest.mark.parametrize(("unit", "times_us"), [
    (1_000_000, (0, 5_000_000)), (1_000, (0, 5_001_000)), (1, (0, 5_000_001)),
])  # fmt: skip
def test_times_are_kept_in_the_largest_unit_in_which_they_are_whole(
    unit: int, times_us: tuple[int, int]
) -> None:
    begin, end = (T0 + at for at in times_us)
    row = packed(("a", "2026-10", "reply"), {1: Sum(1, 1, begin, end, T0)})
    assert row[5:] == (unit, T0, f"[[1,1,1,0,{times_us[1] // unit}]]")


@pytest.mark.parametrize("days", ["no JSON", "{}", "[[1]]", '[["1",1,1,1,1]]'])
def test_a_block_that_is_none_is_told_to_who_reads_it(days: str) -> None:
    with pytest.raises(IntegrityFailure, match="rebuild --only daily-totals"):
        unpacked(T0, 1, T0, days)
