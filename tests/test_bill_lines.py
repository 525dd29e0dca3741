"""Purchases that were booked before their bill was read: it brings its money, no credits."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rigs import rig

from ledger.database import connect
from ledger.ovh.gateway import Bill, BillDetail, Price, Received
from ledger.service import Ledger, Work
from ledger.sync.bills import BillLine, purchase
from projections.prices import billed as billed_price

ACCOUNT = "sms-ab12345-1"
BILLED_AT = datetime(2026, 10, 3, 7, 30, tzinfo=UTC)
BOUGHT = """
    customer ab12345-ovh
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-02 09:00 sms 10
    2026-10-02 10:00 saw 90
    2026-10-03 10:00 saw 190
"""


def book_by_hand(books, named="20261003"):
    words = ("--as", "purchase", "--bill", "L77", "--reason", "paid")
    ran = books.type("recon", "adjust", f"{ACCOUNT}/{named}", *words)
    assert ran.status == 0, ran


def price(euro):
    return Price(value=Decimal(euro), currencyCode="EUR")


def read_bill(books, description, line_id="L77"):
    """Do what `sync` does with a line of a bill; give how many events it made."""
    received = Received(route="/me/bill", read_at=BILLED_AT, query_id=None)
    bill = Bill(
        billId="IT7", date=BILLED_AT, orderId=7, category="purchase",
        priceWithoutTax=price("5.00"), tax=price("1.10"), priceWithTax=price("6.10"),
    )  # fmt: skip
    detail = BillDetail(
        billDetailId=line_id, domain=ACCOUNT, description=description, quantity="1",
        unitPrice=price("5.00"), totalPrice=price("5.00"),
    )  # fmt: skip
    line, stamp = BillLine(line_id, ACCOUNT, received, bill, detail), books.stamp()

    def decide(work: Work) -> int:
        account = work.account(ACCOUNT)
        events = purchase(account, line, stamp=stamp)
        work.record(account, events)
        return len(events)

    with Ledger(books.address) as ledger:
        return ledger.work(decide)


def lot(books, name="L77"):
    (row,) = [row for row in books.rows("lots") if row["lot"] == name]
    return row


COST = ("net", "vat", "currency", "bill")


def cost(row):
    return tuple(row[name] for name in COST)


def recon(books):
    ran = books.type("recon", "run", "-O", "json")
    (row,) = ran.rows
    return ran.status, row["breaks"], row["drift"]


def test_the_bill_of_a_purchase_that_a_person_booked_brings_its_money_and_its_day(books):
    """Its time is the bill's own: the credits tell whether it is the one that was booked."""
    books.draw(BOUGHT)
    book_by_hand(books)
    assert cost(lot(books)) == (None,) * 4
    assert read_bill(books, "100 SMS credits") == 1
    row = lot(books)
    assert cost(row) == ("5.00", "1.10", "EUR", "IT7")
    assert row["bought_at"] == "2026-10-03T09:30:00+02:00"
    assert (row["kind"], row["credits"]) == ("purchase", "100")
    assert recon(books) == (0, 0, "0")
    assert books.rows("bal")[0]["credits"] == "190", "no credit is counted twice"
    assert read_bill(books, "100 SMS credits") == 0, "a bill is seen once"
    assert books.type("check", "--full").status == 0


def test_a_bill_that_could_not_be_read_brings_its_money_once_a_person_booked_it(sqlite_books):
    sqlite_books.draw(BOUGHT)
    assert read_bill(sqlite_books, "SMS, as ordered") == 2, "the line, and the break"
    assert read_bill(sqlite_books, "SMS, as ordered") == 0
    book_by_hand(sqlite_books, "purchase-unreadable:L77")
    row = lot(sqlite_books)
    assert cost(row) == ("5.00", "1.10", "EUR", "IT7")
    assert row["bought_at"] == "2026-10-03T09:30:00+02:00"
    assert sqlite_books.type("check", "--full").status == 0


def test_a_bill_of_other_credits_is_put_before_a_person_and_values_nothing(sqlite_books):
    sqlite_books.draw(BOUGHT)
    book_by_hand(sqlite_books)
    assert read_bill(sqlite_books, "250 SMS credits") == 2
    assert recon(sqlite_books) == (1, 1, "0")
    assert cost(lot(sqlite_books)) == (None,) * 4
    assert read_bill(sqlite_books, "250 SMS credits") == 0


def test_a_purchase_that_a_file_told_without_its_price_gets_it_from_its_bill(
    sqlite_books, tmp_path
):
    sqlite_books.draw(BOUGHT)
    history = tmp_path / "history.csv"
    history.write_text(
        "customer,account,kind,id,happened_at,credits\n"
        f"ab12345-ovh,{ACCOUNT},purchase,L77,{BILLED_AT.isoformat()},100\n"
    )
    assert sqlite_books.type("import", str(history)).status == 0
    assert read_bill(sqlite_books, "100 SMS credits") == 1
    assert cost(lot(sqlite_books)) == ("5.00", "1.10", "EUR", "IT7")
    assert recon(sqlite_books) == (0, 0, "0")


def test_a_purchase_that_holds_its_price_needs_no_other(sqlite_books):
    sqlite_books.draw(BOUGHT)
    assert read_bill(sqlite_books, "100 SMS credits") == 1
    assert read_bill(sqlite_books, "100 SMS credits") == 0
    assert "bill-line-seen" not in sqlite_books.type("audit", "log").out


def test_what_a_credit_costs_is_told_by_the_bill_of_a_purchase_by_hand(sqlite_books):
    sqlite_books.draw(BOUGHT)
    book_by_hand(sqlite_books)
    until = datetime(2026, 12, 1, tzinfo=UTC)
    database = connect(sqlite_books.address)
    assert billed_price(database, ACCOUNT, until) is None
    read_bill(sqlite_books, "100 SMS credits")
    found = billed_price(database, ACCOUNT, until)
    database.close()
    assert found is not None
    assert (found.text, found.currency, found.source) == ("0.05", "EUR", "bill")


def test_vat_that_is_not_got_back_is_that_of_the_day_of_the_bill(sqlite_books):
    sqlite_books.draw(BOUGHT)
    book_by_hand(sqlite_books)
    vat = ("account", "vat", "ab12345-ovh", "--recoverable", "0", "--from")
    assert sqlite_books.type(*vat, "2026-10-03T09:45:00+02:00").status == 0
    read_bill(sqlite_books, "100 SMS credits")
    assert lot(sqlite_books)["cost"] == "5.00", "it was billed before the VAT was lost"


@pytest.mark.parametrize("is_unreadable", [True, False])
def test_an_auditor_is_led_from_the_purchase_to_its_bill_and_back(sqlite_books, is_unreadable):
    sqlite_books.draw(BOUGHT)
    if is_unreadable:
        read_bill(sqlite_books, "SMS, as ordered")
        book_by_hand(sqlite_books, "purchase-unreadable:L77")
    else:
        book_by_hand(sqlite_books)
        read_bill(sqlite_books, "100 SMS credits")
    log = sqlite_books.rows("audit", "log")
    (bought,) = [row["position"] for row in log if row["kind"] == "credits-purchased"]
    (seen,) = [row["position"] for row in log if row["kind"] == "bill-line-seen"]
    for one, other in ((bought, seen), (seen, bought)):
        (shown,) = sqlite_books.rows("audit", "show", str(one))
        (bill,) = [each for each in shown["related"] if each["relation"] == "bill"]
        assert other in {link["position"] for link in bill["events"]}


def test_a_real_bill_that_names_no_credits_is_booked_and_valued(sqlite, tmp_path):
    with rig(tmp_path, store=sqlite) as made:
        made.sync()
        made.ovh.do("advance", by="1h")
        knobs = "bill_names_credits=false,bill_quantity=one,bill_delay_s=0"
        made.ovh.do("knobs", knobs=knobs)
        made.ovh.do("panel-purchase", account=ACCOUNT, credits=500)
        made.ovh.do("advance", by="1h")
        made.sync()
        (waiting,) = made.sl("recon", "breaks", ACCOUNT, "-O", "json").rows
        assert waiting["kind"] == "purchase not booked"
        named = f"{ACCOUNT}/{waiting['break_id']}"
        ran = made.sl("recon", "adjust", named, "--reason", "the bill says 500 in words")
        assert "500 credits booked as purchase" in ran.out, ran
        rows = made.sl("lots", ACCOUNT, "-O", "json").rows
        (row,) = [one for one in rows if one["lot"] == waiting["reference"]]
        assert row["credits"] == "500"
        assert None not in (row["net"], row["vat"], row["currency"], row["bill"])
        made.ovh.do("advance", by="1d")
        made.sync()
        assert made.sl("recon", "run").status == 0
        assert made.sl("check", "--full").status == 0
