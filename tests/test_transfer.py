"""Decisions about transfers: what is refused before any call, and how each one may end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.account import Account
from ledger.credits import ZERO, Credits
from ledger.errors import UnknownAccount
from ledger.events import (
    BalanceAfter,
    BalanceBefore,
    FromOperator,
    Reading,
    Stamp,
    TransferConfirmed,
    TransferEvidence,
    TransferReceived,
    TransferSent,
    TransferSettledLate,
    TransferUnknown,
    TransferVoided,
)
from ledger.transfer import (
    Impossible,
    InDoubt,
    TooMuch,
    Transfers,
    UnknownTransfer,
    confirm,
    doubt,
    evolve,
    legs,
    may_be_reopened,
    request,
    void,
)
from ledger.transfer_states import Transfer

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(minutes=6)
STAMP = Stamp(recorded_at=AT, actor="anna", command_id="c-1", source=FromOperator())
ONE, TWO, THREE = "sms-ab12345-1", "sms-ab12345-2", "sms-ab12345-3"


def account(name: str, **fields) -> Account:
    return Account(name, **({"customer": "ab12345-ovh"} | fields))


def before(left: str = "100", held: str = "0") -> BalanceBefore:
    owned = Credits.parse(left, signed=True) + Credits.parse(held)
    return BalanceBefore(
        reading=Reading(AT, left, held),
        owned=owned,
        quiet=True,
        version=3,
        consumption_version=1,
        in_flight_ids=(),
    )


def intend(state, transfer="t-1", source=None, target=None, *, credits="40", left=None):
    """Request a transfer, and record it."""
    events = request(
        state,
        source or account(ONE),
        target or account(TWO),
        Credits.parse(credits, signed=True),
        transfer=transfer,
        source_before=left or before(),
        target_before=before("5"),
        stamp=STAMP,
        at=AT,
    )
    return take(state, events)


def take(state: Transfers, events) -> Transfers:
    for event in events:
        evolve(state, event)
    return state


def requested(**how) -> tuple[Transfers, Transfer]:
    state = intend(Transfers("ab12345-ovh"), **how)
    return state, state.get("t-1")


def shown(source: int, target: int) -> TransferEvidence:
    return TransferEvidence(*(
        BalanceAfter(
            reading=Reading(LATER, "1", "0"),
            owned=Credits(1000),
            recorded=ZERO,
            in_flight=ZERO,
            unexplained=Credits(milli),
            assumed=ZERO,
            assumption=None,
        )
        for milli in (source, target)
    ))  # fmt: skip


NOTHING, MOVED, ODD = shown(0, 0), shown(-40_000, 40_000), shown(-40_000, 39_999)


# --- what is refused -------------------------------------------------------------------------


def test_a_request_keeps_both_balances_as_they_were_just_before():
    _, one = requested()
    assert (one.status, one.requested_at, one.credits) == ("requested", AT, Credits(40_000))
    assert (one.source_before, one.target_before) == (before(), before("5"))


def test_the_same_request_is_recorded_once():
    state, _ = requested()
    version = state.version
    assert intend(state).version == version


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"target": account(ONE)}, Impossible, "as source and target"),
        ({"target": account(TWO, customer="cd67890-ovh")}, Impossible, "crosses customers"),
        ({"target": account(TWO, customer=None)}, UnknownAccount, TWO),
        ({"source": account(ONE, customer=None)}, UnknownAccount, ONE),
        ({"credits": "0"}, Impossible, "more than 0"),
        ({"credits": "-1"}, Impossible, "more than 0"),
        ({"source": account(ONE, closed_at=AT)}, Impossible, "closed on 2026-11-02"),
        ({"target": account(TWO, closed_at=AT)}, Impossible, "closed on 2026-11-02"),
        ({"credits": "100.001"}, TooMuch, "it has 100;"),
        ({"left": before("30", "70")}, TooMuch, "70 more that quotas hold"),
        ({"left": before("-2")}, TooMuch, "it has -2;"),
    ],
)
def test_what_cannot_be_transferred_is_refused_and_nothing_recorded(how, error, words):
    state = Transfers("ab12345-ovh")
    with pytest.raises(error, match=words):
        intend(state, **how)
    assert state.version == 0


def test_all_that_is_left_may_be_transferred():
    state = intend(Transfers("ab12345-ovh"), credits="100")
    assert state.get("t-1").credits == Credits(100_000)


@pytest.mark.parametrize(
    ("source", "target"), [(ONE, TWO), (TWO, ONE), (ONE, THREE), (THREE, TWO), (TWO, THREE)]
)
def test_an_account_has_at_most_one_transfer_in_doubt(source, target):
    state, _ = requested()
    with pytest.raises(InDoubt, match="transfer resolve t-1"):
        intend(state, "t-2", account(source), account(target))


def test_other_accounts_are_free_meanwhile():
    state, _ = requested()
    intend(state, "t-2", account(THREE), account("sms-ab12345-4"))
    assert [one.id for one in state.in_doubt()] == ["t-1", "t-2"]


@pytest.mark.parametrize("end", [confirm, void])
def test_a_settled_transfer_blocks_nobody(end):
    state, one = requested()
    take(state, end(one, "answer", stamp=STAMP, at=AT))
    intend(state, "t-2")
    assert [two.id for two in state.in_doubt()] == ["t-2"]


# --- how it ends -----------------------------------------------------------------------------


def test_a_confirmed_transfer_has_two_legs_at_the_time_of_its_call():
    state, one = requested()
    (confirmed,) = confirm(one, "answer", stamp=STAMP, at=LATER)
    assert isinstance(confirmed, TransferConfirmed)
    take(state, [confirmed])
    sent, received = legs(state.get("t-1"), stamp=STAMP)
    assert sent == TransferSent(
        **STAMP.at(AT), transfer="t-1", counter_account=TWO, credits=Credits(40_000)
    )
    assert received == TransferReceived(
        **STAMP.at(AT), transfer="t-1", counter_account=ONE, credits=Credits(40_000)
    )


def test_a_transfer_is_confirmed_and_voided_once():
    state, one = requested()
    take(state, confirm(one, "answer", stamp=STAMP, at=AT))
    assert confirm(state.get("t-1"), "balances", stamp=STAMP, at=AT) == ()
    state, one = requested()
    take(state, void(one, "answer", answer="no", stamp=STAMP, at=AT))
    assert void(state.get("t-1"), "balances", stamp=STAMP, at=AT) == ()


def test_a_refused_transfer_keeps_the_answer():
    state, one = requested()
    (voided,) = void(one, "answer", answer="OVH answered 403", stamp=STAMP, at=AT)
    assert isinstance(voided, TransferVoided)
    take(state, [voided])
    assert (state.get("t-1").status, state.get("t-1").answer) == ("voided", "OVH answered 403")


def test_what_was_sent_cannot_be_voided():
    state, one = requested()
    take(state, confirm(one, "answer", stamp=STAMP, at=AT))
    with pytest.raises(Impossible, match="is in the books"):
        void(state.get("t-1"), "operator", stamp=STAMP, at=AT)


def test_a_doubt_is_recorded_again_only_where_balances_show_something_new():
    state, one = requested()
    (first,) = doubt(one, answer="timed out", stamp=STAMP, at=AT)
    assert isinstance(first, TransferUnknown)
    take(state, [first])
    assert doubt(state.get("t-1"), answer="again", stamp=STAMP, at=AT) == ()
    (second,) = doubt(state.get("t-1"), evidence=ODD, stamp=STAMP, at=LATER)
    assert second.answer == "timed out"
    take(state, [second])
    assert doubt(state.get("t-1"), evidence=ODD, stamp=STAMP, at=LATER) == ()


@pytest.mark.parametrize("end", [confirm, void])
def test_what_is_settled_is_not_doubted_again(end):
    state, one = requested()
    take(state, end(one, "answer", stamp=STAMP, at=AT))
    assert doubt(state.get("t-1"), evidence=ODD, stamp=STAMP, at=LATER) == ()


def test_a_void_transfer_that_took_effect_after_all_is_settled_late():
    state, one = requested()
    take(state, void(one, "balances", evidence=NOTHING, stamp=STAMP, at=LATER))
    assert may_be_reopened(state.get("t-1"))
    (late,) = confirm(state.get("t-1"), "balances", evidence=MOVED, stamp=STAMP, at=LATER)
    assert isinstance(late, TransferSettledLate)
    take(state, [late])
    assert state.get("t-1").status == "sent"


def test_what_ovh_refused_or_a_person_decided_blindly_is_not_reopened_by_balances():
    state, one = requested()
    assert not may_be_reopened(one)
    take(state, void(one, "answer", answer="no", stamp=STAMP, at=AT))
    assert not may_be_reopened(state.get("t-1"))
    assert not may_be_reopened(replace(one, status="voided", by="operator"))


def test_an_unknown_id_is_named():
    with pytest.raises(UnknownTransfer, match="'t-9'; see `sms-ledger transfer list`"):
        Transfers("ab12345-ovh").get("t-9")
