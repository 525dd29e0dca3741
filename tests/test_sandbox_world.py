"""How the world moves: sending, waiting, recharging, holding, and being cut off."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from ledger.sandbox import Knobs, World, batches, moments
from ledger.sandbox.clock import Clock
from ledger.sandbox.models_sms import incoming, job, outgoing
from ledger.sandbox.moments import DAY, HOUR
from ledger.sandbox.records import Account
from ledger.sandbox.refusals import Refusal
from ledger.sandbox.sending import Draft, send
from ledger.sandbox.service import Service

NOW = moments.seconds("2026-11-20T10:00:00+01:00")
FIRST, SECOND = "sms-ab12345-1", "sms-ab12345-2"
ITALY, FRANCE = "+393471234567", "+33612345678"
CREDITS = 1000


class Sandbox:
    """A small world with plenty of credits and no recharge, and what a test does to it."""

    def __init__(self, **knobs: Any) -> None:
        self.world = World.from_scenario("small", 1, NOW, Knobs(**knobs))
        self.service = Service(self.world, Clock(NOW, frozen=True))
        self.do("set-recharge", account=FIRST)
        self.fill(FIRST, 1000)
        self.fill(SECOND, 1000)

    def do(self, action: str, **parameters: Any) -> dict[str, Any]:
        return self.service.do(action, **parameters)

    def fill(self, account: str, credits: int) -> None:
        one = self.world.accounts[account]
        self.world.change(one, "test", credits * CREDITS - one.milli)

    @property
    def first(self) -> Account:
        return self.world.accounts[FIRST]

    @property
    def second(self) -> Account:
        return self.world.accounts[SECOND]

    def left(self) -> Decimal:
        return Decimal(self.first.milli) / CREDITS


def test_a_message_is_debited_when_it_is_created_parts_times_rate() -> None:
    box = Sandbox()
    answer = box.do("send", account=FIRST, to=FRANCE, text="x" * 161)
    assert answer["totalCreditsRemoved"] == 2
    assert box.left() == 998


def test_a_wrong_number_is_reported_and_costs_nothing() -> None:
    box = Sandbox()
    answer = box.do("send", account=FIRST, to="12")
    assert answer["invalidReceivers"] == ["12"]
    assert box.left() == 1000


def test_nothing_is_sent_when_credits_are_short() -> None:
    box = Sandbox()
    box.fill(FIRST, 1)
    with pytest.raises(Refusal) as caught:
        box.do("send", account=FIRST, to=ITALY, count=2)
    assert caught.value.status == 403
    assert box.left() == 1


def test_a_deferred_message_waits_in_jobs_and_keeps_its_id_and_its_time() -> None:
    box = Sandbox()
    (id,) = box.do("send", account=FIRST, to=ITALY, deferred=120)["ids"]
    waiting = job(box.world, box.first.jobs[id])
    assert (waiting["differedDelivery"], waiting["sentAt"]) == (120, None)
    box.do("advance", by="3h")
    assert id not in box.first.jobs
    row = outgoing(box.world, box.first.outgoing[id])
    assert row["creationDatetime"] == "2026-11-20T10:00:00+01:00"
    assert row["sentAt"] == "2026-11-20T12:00:00+01:00"


def test_a_deleted_job_gives_its_credits_back_and_is_never_sent() -> None:
    box = Sandbox()
    box.do("send", account=FIRST, to=ITALY, deferred=120)
    rows = len(box.first.outgoing)
    assert box.left() == Decimal("999.3")
    assert box.do("cancel-job", account=FIRST)["creditsLeft"] == 1000
    box.do("advance", by="1d")
    assert len(box.first.outgoing) == rows


def test_a_message_may_wait_in_the_queue() -> None:
    box = Sandbox(queue_delay_s=20)
    (id,) = box.do("send", account=FIRST, to=ITALY)["ids"]
    assert id in box.first.jobs
    box.do("advance", seconds=20)
    assert id in box.first.outgoing


def test_receipts_go_from_creation_over_waiting_to_an_end() -> None:
    box = Sandbox()
    (id,) = box.do("send", account=FIRST, to=ITALY, receipt=1)["ids"]
    row = box.first.outgoing[id]
    seen = []
    for at in (NOW, NOW + 2, row.settled_at):
        box.world.advance_to(at)
        seen.append(outgoing(box.world, row)["deliveryReceipt"])
    assert seen[0] == 0
    assert seen[1] in (4, 8)
    assert seen[2] == 1


@pytest.mark.parametrize(
    ("knob", "left", "shown"),
    [("kept", "999.3", "0.7"), ("refunded", "1000", "0.7"), ("zeroed", "1000", "0")],
)
def test_what_is_not_billed_is_a_knob(knob: str, left: str, shown: str) -> None:
    box = Sandbox(receipt_16=knob)
    (id,) = box.do("send", account=FIRST, to=ITALY, receipt=16)["ids"]
    box.do("advance", by="3d")
    assert box.left() == Decimal(left)
    assert outgoing(box.world, box.first.outgoing[id])["credits"] == Decimal(shown)


def test_a_reply_costs_a_credit_and_may_be_answered_by_itself() -> None:
    box = Sandbox()
    box.first.auto_reply = "Grazie"
    rows = len(box.first.outgoing)
    box.do("reply", account=FIRST, sender=ITALY)
    assert box.left() == 1000 - 1 - Decimal("0.7")
    assert len(box.first.outgoing) == rows + 1


def test_a_reply_may_take_the_balance_below_zero() -> None:
    box = Sandbox()
    box.fill(FIRST, 0)
    box.do("reply", account=FIRST, sender=ITALY)
    assert box.left() == -1
    strict = Sandbox(reply_below_zero=False)
    strict.fill(FIRST, 0)
    assert strict.do("reply", account=FIRST)["ids"] == []


def test_a_lookup_costs_a_tenth_and_cleaning_a_tenth_for_each_contact() -> None:
    box = Sandbox()
    box.do("hlr", account=FIRST, count=3)
    assert box.left() == Decimal("999.7")
    box.do("clean", account=FIRST, contacts=50)
    assert box.left() == Decimal("994.7")


def test_a_quota_moves_credits_to_the_hold_and_its_user_spends_them() -> None:
    box = Sandbox()
    owned = box.second.owned_milli
    answer = box.do("set-quota", account=SECOND, user="webshop", credits=150)
    assert answer["creditsHoldByQuota"] == 150
    assert box.second.milli == owned - 150_000
    box.do("send", account=SECOND, user="webshop", to=ITALY)
    assert box.second.milli == owned - 150_000
    assert box.second.held_milli == 149_300


def test_a_quota_taken_away_goes_back_to_the_account() -> None:
    box = Sandbox()
    owned = box.second.owned_milli
    answer = box.do("set-quota", account=SECOND, user="webshop", off="true")
    assert answer["creditsHoldByQuota"] == 0
    assert box.second.milli == owned


def test_a_quota_beyond_the_credits_is_refused() -> None:
    with pytest.raises(Refusal):
        Sandbox().do("set-quota", account=SECOND, user="webshop", credits=5000)


@pytest.mark.parametrize("row", [False, True])
def test_an_alert_costs_the_account_and_is_a_row_or_not(row: bool) -> None:
    box = Sandbox(alert_row=row)
    box.do("set-quota", account=SECOND, user="webshop", credits=10)
    box.do("set-alert", account=SECOND, user="webshop", threshold=10, number=FRANCE)
    before, rows = box.second.milli, len(box.second.outgoing)
    box.do("send", account=SECOND, user="webshop", to=ITALY, count=2)
    assert before - box.second.milli == 1_000
    assert len(box.second.outgoing) - rows == 2 + row


# --- recharge


def recharged(box: Sandbox, left: Decimal | int, threshold: int = 50) -> bool:
    """Bring the balance to `left` by a debit, and tell whether a recharge starts."""
    box.do("set-recharge", account=FIRST, threshold=threshold, amount=100)
    debit = Decimal(box.first.milli) / CREDITS - left
    box.do("correction", account=FIRST, credits=-debit)
    return box.first.recharges_in_flight > 0


def test_a_recharge_brings_credits_an_order_and_a_bill_after_a_while() -> None:
    box = Sandbox()
    bills = len(box.world.bills)
    assert recharged(box, 49)
    assert box.left() == 49
    box.do("advance", seconds=120)
    assert box.left() == 149
    bill = list(box.world.bills.values())[-1]
    order = box.world.orders[bill.order]
    assert len(box.world.bills) == bills + 1
    assert (order.domain, order.automatic, order.quantity) == (FIRST, True, "100")
    assert (order.net, order.tax, order.gross) == (
        Decimal("6.00"), Decimal("1.32"), Decimal("7.32"),
    )  # fmt: skip


@pytest.mark.parametrize(("trigger", "starts"), [("<", False), ("<=", True)])
def test_the_threshold_itself_is_a_knob(trigger: str, starts: bool) -> None:
    assert recharged(Sandbox(recharge_trigger=trigger), 50) is starts


@pytest.mark.parametrize(("counts", "starts"), [(False, True), (True, False)])
def test_whether_the_hold_counts_is_a_knob(counts: bool, starts: bool) -> None:
    box = Sandbox(recharge_counts_hold=counts)
    box.do("set-recharge", account=SECOND, threshold=50, amount=100)
    box.do("set-quota", account=SECOND, user="webshop", credits=100)
    box.do("correction", account=SECOND, credits=-Decimal(box.second.milli) / CREDITS + 40)
    assert (box.second.recharges_in_flight > 0) is starts


def test_one_recharge_at_a_time_unless_the_knob_says_many() -> None:
    for in_flight, expected in (("one", 1), ("many", 2)):
        box = Sandbox(recharge_in_flight=in_flight)
        recharged(box, 49)
        box.do("send", account=FIRST, to=ITALY)
        assert box.first.recharges_in_flight == expected


def test_a_recharge_that_is_not_enough_is_repeated() -> None:
    box = Sandbox()
    recharged(box, 10, threshold=250)
    box.do("advance", by="1h")
    assert box.left() == 310
    once = Sandbox(recharge_repeats=False)
    recharged(once, 10, threshold=250)
    once.do("advance", by="1h")
    assert once.left() == 110


def test_without_a_delay_recharges_are_there_at_once() -> None:
    box = Sandbox(recharge_delay_s=0)
    recharged(box, 10, threshold=250)
    assert box.left() == 310


def test_a_failed_charge_leaves_an_unpaid_order_and_no_credits() -> None:
    box = Sandbox(recharge_fails=True)
    bills = len(box.world.bills)
    recharged(box, 10)
    box.do("advance", by="1h")
    assert box.left() == 10
    assert len(box.world.bills) == bills
    assert list(box.world.orders.values())[-1].status == "notPaid"


def test_no_recharge_without_sepa_for_smpp_or_a_new_service() -> None:
    box = Sandbox()
    for method in box.world.methods.values():
        method.status = "EXPIRED"
    assert not recharged(box, 10)
    smpp = Sandbox()
    smpp.first.smpp = True
    assert not recharged(smpp, 10)
    new = Sandbox()
    new.first.created_at = NOW - 50 * DAY
    assert not recharged(new, 10)


def test_a_bill_may_be_seen_later_than_its_credits() -> None:
    box = Sandbox(bill_delay_s=3600)
    box.do("purchase", account=FIRST, credits=100)
    assert box.left() == 1100
    bill = list(box.world.bills.values())[-1]
    assert bill.visible_at == NOW + HOUR


@pytest.mark.parametrize(
    ("knobs", "quantity", "unit", "text"),
    [
        ({}, "500", "0.058", "Pacchetto 500 crediti SMS"),
        ({"bill_quantity": "one"}, "1", "29.00", "Pacchetto 500 crediti SMS"),
        ({"bill_wording": "english"}, "500", "0.058", "SMS credits pack - 500 credits"),
        ({"bill_names_credits": False}, "500", "0.058", "Pacchetto crediti SMS"),
    ],
)
def test_how_a_bill_words_a_pack_is_a_knob(
    knobs: dict[str, Any], quantity: str, unit: str, text: str
) -> None:
    box = Sandbox(**knobs)
    order = box.world.orders[box.do("purchase", account=FIRST, credits=500)["order"]]
    assert (order.quantity, order.unit, order.description) == (quantity, Decimal(unit), text)
    assert order.net == Decimal("29.00")


def test_a_refund_pays_back_and_takes_the_credits() -> None:
    box = Sandbox()
    box.do("purchase", account=FIRST, credits=100)
    box.do("refund", account=FIRST)
    assert box.left() == 1000
    assert len(box.world.refunds) == 1


# --- transfers behind the back, gifts, deletions


def test_a_panel_transfer_leaves_a_line_in_the_log_and_no_amount() -> None:
    box = Sandbox()
    box.do("panel-transfer", source=FIRST, target=SECOND, credits="12.5")
    assert box.left() == Decimal("987.5")
    row = list(box.world.logs.values())[-1]
    assert (row.method, row.route) == ("POST", "/sms/{serviceName}/transferCredits")


def test_a_deleted_row_stays_spent() -> None:
    box = Sandbox()
    box.do("send", account=FIRST, to=ITALY)
    gone = box.do("delete-row", account=FIRST)
    assert gone["id"] not in box.first.outgoing
    assert box.left() == Decimal("999.3")


# --- batches and retention


def test_a_batch_is_debited_step_by_step_and_its_rows_name_it() -> None:
    box = Sandbox(batch_step_messages=2, batch_step_s=10)
    draft = Draft("ciao", sender="ROSSI")
    batch = batches.post(
        box.world, box.first, [ITALY, FRANCE, "bad", "+34612000000"], draft, name="n"
    )
    assert (batch.status, box.left()) == ("PENDING", 1000)
    box.do("advance", seconds=10)
    assert (batch.status, box.left()) == ("INSERTED", Decimal("998.3"))
    box.do("advance", seconds=10)
    assert (batch.status, batch.milli) == ("COMPLETED", batch.estimated_milli)
    rows = [row for row in box.first.outgoing.values() if row.batch == batch.id]
    assert sum(row.milli for row in rows) == batch.milli
    assert batch.invalid == ["bad"]


def test_a_batch_without_credits_fails_in_the_middle() -> None:
    box = Sandbox(batch_step_messages=1, batch_step_s=10)
    box.fill(FIRST, 1)
    draft = Draft("ciao", sender="ROSSI")
    batch = batches.post(box.world, box.first, [ITALY, FRANCE], draft, name="n")
    box.do("advance", by="1m")
    assert (batch.status, batch.done, box.left()) == ("FAILED", 1, Decimal("0.3"))


def test_history_is_cut_by_calendar_months() -> None:
    box = Sandbox()
    assert box.world.retained_from == moments.seconds("2026-05-20T10:00:00+01:00")
    assert Sandbox(retention_months=0).world.retained_from == 0
    august = moments.seconds("2026-08-31T12:00:00+00:00")
    assert moments.months_before(august, 6) == moments.seconds("2026-02-28T12:00:00+00:00")


@pytest.mark.parametrize(
    ("style", "shown"),
    [("plus", {"+393471234567"}), ("zeros", {"00393471234567"}),
     ("mixed", {"+393471234567", "00393471234567"})],
)  # fmt: skip
def test_how_numbers_are_printed_is_a_knob(style: str, shown: set[str]) -> None:
    box = Sandbox(receiver_format=style)
    ids = box.do("send", account=FIRST, to=ITALY, count=12)["ids"]
    found = {outgoing(box.world, box.first.outgoing[id])["receiver"] for id in ids}
    assert found == shown
    box.do("reply", account=FIRST, sender=ITALY)
    reply = list(box.first.incoming.values())[-1]
    assert incoming(box.world, reply)["sender"] in shown


def test_a_message_longer_than_six_parts_is_refused() -> None:
    box = Sandbox()
    with pytest.raises(Refusal, match="6 SMS"):
        send(box.world, box.first, [ITALY], Draft("x" * 919, sender=""))


def test_ids_grow_over_all_accounts_with_gaps() -> None:
    box = Sandbox()
    ids = [
        box.do("send", account=name, to=ITALY)["ids"][0]
        for name in (FIRST, SECOND, FIRST, SECOND)
    ]
    gaps = [later - earlier for earlier, later in pairwise(ids)]
    assert all(gap > 0 for gap in gaps)
    assert len(set(gaps)) > 1
