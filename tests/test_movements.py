"""What each event does to an account's credits, in one place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledger.credits import Credits
from ledger.events import (
    EVENTS,
    AccountClosed,
    AccountOpened,
    BalanceOpened,
    BreakOpened,
    CreditsAdjusted,
    CreditsPurchased,
    CreditsRefunded,
    FromOperator,
    LineCorrected,
    PurchaseAttributed,
    RechargeSettingsSeen,
    Stamp,
    TransferReceived,
    TransferSent,
)
from ledger.movements import movements
from ledger.pages import Line, record_pages
from ledger.times import to_us

AT = datetime(2026, 10, 2, 9, tzinfo=UTC)
STAMP = Stamp(recorded_at=AT, actor="tester", command_id="c-1", source=FromOperator())
WHEN = STAMP.at(AT)

PURCHASED = CreditsPurchased(
    **WHEN,
    bill_detail_id="line-1",
    bill_id="bill-1",
    order_id=None,
    description=None,
    quantity="100",
    unit_price=None,
    total_price=None,
    tax=None,
    bill_net=None,
    bill_tax=None,
    bill_gross=None,
    credits=Credits(100_000),
    gift_credits=Credits(5_000),
    read_by="quantity",
)


@pytest.mark.parametrize(
    ("event", "kind", "milli", "reference"),
    [
        (PURCHASED, "purchase", 105_000, "line-1"),
        (
            CreditsRefunded(
                **WHEN, refund_id="r-1", bill_id=None, credits=Credits(7), net=None, tax=None
            ),
            "refund",
            -7,
            "r-1",
        ),
        (
            CreditsAdjusted(**WHEN, adjustment_id="a-1", kind="gift", credits=Credits(9)),
            "gift",
            9,
            "a-1",
        ),
        (
            CreditsAdjusted(**WHEN, adjustment_id="a-2", kind="write-off", credits=Credits(-9)),
            "write-off",
            -9,
            "a-2",
        ),
        (
            TransferSent(**WHEN, transfer="t-1", counter_account="b", credits=Credits(3)),
            "transfer-out",
            -3,
            "t-1",
        ),
        (
            TransferReceived(**WHEN, transfer="t-1", counter_account="a", credits=Credits(3)),
            "transfer-in",
            3,
            "t-1",
        ),
        (
            LineCorrected(
                **WHEN,
                target_version=1,
                kind="consumption",
                line_id=17,
                previous=Credits(1_400),
                credits=Credits(700),
            ),
            "correction",
            700,
            "consumption 17",
        ),
    ],
)
def test_an_event_moves_credits_in_or_out(event, kind, milli, reference):
    (movement,) = movements(event)
    assert (movement.kind, movement.milli, movement.reference) == (kind, milli, reference)
    assert movement.at_us == to_us(AT)


def test_a_page_is_one_movement_out_for_each_line():
    lines = [Line(id=n, at_us=to_us(AT) + n, milli=n * 100, parts=1) for n in (1, 2, 3)]
    (page,) = record_pages("reply", lines, numbers="none", stamp=STAMP)
    assert [(m.at_us, m.kind, m.milli, m.reference) for m in movements(page)] == [
        (to_us(AT) + n, "reply", -n * 100, str(n)) for n in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    "event",
    [
        AccountOpened(**WHEN, customer="c", account="a", created_on=None),
        AccountClosed(**WHEN, written_off=Credits(5)),
        BalanceOpened(**WHEN, credits=Credits(5), basis="stated", derivation=None),
        PurchaseAttributed(**WHEN, bill_detail_id="b", origin="automatic", evidence="order"),
        RechargeSettingsSeen(**WHEN, threshold=Credits(5), amount=100),
        BreakOpened(**WHEN, kind="too-fine", reference="x", credits=Credits(5), text="t"),
    ],
)
def test_what_is_only_known_moves_nothing(event):
    assert list(movements(event)) == []


def test_every_event_of_the_union_is_thought_about():
    """mypy proves it by `assert_never`; this, that no event goes by another's name."""
    assert len({event.TOPIC for event in EVENTS}) == len(EVENTS)
    assert all(event.TOPIC.startswith("sms.") for event in EVENTS)
