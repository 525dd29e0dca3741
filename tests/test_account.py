"""Decisions about an account: facts are recorded once, intentions may be refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger.account import (
    Account,
    AlreadyClosed,
    CreditsLeft,
    KeyConflict,
    attribute_purchase,
    close_account,
    evolve,
    open_account,
    open_balance,
    open_break,
    record_once,
    restate_opening,
    see_recharge_settings,
)
from ledger.credits import ZERO, Credits
from ledger.errors import Refused
from ledger.events import (
    AccountClosed,
    BalanceOpened,
    BreakOpened,
    CreditsAdjusted,
    FromOperator,
    OpeningRestated,
    Stamp,
    TransferSent,
)

T0 = datetime(2026, 10, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
STAMP = Stamp(recorded_at=T0 + HOUR, actor="tester", command_id="c-1", source=FromOperator())


def opened(credits=100_000) -> Account:
    account = Account("sms-one-1")
    apply(account, open_account(account, "one", created_on=None, stamp=STAMP, at=T0))
    new = open_balance(account, Credits(credits), basis="stated", stamp=STAMP, at=T0)
    return apply(account, new)


def apply(account: Account, events) -> Account:
    for event in events:
        evolve(account, event)
    return account


def gift(credits=5, at=T0 + HOUR) -> CreditsAdjusted:
    return CreditsAdjusted(
        **STAMP.at(at), adjustment_id="g-1", kind="gift", credits=Credits(credits)
    )


def test_an_account_is_opened_once():
    account = opened()
    assert open_account(account, "one", created_on=None, stamp=STAMP, at=T0) == ()


def test_an_account_never_changes_its_customer():
    with pytest.raises(Refused, match="nothing crosses customers"):
        open_account(opened(), "two", created_on=None, stamp=STAMP, at=T0)


def test_a_balance_is_opened_once():
    assert open_balance(opened(), Credits(7), basis="stated", stamp=STAMP, at=T0) == ()


def test_a_movement_is_recorded_once():
    account = opened()
    assert record_once(account, gift()) == (gift(),)
    apply(account, [gift()])
    assert record_once(account, gift()) == ()


@pytest.mark.parametrize("other", [gift(credits=6), gift(at=T0)])
def test_the_same_key_with_another_payload_is_a_conflict(other):
    account = apply(opened(), [gift()])
    with pytest.raises(
        KeyConflict, match=r"gift g-1 is recorded with 0\.005 credits"
    ) as conflict:
        record_once(account, other)
    assert conflict.value.found == (other.happened_at, other.credits)


def test_keys_of_different_kinds_do_not_meet():
    account = apply(opened(), [gift()])
    sent = TransferSent(**STAMP.at(T0), transfer="g-1", counter_account="b", credits=Credits(5))
    assert record_once(account, sent) == (sent,)


def test_a_deciding_leaves_the_state_as_it_was():
    account = opened()
    before = (account.version, dict(account.known), account.closed_at)
    record_once(account, gift())
    close_account(account, ZERO, write_off=False, stamp=STAMP, at=T0)
    assert (account.version, account.known, account.closed_at) == before


def test_t0_moves_back_and_agreement_opens_no_break():
    """120 a day earlier, 20 spent until T0: the 100 that were opened are confirmed."""
    (restated,) = restate_opening(
        opened(),
        Credits(120_000),
        moved=Credits(-20_000),
        basis="stated",
        stamp=STAMP,
        at=T0 - HOUR,
    )
    assert isinstance(restated, OpeningRestated)
    assert (restated.previous, restated.previous_at) == (Credits(100_000), T0)
    assert restated.difference == ZERO


def test_a_difference_of_a_restated_opening_becomes_a_break():
    restated, opened_break = restate_opening(
        opened(),
        Credits(125_000),
        moved=Credits(-20_000),
        basis="stated",
        stamp=STAMP,
        at=T0 - HOUR,
    )
    assert restated.difference == Credits(5_000)
    assert isinstance(opened_break, BreakOpened)
    assert (opened_break.kind, opened_break.credits) == ("opening-difference", Credits(5_000))


@pytest.mark.parametrize("at", [T0, T0 + HOUR])
def test_t0_never_moves_forward(at):
    new = restate_opening(
        opened(), Credits(100_000), moved=ZERO, basis="stated", stamp=STAMP, at=at
    )
    assert new == ()


def test_nothing_is_restated_before_something_was_opened():
    account = Account("sms-one-1")
    new = restate_opening(account, Credits(1), moved=ZERO, basis="stated", stamp=STAMP, at=T0)
    assert new == ()


def test_a_restated_opening_can_be_restated_again():
    account = opened()
    apply(
        account,
        restate_opening(
            account, Credits(9), moved=ZERO, basis="stated", stamp=STAMP, at=T0 - HOUR
        ),
    )
    first, *_ = restate_opening(
        account, Credits(8), moved=Credits(1), basis="stated", stamp=STAMP, at=T0 - 2 * HOUR
    )
    assert (first.previous, first.previous_at) == (Credits(9), T0 - HOUR)


def test_a_purchase_is_attributed_once():
    account = opened()
    new = attribute_purchase(account, "b-1", "automatic", evidence="o", stamp=STAMP, at=T0)
    apply(account, new)
    assert not attribute_purchase(account, "b-1", "ordered", evidence="o", stamp=STAMP, at=T0)


def test_recharge_settings_are_recorded_when_they_change():
    account = opened()
    new = see_recharge_settings(account, Credits(50), 100, stamp=STAMP, at=T0)
    apply(account, new)
    assert len(new) == 1
    assert see_recharge_settings(account, Credits(50), 100, stamp=STAMP, at=T0) == ()
    assert len(see_recharge_settings(account, Credits(50), None, stamp=STAMP, at=T0)) == 1


def test_a_break_is_opened_once_for_each_reference():
    account = opened()

    def wanted(reference):
        return open_break(
            account, "too-fine", reference, credits=None, text="t", stamp=STAMP, at=T0
        )

    apply(account, wanted("row-1"))
    assert wanted("row-1") == ()
    assert len(wanted("row-2")) == 1


# --- closing -------------------------------------------------------------------------------


def test_an_empty_account_is_closed():
    (closed,) = close_account(opened(0), ZERO, write_off=False, stamp=STAMP, at=T0)
    assert closed == AccountClosed(**STAMP.at(T0), written_off=ZERO)


@pytest.mark.parametrize("left", [Credits(5), Credits(-5)])
def test_an_account_with_credits_is_not_closed_unless_they_are_written_off(left):
    with pytest.raises(CreditsLeft, match="--write-off"):
        close_account(opened(), left, write_off=False, stamp=STAMP, at=T0)


@pytest.mark.parametrize("left", [Credits(5), Credits(-5)])
def test_a_write_off_takes_the_balance_to_nothing_before_the_close(left):
    adjusted, closed = close_account(opened(), left, write_off=True, stamp=STAMP, at=T0)
    assert (adjusted.kind, adjusted.credits) == ("write-off", -left)
    assert closed.written_off == left


def test_an_account_is_closed_once():
    account = opened(0)
    apply(account, close_account(account, ZERO, write_off=False, stamp=STAMP, at=T0))
    with pytest.raises(AlreadyClosed, match="was closed on 2026-10-01"):
        close_account(account, ZERO, write_off=False, stamp=STAMP, at=T0 + HOUR)


def test_evolving_never_judges():
    """A fact is applied even where a decision of today would refuse it."""
    account = opened()
    again = BalanceOpened(**STAMP.at(T0), credits=Credits(1), basis="stated", derivation=None)
    closed = AccountClosed(**STAMP.at(T0), written_off=ZERO)
    apply(account, [closed, closed, again])
    assert account.opening.credits == Credits(1)
    assert account.version == 5
