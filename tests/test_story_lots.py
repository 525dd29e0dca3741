"""Lots, draws and prepaid value; every figure is worked out by hand."""

from __future__ import annotations

import pytest
import stores

ONE, TWO = "sms-ab12345-1", "sms-ab12345-2"

# 142 messages of 0.7 credits are 99.4 credits; 4.20 × 99.4 / 100 is 4.1748, so 4.17.
PACK = "\n".join(
    [
        "customer ab12345-ovh",
        f"account {ONE}",
        "2026-10-01 09:00 opening 0",
        "2026-10-01 09:30 purchase 100 b-1 net=4.20 vat=0.92 bill=IT1",
        *["2026-10-02 10:00 sms 0.7"] * 142,
    ]
)

MOVED = f"""
    customer ab12345-ovh
    account {TWO}
    2026-10-01 08:00 opening 0
    2026-10-02 12:00 purchase 50 b-3 net=2.50
    account {ONE}
    2026-10-01 08:00 opening 0
    2026-10-01 09:00 purchase 100 b-1 net=5.00
    2026-10-02 09:00 purchase 100 b-2 net=10.00
    2026-10-03 09:00 transfer 150 {TWO} t-1
    account {TWO}
    2026-10-04 10:00 sms 120
"""


@pytest.fixture
def ledger(sqlite_books):
    """Where one database is enough."""
    return sqlite_books


def held(books, *words):
    """Give what is left of lots: account, lot, credits, cost."""
    return [
        (row["account"], row["lot"], row["left"], row["left_cost"])
        for row in books.rows("lots", "--left", *words)
    ]


def drawn(books, *words):
    return [
        (row["account"], row["kind"], row["reference"], row["lot"], row["credits"], row["cost"])
        for row in books.rows("lots", "--draws", *words)
    ]


def notes(books, *words):
    return books.type(*words, "-O", "json").document["notes"]


# --- to the cent ----------------------------------------------------------------------------


def test_a_pack_of_4_20_that_sent_142_messages_cost_4_17_and_leaves_3_cents(books):
    books.draw(PACK)
    (row,) = books.rows("lots")
    assert {key: row[key] for key in list(row)[1:]} == {
        "account": ONE, "lot": "b-1", "kind": "purchase",
        "bought_at": "2026-10-01T09:30:00+02:00", "bought_by": ONE, "bill": "IT1",
        "credits": "100", "left": "0.6", "net": "4.20", "left_net": "0.03", "vat": "0.92",
        "cost": "4.20", "left_cost": "0.03", "currency": "EUR", "position": 4,
    }  # fmt: skip
    assert drawn(books) == [(ONE, "used", "", "b-1", "99.4", "4.17")]
    (cost,) = books.rows("cost")
    assert (cost["sms"], cost["credits"], cost["net"]) == (142, "99.4", "4.17")
    assert books.type("value").out.partition("checkpoint")[0] == (
        "account        lot  bought at            bill  left  value  currency\n"
        "sms-ab12345-1  b-1  2026-10-01 09:30:00  IT1    0.6   0.03  EUR\n"
        "total                                           0.6   0.03  EUR\n"
        "log position 5\n"
    )


def test_many_small_draws_add_up_to_the_invoice(ledger):
    """Thirds of 10.00: 3.33, 3.34 (6.67 less 3.33) and 3.33."""
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 3 b-1 net=10.00
        2026-10-02 10:00 sms 1
        2026-10-03 10:00 sms 1
        2026-10-04 10:00 sms 1
        """
    )
    assert [row[-1] for row in drawn(ledger)] == ["3.33", "3.34", "3.33"]
    assert held(ledger) == []
    assert ledger.rows("value") == []


# --- transfers ------------------------------------------------------------------------------


def test_a_transfer_moves_lots_with_their_cost_and_date(ledger):
    """150 credits of two lots arrive as 100 of b-1 and 50 of b-2, both before b-3."""
    ledger.draw(MOVED)
    assert drawn(ledger) == [
        (ONE, "transfer", "t-1", "b-1", "100", "5.00"),
        (ONE, "transfer", "t-1", "b-2", "50", "5.00"),
        (TWO, "used", "", "b-1", "100", "5.00"),
        (TWO, "used", "", "b-2", "20", "2.00"),
    ]
    assert held(ledger) == [
        (ONE, "b-2", "50", "5.00"),
        (TWO, "b-2", "30", "3.00"),
        (TWO, "b-3", "50", "2.50"),
    ]
    assert [row["bought_by"] for row in ledger.rows("lots", TWO)] == [ONE, ONE, TWO]


def test_a_lot_is_followed_to_whoever_drew_it(ledger):
    ledger.draw(MOVED)
    assert [row[:2] for row in drawn(ledger, "--lot", "b-1")] == [
        (ONE, "transfer"),
        (TWO, "used"),
    ]


def test_the_value_at_the_end_of_each_day(ledger):
    ledger.draw(MOVED)

    def total(day):
        return ledger.type("value", "--as-of", day).out.splitlines()[-3].split()[1:]

    assert total("2026-10-01") == ["100", "5.00", "EUR"]
    assert total("2026-10-02") == ["250", "17.50", "EUR"]
    assert total("2026-10-03") == ["250", "17.50", "EUR"]
    assert total("2026-10-04") == ["130", "10.50", "EUR"]


def test_an_instant_may_cut_a_segment(ledger):
    """Of 3 credits that a day used, 2 had been used by noon."""
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 1 b-1 net=1.00
        2026-10-01 09:40 purchase 9 b-2 net=18.00
        2026-10-02 10:00 sms 1
        2026-10-02 11:00 sms 1
        2026-10-02 13:00 sms 1
        """
    )
    assert held(ledger, "--as-of", "2026-10-02T12:00:00+02:00") == [(ONE, "b-2", "8", "16.00")]
    assert held(ledger, "--as-of", "2026-10-02T10:30:00+02:00") == [(ONE, "b-2", "9", "18.00")]


def test_a_register_tells_which_lots_paid_for_each_row(ledger):
    ledger.draw(MOVED)
    assert [
        (row["kind"], row["credits"], row["paid"]) for row in ledger.rows("reg", TWO, "--lots")
    ] == [
        ("opening", "0", ""),
        ("purchase", "50", "b-3 50"),
        ("transfer-in", "150", "b-1 100, b-2 50"),
        ("consumption", "-120", "b-1 100, b-2 20"),
    ]
    assert ledger.type("reg", TWO, "--lots").out.splitlines()[-3].endswith("1  b-1 100, b-2 20")
    (*_, used) = ledger.rows("reg", TWO, "--lots")
    assert used["lots"] == [
        {"lot": "b-1", "bought_by": ONE, "bill": None, "credits": "100", "cost": "5.00",
         "currency": "EUR"},
        {"lot": "b-2", "bought_by": ONE, "bill": None, "credits": "20", "cost": "2.00",
         "currency": "EUR"},
    ]  # fmt: skip


def test_from_a_message_to_its_lot_to_its_bill_line(ledger):
    ledger.draw(PACK)
    last = ledger.rows("stmt", ONE, "--lines", "--lots")[-2]
    (share,) = last["lots"]
    assert (share["lot"], share["bill"], share["credits"]) == ("b-1", "IT1", "0.7")
    (lot,) = ledger.rows("lots")
    (event,) = ledger.rows("audit", "show", str(lot["position"]))
    assert (event["kind"], event["event"]["bill_id"]) == ("credits-purchased", "IT1")


# --- late facts -----------------------------------------------------------------------------


def test_a_late_purchase_is_drawn_first_by_everyone_who_got_of_it(books):
    """b-0 of 30 September is older than all: 80 credits of it pay what b-1 paid before."""
    books.draw(MOVED)
    assert len(drawn(books)) == 4
    books.draw(
        f"account {ONE}\n2026-09-30 09:00 opening 0\n2026-09-30 10:00 purchase 80 b-0 net=1.60"
    )
    assert drawn(books) == [
        (ONE, "transfer", "t-1", "b-0", "80", "1.60"),
        (ONE, "transfer", "t-1", "b-1", "70", "3.50"),
        (TWO, "used", "", "b-0", "80", "1.60"),
        (TWO, "used", "", "b-1", "40", "2.00"),
    ]
    assert held(books) == [
        (ONE, "b-1", "30", "1.50"),
        (ONE, "b-2", "100", "10.00"),
        (TWO, "b-1", "30", "1.50"),
        (TWO, "b-3", "50", "2.50"),
    ]


def test_a_correction_counts_with_its_message(ledger):
    ledger.draw(MOVED)
    ledger.draw(f"account {TWO}\n2026-10-04 10:00 correct 1 100")
    assert drawn(ledger)[-1] == (TWO, "used", "", "b-1", "100", "5.00")


# --- what there was not ---------------------------------------------------------------------


def test_what_is_spent_below_zero_is_of_unknown_cost_until_a_lot_covers_it(ledger):
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 10:00 sms 4
        """
    )
    assert held(ledger) == [(ONE, None, "-4", None)]
    assert notes(ledger, "value") == [
        f"{ONE}: 4 credits left it before any lot came in to cover them; they are of unknown"
        " cost until one does"
    ]
    (row,) = ledger.rows("cost")
    assert (row["credits"], row["net"], row["unvalued"]) == ("4", None, "4")
    ledger.draw(f"account {ONE}\n2026-11-02 09:00 purchase 10 b-1 net=0.50")
    assert drawn(ledger) == [(ONE, "used", "", "b-1", "4", "0.20")]
    assert held(ledger) == [(ONE, "b-1", "6", "0.30")]
    (row,) = ledger.rows("cost")
    assert (row["period"], row["net"], row["unvalued"]) == ("2026-10", "0.20", "0")
    # as it was at the end of October
    assert held(ledger, "--as-of", "2026-10-31") == [(ONE, None, "-4", None)]


def test_credits_sent_before_they_were_there_cost_what_covers_them(ledger):
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {TWO}
        2026-10-01 08:00 opening 0
        account {ONE}
        2026-10-01 08:00 opening 0
        2026-10-01 09:00 transfer 10 {TWO} t-1
        account {TWO}
        2026-10-02 09:00 sms 4
        """
    )
    assert held(ledger) == [(ONE, None, "-10", None), (TWO, "transfer+t-1", "6", None)]
    assert (
        f"{TWO}: what 6 credits of lot transfer+t-1 cost is not known: no document tells it"
        in (notes(ledger, "value"))
    )
    ledger.draw(f"account {ONE}\n2026-10-03 09:00 purchase 20 b-1 net=3.00")
    assert held(ledger) == [(ONE, "b-1", "10", "1.50"), (TWO, "transfer+t-1", "6", "0.90")]
    assert drawn(ledger)[-1] == (TWO, "used", "", "transfer+t-1", "4", "0.60")


# --- refunds, gifts -------------------------------------------------------------------------


def test_a_refund_takes_the_last_credits_of_its_bill(ledger):
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 10 b-1 net=1.00 bill=IT1
        2026-10-01 09:40 purchase 10 b-2 net=2.00 bill=IT2
        2026-10-02 10:00 refund 4 r-1 IT2
        """
    )
    assert drawn(ledger) == [(ONE, "refund", "r-1", "b-2", "4", "0.80")]
    assert notes(ledger, "lots") == []


def test_a_refund_takes_the_last_credits_of_a_bill_that_is_partly_used(ledger):
    """The credits of b-1 cost 0.33, 0.34 and 0.33: used, left in the middle, given back."""
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 3 b-1 net=1.00 bill=IT1
        2026-10-01 09:40 purchase 10 b-2 net=5.00 bill=IT2
        2026-10-02 10:00 sms 1
        2026-10-03 10:00 refund 1 r-1 IT1
        """
    )
    assert drawn(ledger) == [
        (ONE, "used", "", "b-1", "1", "0.33"),
        (ONE, "refund", "r-1", "b-1", "1", "0.33"),
    ]
    assert held(ledger) == [(ONE, "b-1", "1", "0.34"), (ONE, "b-2", "10", "5.00")]
    ledger.draw(f"account {ONE}\n2026-10-04 10:00 sms 2")
    assert drawn(ledger)[-2:] == [
        (ONE, "used", "", "b-1", "1", "0.34"),
        (ONE, "used", "", "b-2", "1", "0.50"),
    ]


def test_a_refund_of_a_bill_of_two_lines_takes_the_later_line_first(ledger):
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 10 b-1 net=1.00 bill=IT1
        2026-10-01 09:40 purchase 10 b-2 net=2.00 bill=IT1
        2026-10-02 10:00 sms 4
        2026-10-03 10:00 refund 12 r-1 IT1
        """
    )
    assert drawn(ledger)[1:] == [
        (ONE, "refund", "r-1", "b-1", "2", "0.20"),
        (ONE, "refund", "r-1", "b-2", "10", "2.00"),
    ]
    assert held(ledger) == [(ONE, "b-1", "4", "0.40")]


def test_a_refund_that_is_larger_than_its_lot_takes_the_rest_from_others_and_says_so(
    ledger,
):
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 10 b-1 net=1.00 bill=IT1
        2026-10-01 09:40 purchase 10 b-2 net=2.00 bill=IT2
        2026-10-02 10:00 refund 12 r-1 IT2
        """
    )
    assert drawn(ledger) == [
        (ONE, "refund", "r-1", "b-2", "10", "2.00"),
        (ONE, "refund-beyond", "r-1", "b-1", "2", "0.20"),
    ]
    assert notes(ledger, "lots") == [
        f"{ONE}: the refund r-1 is larger than what was left of its bill; 2 credits were taken"
        " from lot b-1"
    ]


def test_gifts_are_lots_that_cost_nothing(ledger):
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 gift 5 g-1
        2026-10-01 09:40 purchase 10 b-1 net=1.00 gift=2
        2026-10-02 10:00 sms 6
        """
    )
    assert drawn(ledger) == [
        (ONE, "used", "", "gift+g-1", "5", "0.00"),
        (ONE, "used", "", "b-1", "1", "0.10"),
    ]
    assert held(ledger) == [(ONE, "b-1", "9", "0.90"), (ONE, "b-1+gift", "2", "0.00")]
    assert ledger.type("value").out.splitlines()[-3].split() == ["total", "11", "0.90", "EUR"]


def test_a_line_that_bought_nothing_but_a_gift_costs_its_net_all_the_same(books):
    """OVH billed 4.20 for no credits, and 100 for free: they are what 4.20 paid for."""
    books.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 0 b-1 net=4.20 vat=0.92 gift=100
        2026-10-01 09:40 purchase 0 b-2 gift=10
        2026-10-02 10:00 sms 50
        """
    )
    assert [
        (row["lot"], row["kind"], row["net"], row["vat"], row["cost"], row["currency"])
        for row in books.rows("lots")
    ] == [
        ("b-1+gift", "gift", "4.20", "0.92", "4.20", "EUR"),
        ("b-2+gift", "gift", "0.00", "0.00", "0.00", None),
    ]
    assert drawn(books) == [(ONE, "used", "", "b-1+gift", "50", "2.10")]
    assert held(books) == [(ONE, "b-1+gift", "50", "2.10"), (ONE, "b-2+gift", "10", "0.00")]


# --- openings -------------------------------------------------------------------------------

OPENED = f"""
    customer ab12345-ovh
    account {ONE}
    2026-08-01 09:00 purchase 100 b-1 net=4.00
    2026-09-01 09:00 purchase 100 b-2 net=5.00
    2026-10-01 00:00 opening 150
    2026-10-02 10:00 sms 60
"""


def test_an_opening_is_valued_from_the_latest_bills_before_it_backwards(ledger):
    """Of 150 credits, 100 are b-2 and the last 50 of b-1; 60 used: these 50 and 10 of b-2."""
    ledger.draw(OPENED)
    assert held(ledger, "--as-of", "2026-10-01") == [
        (ONE, "b-1", "50", "2.00"),
        (ONE, "b-2", "100", "5.00"),
    ]
    assert drawn(ledger) == [
        (ONE, "used", "", "b-1", "50", "2.00"),
        (ONE, "used", "", "b-2", "10", "0.50"),
    ]


UNCOVERED = f"""
    customer ab12345-ovh
    account {ONE}
    2026-09-01 09:00 purchase 100 b-2 net=5.00
    2026-10-01 00:00 opening 150
    2026-10-02 10:00 sms 60
"""


def test_what_no_bill_covers_is_of_unknown_cost_until_a_person_states_it(books):
    books.draw(UNCOVERED)
    (opening, _) = books.rows("lots")
    assert (opening["lot"], opening["bought_at"], opening["cost"]) == (
        "opening+balance",
        None,
        None,
    )
    (row,) = books.rows("cost")
    assert (row["credits"], row["net"], row["unvalued"]) == ("60", "0.50", "50")
    assert notes(books, "value", "--as-of", "2026-10-01") == [
        f"{ONE}: what 50 credits of lot opening+balance cost is not known:"
        f" type `sms-ledger account opening {ONE} --cost AMOUNT`"
    ]
    ran = books.type("account", "opening", ONE, "--cost", "2.25", "--reason", "books of 2025")
    assert (ran.status, ran.out) == (
        0, f"{ONE}: 50 credits of its opening cost 2.25 EUR; this is recorded\n",
    )  # fmt: skip
    (row,) = books.rows("cost")
    assert (row["credits"], row["net"], row["unvalued"]) == ("60", "2.75", "0")
    again = books.type("account", "opening", ONE, "--cost", "2.25")
    assert again.out.endswith("; this was known\n")
    books.type("account", "opening", ONE, "--cost", "3.00")
    (row,) = books.rows("cost")
    assert row["net"] == "3.50"
    event = books.rows("audit", "log", "--kind", "opening-cost-stated")[0]
    assert (event["actor"], event["reason"]) == ("tester", "books of 2025")


SENT_UNVALUED = f"""
    customer ab12345-ovh
    account {TWO}
    2026-10-01 00:00 opening 0
    account {ONE}
    2026-10-01 00:00 opening 50
    2026-10-02 10:00 transfer 20 {TWO} t-1
    account {TWO}
    2026-10-03 10:00 sms 5
"""


def test_credits_of_unknown_cost_stay_so_where_they_are_sent_until_a_person_states_it(books):
    books.draw(SENT_UNVALUED)
    assert held(books) == [
        (ONE, "opening+balance", "30", None),
        (TWO, "opening+balance", "15", None),
    ]
    (row,) = books.rows("cost")
    assert (row["credits"], row["net"], row["unvalued"]) == ("5", None, "5")
    books.type("account", "opening", ONE, "--cost", "2.50")
    assert held(books) == [
        (ONE, "opening+balance", "30", "1.50"),
        (TWO, "opening+balance", "15", "0.75"),
    ]
    (row,) = books.rows("cost")
    assert (row["credits"], row["net"], row["unvalued"]) == ("5", "0.25", "0")


def test_a_cost_stated_for_another_opening_says_nothing_any_more(ledger):
    ledger.draw(UNCOVERED)
    ledger.type("account", "opening", ONE, "--cost", "2.25")
    ledger.draw(f"account {ONE}\n2026-10-01 00:00 opening 160")
    (row, *_) = ledger.rows("lots")
    assert (row["credits"], row["cost"]) == ("60", None)


@pytest.mark.parametrize(
    ("drawing", "words", "said"),
    [
        (OPENED, ("--cost", "1"), "found bills that cover all of it, or none left"),
        (PACK, ("--cost", "1"), "found bills that cover all of it, or none left"),
        (UNCOVERED, ("--cost", "1.005"), "expected a cost of zero or more in whole cents"),
        (UNCOVERED, ("--cost", "-1"), "expected a cost of zero or more in whole cents"),
        (UNCOVERED, ("--cost", "much"), "expected an amount like 4.20, found 'much'"),
        (UNCOVERED, ("--cost", "1", "--currency", "GBP"),
         "expected EUR, in which ab12345-ovh buys credits, found 1 GBP: type --currency EUR"),
    ],
)  # fmt: skip
def test_a_cost_that_cannot_be_stated_is_refused_in_one_line(
    sqlite_books, drawing, words, said
):
    sqlite_books.draw(drawing)
    before = sqlite_books.table("SELECT COUNT(*) FROM event_log")
    ran = sqlite_books.type("account", "opening", ONE, *words)
    assert ran.status in (2, 5)
    assert (ran.out, ran.err.count("\n")) == ("", 1)
    assert said in ran.err
    assert sqlite_books.table("SELECT COUNT(*) FROM event_log") == before


# --- VAT ------------------------------------------------------------------------------------


def test_vat_that_is_not_got_back_is_part_of_the_cost(ledger):
    """4.20 and half of 0.92 are 4.66; of it 99.4 % are 4.63, and 0.03 are left."""
    ledger.draw(PACK)
    ran = ledger.type(
        "account", "vat", "ab12345-ovh", "--recoverable", "50", "--from", "2026-10-01"
    )
    assert (ran.status, ran.out) == (
        0, "ab12345-ovh gets back 50 % of the VAT on later bills; this is recorded\n",
    )  # fmt: skip
    (row,) = ledger.rows("lots")
    assert (row["net"], row["vat"], row["cost"], row["left_cost"]) == (
        "4.20",
        "0.92",
        "4.66",
        "0.03",
    )
    (cost,) = ledger.rows("cost")
    assert (cost["net"], cost["cost"]) == ("4.17", "4.63")
    again = ledger.type(
        "account", "vat", "ab12345-ovh", "--recoverable", "50", "--from", "2026-10-01"
    )
    assert again.out.endswith("this was known\n")


def test_bills_before_a_share_of_vat_held_keep_their_cost(ledger):
    ledger.draw(PACK)
    ledger.type("account", "vat", "ab12345-ovh", "--recoverable", "0", "--from", "2026-10-02")
    (row,) = ledger.rows("lots")
    assert row["cost"] == "4.20"


def test_a_bill_without_vat_has_no_known_cost_where_vat_is_not_got_back(ledger):
    ledger.draw(MOVED)
    ledger.type("account", "vat", "ab12345-ovh", "--recoverable", "0", "--from", "2026-01-01")
    assert {(row["net"] is None, row["cost"]) for row in ledger.rows("lots")} == {(False, None)}


OF_BILL = "net=1.00 bill=IT1 bill-net=3.00 bill-vat=0.22"


def vat(books):
    return [(row["lot"], row["vat"]) for row in books.rows("lots")]


def test_the_vat_of_a_bill_is_shared_over_its_lines_to_the_cent(books):
    """A third of 0.22 is 0.0733: the cent that is left goes to the first line by name."""
    books.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 10 b-3 {OF_BILL}
        account {TWO}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 10 b-1 {OF_BILL}
        """
    )
    # the third line is not known yet: each is rounded alone
    assert vat(books) == [("b-3", "0.07"), ("b-1", "0.07")]
    books.draw(f"account {TWO}\n2026-10-01 09:30 purchase 10 b-2 {OF_BILL}")
    assert vat(books) == [("b-3", "0.07"), ("b-1", "0.08"), ("b-2", "0.07")]
    books.type("account", "vat", "ab12345-ovh", "--recoverable", "0", "--from", "2026-01-01")
    assert books.type("value").out.splitlines()[-3].split() == ["total", "30", "3.22", "EUR"]


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("net=1.50 vat=0.20 bill=IT1 bill-net=3.00 bill-vat=0.23", "0.20"),
        ("net=1.50 bill=IT1 bill-net=3.00 bill-vat=0.25", "0.13"),
        ("net=1.50 bill=IT1 bill-net=3.00 bill-vat=0.23 currency=GBP", "0.12"),
        ("net=1.50 bill=IT2 bill-net=3.00 bill-vat=0.23", "0.12"),
        ("net=1.60 bill=IT1 bill-net=3.00 bill-vat=0.23", "0.12"),
        ("net=1.50 bill=IT1", None),
        ("bill=IT1 bill-net=3.00 bill-vat=0.23", None),
    ],
)
def test_lines_that_do_not_make_up_one_bill_have_their_vat_alone(ledger, second, told):
    """Half of 0.23 is 0.115, so 0.12; of one bill the second would have 0.11."""
    ledger.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 10 b-1 net=1.50 bill=IT1 bill-net=3.00 bill-vat=0.23
        2026-10-01 09:40 purchase 10 b-2 {second}
        """
    )
    assert vat(ledger) == [("b-1", "0.12"), ("b-2", told)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ab12345-ovh", "--recoverable", "101", "--from", "2026-01-01"),
         "expected a per cent from 0 to 100 like 100 or 37.5, found '101'"),
        (("ab12345-ovh", "--recoverable", "half", "--from", "2026-01-01"),
         "expected a per cent from 0 to 100"),
        (("zz-ovh", "--recoverable", "1", "--from", "2026-01-01"),
         "expected a customer of this ledger, found 'zz-ovh'; there is ab12345-ovh"),
    ],
)  # fmt: skip
def test_a_share_of_vat_that_cannot_be_is_misuse(sqlite_books, words, said):
    sqlite_books.draw(MOVED)
    ran = sqlite_books.type("account", "vat", *words)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


# --- currencies -----------------------------------------------------------------------------


def test_two_currencies_are_never_added(books):
    books.draw(
        f"""
        customer ab12345-ovh
        account {ONE}
        2026-10-01 09:00 opening 0
        2026-10-01 09:30 purchase 10 b-1 net=1.00
        2026-10-01 09:40 purchase 10 b-2 net=2.00 currency=GBP
        2026-10-02 10:00 sms 9 tag=otp
        2026-10-02 11:00 sms 6 tag=promo
        """
    )
    assert [
        (row["tag"], row["sms"], row["credits"], row["net"], row["currency"])
        for row in books.rows("cost", "--by", "tag")
    ] == [
        ("otp", 1, "9", "0.60", "EUR"),
        ("otp", 0, "0", "0.60", "GBP"),
        ("promo", 1, "6", "0.40", "EUR"),
        ("promo", 0, "0", "0.40", "GBP"),
    ]
    assert [line.split()[1:] for line in books.type("cost").out.splitlines()[-4:-2]] == [
        ["2", "15", "1.00", "EUR"],
        ["0", "0", "1.00", "GBP"],
    ]
    assert books.type("value").out.splitlines()[-3].split() == ["total", "5", "1.00", "GBP"]


# --- what holds it together -----------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("--full",)])
@pytest.mark.parametrize(
    "change",
    [
        "lot_draw_block SET draws = REPLACE(draws, ',1000', ',1001')",
        "lot_arrival SET milli = milli + 1",
    ],
)
def test_a_changed_draw_is_found(sqlite_books, change, words):
    sqlite_books.draw(MOVED)
    sqlite_books.rows("lots")
    stores.damage(sqlite_books.url, f"UPDATE {change}")
    ran = sqlite_books.type("check", *words, "-O", "json")
    assert ran.status == 4
    assert {row["subject"].partition(" ")[0] for row in ran.rows} == {"lots"}


def test_options_that_do_not_fit_together_are_misuse(sqlite_books):
    sqlite_books.draw(MOVED)
    for words in (("--lot", "b-1"), ("--left", "--draws")):
        ran = sqlite_books.type("lots", *words)
        assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert sqlite_books.type("value", "sms-zz-9").status == 2


def test_an_empty_ledger_has_no_lots(ledger):
    assert ledger.rows("lots") == ledger.rows("value") == ledger.rows("lots", "--draws") == []
