"""What is left of a lot: the credits that came and did not leave, however often they moved."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.frozen import remaining
from projections.holdings import Drawn, Held, Stretch
from projections.lot_facts import LotRow

LOT = LotRow("sms-ab12345-1", "b-1", "purchase", 0, 1, 100)


def held(came: list[tuple[int, int]], gone: list[tuple[int, int]]) -> Held:
    drawn = [
        Drawn(LOT.account, 1, 1, "used", "", "2025-10-01", LOT.id, Stretch(*one))
        for one in gone
    ]
    return Held(LOT.account, LOT, [Stretch(*one) for one in came], drawn)


@pytest.mark.parametrize(
    ("came", "gone", "left"),
    [
        ([(0, 100)], [], [(0, 100)]),
        ([(0, 100)], [(0, 40)], [(40, 60)]),
        ([(0, 100)], [(0, 100)], []),
        ([(0, 10), (20, 10)], [(5, 2)], [(0, 5), (7, 3), (20, 10)]),
        ([(0, 10), (10, 10)], [], [(0, 20)]),
        ([(0, 100), (0, 50)], [(0, 50)], [(0, 100)]),  # sent away, and back again
        ([(0, 100), (10, 20)], [(0, 50)], [(10, 20), (50, 50)]),
    ],
)
def test_what_is_left_of_a_lot_are_its_stretches(came, gone, left):
    assert [tuple(one) for one in remaining(held(came, gone))] == left


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    came=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=5),
    kept=st.sets(st.integers(0, 28)),
)
def test_it_is_what_counting_every_thousandth_gives(came, kept):
    """All that came to an account left it, but for some thousandths, once each."""
    all_of = [place for first, milli in came for place in range(first, first + milli)]
    kept &= set(all_of)
    gone = Counter(all_of)
    gone.subtract(kept)
    found = [
        place
        for first, milli in remaining(held(came, [(place, 1) for place in gone.elements()]))
        for place in range(first, first + milli)
    ]
    assert found == sorted(kept)
