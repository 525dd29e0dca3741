"""Where a late fact stands: a function of the closes that stand, and of nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from projections.posting import AccountPosting, Opening, Posting

INSTANTS = st.integers(0, 100)
POSITIONS = st.integers(1, 60)


@st.composite
def postings(draw):
    ends = sorted(draw(st.sets(INSTANTS, max_size=5)))
    positions = sorted(draw(st.lists(POSITIONS, min_size=len(ends), max_size=len(ends))))
    return Posting(ends, positions)


def month_by_month(posting: Posting, at_us: int, position: int) -> int:
    """Go from month to month until one is open, or was closed with the fact."""
    for end_us, known in zip(posting.ends, posting.positions, strict=True):
        if at_us < end_us and position > known:
            at_us = end_us
    return at_us


@given(postings(), INSTANTS, POSITIONS)
def test_a_fact_stands_in_the_first_month_that_is_open_or_knew_it(posting, at_us, position):
    assert posting.posted_us(at_us, position) == month_by_month(posting, at_us, position)


@given(postings(), INSTANTS, POSITIONS, st.integers(0, 5))
def test_what_a_close_knew_stands_before_its_end_whatever_is_closed_later(
    posting, at_us, position, number
):
    fewer = Posting(posting.ends[:number], posting.positions[:number])
    for end_us in fewer.ends:
        stands = posting.posted_us(at_us, position) < end_us
        assert stands == (fewer.posted_us(at_us, position) < end_us)


@given(postings(), INSTANTS, POSITIONS, st.lists(st.tuples(POSITIONS, INSTANTS), max_size=3))
def test_stretches_of_late_facts_say_the_same_as_each_fact(posting, at_us, position, openings):
    positions = sorted(at for at, _ in openings)
    instants = sorted((since for _, since in openings), reverse=True)
    told = [Opening(at, since, 0) for at, since in zip(positions, instants, strict=True)]
    account = AccountPosting(posting, told)
    if told and at_us < told[-1].at_us:
        return  # it does not count
    late = [one for one in account.late(position) if one.start_us <= at_us < one.end_us]
    stands = {one.posted_us for one in late} or {at_us}
    assert stands == {account.posted_us(at_us, position)}
