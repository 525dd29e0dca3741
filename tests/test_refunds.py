"""Refunds of OVH: money came back for a bill; whether credits left, a person knows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from rigs import Rig, events_of, rig

from ledger.account import Account, evolve, see_refund
from ledger.canonical import decode
from ledger.events import CreditsPurchased, RefundSeen
from ledger.money import Money
from ledger.sandbox import billing

FIRST = "sms-ab12345-1"
HEADER = "customer,account,kind,id,happened_at,credits,net,vat,currency,bill\n"


def some_time_after_the_first_look(made: Rig) -> Rig:
    """On a slow machine it takes seconds, while the sandbox's clock stands still."""
    made.sync()
    made.ovh.do("advance", by="15m")
    return made


@pytest.fixture
def small(store, tmp_path: Path):
    with rig(tmp_path, store=store) as made:
        yield some_time_after_the_first_look(made)


@pytest.fixture
def file(sqlite, tmp_path: Path):
    with rig(tmp_path, store=sqlite) as made:
        yield some_time_after_the_first_look(made)


def refunds(made: Rig) -> list[tuple[str, RefundSeen]]:
    return [(s, e) for s, e in events_of(made.database) if isinstance(e, RefundSeen)]


def recon(made: Rig) -> dict:
    ran = made.sl("recon", "run", FIRST, "-O", "json")
    assert ran.status == 0, ran
    (row,) = ran.rows
    return row


def explained(made: Rig) -> list[tuple[str, str, str]]:
    lines = recon(made)["lines"]
    return [(one["kind"], one["credits"], one["reference"]) for one in lines]


def a_day_later(made: Rig) -> None:
    made.ovh.do("advance", by="1h")
    made.sync()


def test_a_refund_whose_credits_left_is_an_explained_line_until_it_is_recorded(small, tmp_path):
    """The link by `domain`: a line of a refund is of one account, and of one bill."""
    small.ovh.do("panel-purchase", account=FIRST, credits=250)
    small.ovh.do("advance", by="1h")
    given = small.ovh.do("refund", account=FIRST)
    a_day_later(small)
    ((account, event),) = refunds(small)
    bought = [e for _, e in events_of(small.database) if isinstance(e, CreditsPurchased)]
    assert (account, event.bill_id, event.refund_id) == (FIRST, given["bill"], given["refund"])
    assert event.bill_id in {one.bill_id for one in bought}
    (bill,) = [one for one in bought if one.bill_id == event.bill_id]
    assert (event.total_price, event.refund_gross) == (bill.total_price, bill.bill_gross)
    assert (str(event.credits), event.read_by, event.order_id) == (
        "250",
        "quantity",
        bill.order_id,
    )
    assert recon(small)["status"] == "explained"
    assert explained(small) == [("refund", "-250", event.refund_id)]
    assert small.balances()[FIRST] - small.owned()[FIRST] == 250, "nothing moved in silence"

    book = tmp_path / "refund.csv"
    net, tax = str(event.refund_net).split()[0], str(event.refund_tax).split()[0]
    book.write_text(
        f"{HEADER}ab12345-ovh,{FIRST},refund,{event.refund_id},{event.happened_at.isoformat()},"
        f"250,{net},{tax},EUR,{event.bill_id}\n"
    )
    assert small.sl("import", str(book)).status == 0
    assert (recon(small)["status"], recon(small)["lines"]) == ("reconciled", [])
    small.sync()
    assert len(refunds(small)) == 1
    assert small.sl("check", "--full").status == 0


def test_a_refund_that_left_the_credits_where_they_are_explains_nothing(file):
    file.ovh.do("panel-purchase", account=FIRST, credits=250)
    file.ovh.do("advance", by="1h")
    file.ovh.do("refund", account=FIRST, credits=0)
    a_day_later(file)
    assert recon(file)["status"] == "reconciled"
    assert [one[:2] for one in explained(file)] == [("refund", "0")]


def test_a_refund_never_hides_another_loss(file):
    """All credits of a line may have left, or none: a part of them is no refund."""
    file.ovh.do("panel-purchase", account=FIRST, credits=250)
    file.ovh.do("advance", by="1h")
    file.ovh.do("refund", account=FIRST, credits=0)
    file.ovh.do("correction", account=FIRST, credits=Decimal(-7))
    a_day_later(file)
    (row,) = file.sl("recon", "run", FIRST, "-O", "json").rows
    assert (row["status"], row["residual"]) == ("unexplained", "-7")


def test_what_the_opening_held_already_is_not_explained_again(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        made.ovh.do("refund", account=FIRST)
        made.ovh.do("advance", by="1h")
        made.sync()
        assert len(refunds(made)) == 1
        assert recon(made)["lines"] == []


def test_a_refund_is_read_once_whatever_it_is_about(file):
    """Requests are the cost that counts: two to see that it is not about SMS, then none."""
    world = file.ovh.world
    other = next(b for b in world.bills.values() if not world.orders[b.order].credits)
    billing.refund(world, other, 0)
    file.ovh.do("refund", account=FIRST, credits=0)
    file.sync()
    file.ovh.requests.clear()
    file.sync()
    asked = {route: n for route, n in file.ovh.requests.counts.items() if "refund" in route}
    assert asked == {"GET /me/refund": 1}
    assert len(refunds(file)) == 1


def test_without_the_right_refunds_are_a_note_and_no_failure(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        made.ovh.do("refund", account=FIRST)
        made.ovh.do("advance", by="1h")
        made.ovh.do("fault", match="GET /me/refund*", kind="iam", times=9)
        ran = made.sl("sync")
        assert ran.status == 0
        told = "note: refunds not read: the key lacks the rule `GET /me/refund`"
        assert ran.err.count(told) == 1
        assert refunds(made) == []


SAMPLE = Path(__file__).parent / "data" / "topics" / f"{RefundSeen.TOPIC}.state"


def test_one_line_with_other_money_is_put_before_a_person_once():
    event = decode(RefundSeen.TOPIC, SAMPLE.read_bytes())
    assert isinstance(event, RefundSeen)
    account = Account(FIRST)
    assert see_refund(account, event) == (event,)
    evolve(account, event)
    assert see_refund(account, event) == ()
    other = replace(event, total_price=Money.parse("24.00", "EUR"))
    (opened,) = see_refund(account, other)
    assert (opened.kind, opened.reference) == ("purchase-conflict", event.refund_detail_id)
    assert "is recorded with 25.00 EUR of 2026-09-14" in opened.text
    assert "found 24.00 EUR" in opened.text
    evolve(account, opened)
    assert see_refund(account, other) == ()


def test_a_refund_whose_words_tell_no_credits_is_shown_and_explains_nothing(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite, bill_quantity="one", bill_names_credits=False) as made:
        made.sync()
        made.ovh.do("advance", by="1h")
        made.ovh.do("refund", account=FIRST, credits=0)
        a_day_later(made)
        lines = made.sl("recon", "run", FIRST, "-O", "json").rows[0]["lines"]
        (line,) = [one for one in lines if one["kind"] == "refund"]
        assert line["credits"] == "0"
        assert "back for credits, how many is not told, of bill IT" in line["text"]
