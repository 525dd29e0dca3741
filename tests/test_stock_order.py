"""Nothing leaves a place before it came there, in what stands at one moment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from projections.stock_order import in_stock

# What stands: its moment, and what each place gains or loses.
Fact = tuple[int, dict[str, int]]


def ordered(*facts: Fact) -> list[Fact]:
    return list(in_stock(facts, lambda one: one[0], lambda one: one[1]))


def test_what_takes_more_than_is_there_waits_for_others_of_its_moment() -> None:
    used, sent, bought = (1, {"b": -5}), (1, {"a": -5, "b": 5}), (1, {"a": 5})
    assert ordered(used, sent, bought) == [bought, sent, used]


def test_nothing_is_put_off_beyond_its_moment() -> None:
    used, bought = (1, {"a": -5}), (2, {"a": 5})
    assert ordered(used, bought) == [used, bought]


def test_what_never_finds_enough_stands_last_in_its_order() -> None:
    circle = [(1, {"a": -5, "b": 5}), (1, {"b": -5, "a": 5})]
    bought = (1, {"c": 1})
    assert ordered(*circle, bought) == [bought, *circle]


@given(
    st.lists(st.sampled_from(["ab", "bc", "cd", "da"]), max_size=12).flatmap(
        lambda sent: st.permutations([(way, 1) for way in sent])
    )
)
def test_everything_stands_once_and_no_place_falls_short_where_an_order_avoids_it(sent) -> None:
    facts = [(1, {way[0]: -milli, way[1]: milli}) for way, milli in sent]
    bought = (1, {place: len(facts) for place in "abcd"})
    found = ordered(*facts, bought)
    assert sorted(map(repr, found)) == sorted(map(repr, [*facts, bought]))
    held = dict.fromkeys("abcd", 0)
    for _, moved in found:
        for place, milli in moved.items():
            held[place] += milli
        assert min(held.values()) >= 0
