"""Which lines are new: equal to a plain comparison, however they are cut and dealt out."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import dataclass, field
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.files import chunks, settling
from ledger.files.chunks import CORRECTED, OWN_PAGE, PAGE, USER, Group, Sorter
from ledger.files.line_spool import Index, LineSpool
from ledger.files.settling import settle

GROUP = Group(0, "consumption", texts=False)
TEXTS = Group(0, "consumption", texts=True)


def line(id, number, milli=1000, parts=1, user=None):
    return (id, number, 10**15 + 1000, milli, parts, "IT", "news", user, None)


@dataclass
class Plain:
    """The same, in the plainest way there is."""

    new: list = field(default_factory=list)
    unattributed: list = field(default_factory=list)
    own: int = 0
    contradiction: tuple | None = None
    disagreement: tuple | None = None


def plainly(rows) -> Plain:
    result = Plain()
    first = {}
    for row in sorted((row for row in rows if row[1] > 0), key=lambda row: row[1]):
        before = first.setdefault(row[0], row)
        if (
            before is not row
            and result.contradiction is None
            and not agree(before, row, {before[3]})
        ):
            result.contradiction = (row, before)
    for row in first.values():
        pages = [one for one in rows if one[0] == row[0] and one[1] in {PAGE, OWN_PAGE}]
        if not pages:
            result.new.append(row)
            continue
        corrections = [one for one in rows if one[:2] == (row[0], CORRECTED)]
        said = (
            {pages[0][3], max(corrections, key=lambda one: one[2])[3]}
            if corrections
            else {pages[0][3]}
        )
        result.own += pages[0][1] == OWN_PAGE
        if not agree(pages[0], row, said) and (
            result.disagreement is None or row[1] < result.disagreement[0][1]
        ):
            result.disagreement = (row, pages[0])
        if row[7] is not None and not any(one[:2] == (row[0], USER) for one in rows):
            result.unattributed.append(row)
    return result


def agree(one, row, said):
    parts = None in {one[4], row[4]} or one[4] == row[4]
    return one[2] == row[2] and row[3] in said and parts


@st.composite
def found(draw):
    """Give the lines of a file, and what the ledger knows of some of them."""
    ids = st.integers(1, draw(st.sampled_from([5, 60, 10_000])))
    drawn = draw(
        st.lists(
            st.tuples(
                ids,
                st.sampled_from(
                    list(product([1000, 1000, 1000, 500], [1, 1, None], [None, "api"]))
                ),
            ),
            max_size=60,
        )
    )
    rows = [
        line(id, n, milli, parts, user) for n, (id, (milli, parts, user)) in enumerate(drawn, 2)
    ]
    for id in draw(st.lists(ids, unique=True, max_size=25)):
        rows.append(
            (
                id,
                draw(st.sampled_from([PAGE, OWN_PAGE])),
                10**15 + 1000,
                1000,
                draw(st.sampled_from([1, None])),
                None,
                None,
                None,
                None,
            )
        )
        rows += [
            (
                id,
                CORRECTED,
                version,
                draw(st.sampled_from([500, 700])),
                None,
                None,
                None,
                None,
                None,
            )
            for version in range(draw(st.integers(0, 2)))
        ]
        rows += [(id, USER, 9, 0, None, None, None, None, None)] * draw(st.integers(0, 1))
    return rows


@settings(max_examples=300, deadline=None)
@given(
    rows=found(),
    texts=st.booleans(),
    segment=st.sampled_from([3, 17, 1000]),
    at_once=st.sampled_from([1, 10, 1000]),
    chance=st.randoms(use_true_random=False),
)
def test_what_is_new_equals_a_plain_comparison(rows, texts, segment, at_once, chance) -> None:
    if texts:
        rows = [(f"{row[0]:06d}", *row[1:]) for row in rows]
    expected = plainly(rows)
    with pytest.MonkeyPatch.context() as patch, closing(LineSpool()) as spool:
        patch.setattr(chunks, "ROWS_PER_CHUNK", 4)
        patch.setattr(settling, "AT_ONCE", at_once)
        patch.setattr(settling, "_RANGE", 6)
        patch.setattr(settling, "_SAMPLED", 2)
        group = TEXTS if texts else GROUP
        spilled(spool, group, rows, segment, chance)
        settled = settle(spool, group)
        new = [row for stored in settled.new for row in spool.rows(stored)]
        users = [row for stored in settled.unattributed for row in spool.rows(stored)]
    assert new == sorted(expected.new)
    assert users == sorted(expected.unattributed)
    assert settled.count == len(new)
    assert settled.own == expected.own
    assert settled.contradiction == expected.contradiction
    assert settled.disagreement == expected.disagreement


def spilled(spool, group, rows, segment: int, chance: random.Random) -> None:
    """Fill a spool as segments do: each sorted, and in the order of the file."""
    for start in range(0, len(rows), segment):
        sorter = Sorter()
        sorter.into(group).extend(
            chance.sample(part := rows[start : start + segment], len(part))
        )
        for of, chunk in sorter.take():
            spool.add(of, [chunk])
    spool.groups.setdefault(group, Index())


def test_chunks_that_lie_apart_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of a file written in the order of time is settled by its bounds alone."""
    with closing(LineSpool()) as spool:
        for start in range(0, 5000, 1000):
            spool.add(
                GROUP,
                chunks.chunks([line(id, id + 1) for id in range(start + 1, start + 1001)]),
            )
        stored = list(spool.groups[GROUP])
        monkeypatch.setattr(LineSpool, "rows", None)
        assert list(settle(spool, GROUP).new) == stored
