"""Lots as the domain knows them: their order, what is drawn, what it costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.lots import (
    Bought,
    Fifo,
    Left,
    LotId,
    Piece,
    Sent,
    Used,
    cost_of,
    in_order,
    opening_pieces,
    shared,
)


def piece(name, milli, *, bought=1, position=1, first=0, account="a"):
    return Piece(bought, position, LotId(account, name), first, milli)


def bought(at_us, *pieces, account="a", position=1):
    return Bought(at_us=at_us, position=position, account=account, pieces=pieces)


def used(at_us, milli, account="a"):
    return Used(at_us=at_us, account=account, milli=milli, day="2026-10-01")


def left(at_us, milli, account="a"):
    return Left(
        at_us=at_us, position=1, account=account, kind="refund", reference="r", milli=milli,
        day="2026-10-01",
    )  # fmt: skip


def sent(at_us, milli, source, target, position=1):
    return Sent(
        at_us=at_us, position=position, account=source, reference=f"t{position}", milli=milli,
        day="2026-10-01", target=target, counted=True,
    )  # fmt: skip


def drawn(*items):
    fifo = Fifo()
    fifo.run(items)
    return [
        (draw.account, [(part.piece.lot.name, part.piece.milli) for part in draw.parts])
        for draw in fifo.draws
    ]


# --- money ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "milli", "cents"), [(0, 99_400, 417), (99_400, 600, 3), (0, 100_000, 420)]
)
def test_a_pack_of_4_20(first, milli, cents):
    assert cost_of(420, 100_000, first, milli) == cents


@given(
    st.integers(0, 10**12),
    st.lists(st.integers(1, 10**9), min_size=1, max_size=30),
)
def test_stretches_that_make_up_a_lot_cost_its_invoice(cents, stretches):
    first, total = 0, 0
    for milli in stretches:
        total += cost_of(cents, sum(stretches), first, milli)
        first += milli
    assert total == cents


@pytest.mark.parametrize(
    ("cents", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),  # ties go to the first
        (100, [1, 2, 2], [20, 40, 40]),
        (5, [1, 1, 1, 1], [2, 1, 1, 1]),
        (10, [30, -10], [15, -5]),  # a correction gives some back
        (-10, [30, -10], [-15, 5]),
        (7, [-1, -1], [4, 3]),
        (7, [0, 3], [0, 7]),
        (7, [1, -1], [7, 0]),  # no sum: the first has it all
        (0, [1, 2], [0, 0]),
        (3, [], []),
    ],
)
def test_an_amount_is_shared_by_largest_remainder(cents, weights, parts):
    assert shared(cents, weights) == parts


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(-1000, 1000), min_size=1))
def test_shares_add_up_to_the_amount(cents, weights):
    parts = shared(cents, weights)
    assert sum(parts) == cents
    if sum(weights):
        exact = (cents * weight for weight in weights)
        assert all(
            abs(part * sum(weights) - whole) < abs(sum(weights))
            for part, whole in zip(parts, exact, strict=True)
        )


# --- the order ------------------------------------------------------------------------------


def test_the_order_of_lots_is_their_date_then_their_position_then_their_name():
    pieces = (
        piece("d", 1, bought=2, position=1),
        piece("c", 1, bought=1, position=2),
        piece("b", 1, bought=1, position=1),
        piece("a", 1, bought=1, position=2),
    )
    assert drawn(bought(5, *pieces), used(6, 4)) == [
        ("a", [("b", 1), ("a", 1), ("c", 1), ("d", 1)])
    ]


def test_at_one_instant_lots_come_in_before_messages_are_paid_and_credits_leave():
    items = [sent(5, 1, "a", "b"), used(5, 1), bought(5, piece("x", 2))]
    assert [type(item) for item in in_order(items)] == [Bought, Used, Sent]


def test_at_one_instant_the_sender_comes_first():
    items = [
        bought(1, piece("x", 2)),
        used(5, 1, account="b"),
        sent(5, 1, "b", "c", position=1),
        sent(5, 2, "a", "b", position=2),
        used(5, 1, account="c"),
    ]
    assert drawn(*items) == [
        ("a", [("x", 2)]),
        ("b", [("x", 1)]),
        ("b", [("x", 1)]),
        ("c", [("x", 1)]),
    ]


def test_a_circle_of_transfers_at_one_instant_comes_to_an_end():
    items = [sent(5, 1, "a", "b", position=1), sent(5, 1, "b", "a", position=2)]
    assert [account for account, _ in drawn(*items)] == ["a", "b"]


# --- openings -------------------------------------------------------------------------------

REST = piece("rest", 0, bought=0)
BILLS = [piece("old", 100, bought=1), piece("new", 100, bought=2)]


@pytest.mark.parametrize(
    ("milli", "pieces", "uncovered"),
    [
        (0, [], 0),
        (-5, [], 0),
        (60, [("new", 40, 60)], 0),
        (150, [("old", 50, 50), ("new", 0, 100)], 0),
        (230, [("rest", 0, 30), ("old", 0, 100), ("new", 0, 100)], 30),
    ],
)
def test_an_opening_is_the_last_credits_of_the_latest_bills(milli, pieces, uncovered):
    found, missing = opening_pieces(BILLS, milli, REST)
    assert [(one.lot.name, one.first, one.milli) for one in found] == pieces
    assert missing == uncovered


# --- what is given back ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "lots", [[piece("x", 2)], [piece("x", 1), piece("y", 1, bought=2)]], ids=["one", "two"]
)
def test_what_is_given_back_covers_what_is_owed_with_its_oldest_credits(lots):
    items = [used(5, 2), left(5, 1), bought(6, *lots), used(7, -2)]
    fifo = Fifo()
    fifo.run(items)
    _, refund, _ = fifo.draws
    (part,) = refund.parts
    assert (part.piece.lot.name, part.piece.first, part.piece.milli) == ("x", 0, 1)
    assert [(one.lot.name, one.first + one.milli) for one in fifo.left("a")] == [
        (lots[-1].lot.name, lots[-1].milli)
    ]
