"""Closing, a late fact, reopening, closing again; every figure is worked out by hand.

b-1 is 60 credits for 6.00 (0.10 each), b-2 is 100 credits for 20.00 (0.20 each). Until the
close of October 70 credits are known to be used: 60 of b-1 for 6.00, 10 of b-2 for 2.00.
"""

from __future__ import annotations

from typing import Any

from books import Books

ONE = "sms-ab12345-1"

OCTOBER = f"""
    customer ab12345-ovh
    account {ONE}
    2025-10-01 09:00 opening 0
    2025-10-01 09:30 purchase 60 b-1 net=6.00 vat=1.32 bill=IT1
    2025-10-05 10:00 sms 40
    2025-10-15 09:30 purchase 100 b-2 net=20.00 vat=4.40 bill=IT2
    2025-10-20 10:00 sms 30
    2025-11-01 06:00 saw 80
"""
# OVH showed 80 where the ledger had 90: ten were used on the 10th, and nobody knew.
LATE = "2025-10-10 10:00 sms 10"
NOVEMBER = """
    2025-11-05 10:00 sms 20
    2025-12-01 06:00 saw 60
"""


def left(books: Books, at: str, *words: str) -> list[tuple[str, str, str]]:
    """Give what is left of lots at the end of a day: lot, credits, cost."""
    return [
        (row["lot"], row["left"], row["value"])
        for row in books.rows("value", "--as-of", at, *words)
    ]


def used(books: Books, *words: str) -> list[tuple[str, str, str, str]]:
    """Give months: what messages used, its net and cost."""
    return [
        (row["period"], row["credits"], row["net"], row["cost"])
        for row in books.rows("cost", *words)
    ]


def months(books: Books) -> list[tuple[str, str]]:
    rows = books.rows("close", "status", "--all")
    return [(row["month"], row["status"]) for row in rows if row["status"] != "open"]


def held(books: Books, number: int) -> dict[str, Any]:
    """Give what the event of a close holds of the account."""
    (shown,) = books.rows("audit", "show", f"customer/ab12345-ovh/periods@{number}")
    (account,) = shown["event"]["accounts"]
    return account


def drawn(books: Books, number: int) -> list[tuple[Any, ...]]:
    """Give what a close holds as drawn: as what, thousandths, of unknown cost, net, cost."""
    return [
        (one["kind"], one["posted_as"], one["credits_milli"], one["unvalued_milli"],
         one["net"], one["cost"])
        for one in held(books, number)["drawn"]
    ]  # fmt: skip


def kept(books: Books, number: int) -> list[tuple[Any, ...]]:
    """Give what a close holds as left: lot, stretches, net, cost."""
    return [
        (
            one["lot"],
            [tuple(part.values()) for part in one["stretches"]],
            one["net"],
            one["cost"],
        )
        for one in held(books, number)["left"]
    ]


def ok(books: Books, *words: str) -> str:
    ran = books.type(*words)
    assert ran.status == 0, ran
    return ran.out


def test_closing_a_late_fact_reopening_closing_again(books):
    books.draw(OCTOBER)

    # --- October is closed, with ten credits that nobody can explain ---
    name = f"{ONE}/20251101T050000Z-10"
    assert books.type("close", "month", "2025-10").status == 5
    ok(books, "close", "month", "2025-10", "--accept", name, "--reason", "OVH does not tell")
    assert drawn(books, 1) == [("used", "current", 70_000, 0, "8.00 EUR", "8.00 EUR")]
    assert kept(books, 1) == [("b-2", [(10_000, 90_000)], "18.00 EUR", "18.00 EUR")]
    first = held(books, 1)
    assert (first["balance_milli"], first["unexplained_milli"]) == (90_000, -10_000)
    assert left(books, "2025-10-31") == [("b-2", "90", "18.00")]
    assert used(books) == [("2025-10", "70", "8.00", "8.00")]
    before = books.type("value", "--as-of", "2025-10-31", "-O", "csv").out

    # --- a message of the 10th becomes known; it is posted in November ---
    books.draw(f"{LATE}\n{NOVEMBER}")
    assert left(books, "2025-10-31") == [("b-2", "90", "18.00")]
    assert left(books, "2025-11-30") == [("b-2", "60", "12.00")]
    assert used(books) == [
        ("2025-10", "70", "8.00", "8.00"),
        ("2025-11", "30", "6.00", "6.00"),  # 10 late and 20 of its own, all of b-2
    ]
    # as it happened, 50 of b-1 were gone by the 10th; the 30 were 10 of b-1 and 20 of b-2
    assert left(books, "2025-10-31", "--basis", "happened") == [("b-2", "80", "16.00")]
    assert used(books, "--basis", "happened") == [
        ("2025-10", "80", "10.00", "10.00"),
        ("2025-11", "20", "4.00", "4.00"),
    ]
    assert books.type("recon", "run").status == 0
    ok(books, "check", "--full")

    # --- the VAT of both bills is not got back: 0.122 and 0.244 each; October stays ---
    ok(books, "account", "vat", "ab12345-ovh", "--recoverable", "0", "--from", "2025-10-01")
    assert left(books, "2025-10-31") == [("b-2", "90", "18.00")]
    assert left(books, "2025-11-30") == [("b-2", "60", "14.64")]
    assert used(books) == [
        ("2025-10", "70", "8.00", "8.00"),
        ("2025-11", "0", "0.00", "1.76"),  # of October, which turned out to cost 7.32 + 2.44
        ("2025-11", "30", "6.00", "7.32"),  # 2.44 late and 4.88 of its own
    ]

    # --- November is closed with what was late, and what October turned out to cost more ---
    ok(books, "close", "month", "2025-11")
    assert drawn(books, 2) == [
        ("used", "current", 20_000, 0, "4.00 EUR", "4.88 EUR"),
        ("used", "late", 10_000, 0, "2.00 EUR", "2.44 EUR"),
        ("used", "prior-period", 0, 0, "0.00 EUR", "1.76 EUR"),
    ]
    assert kept(books, 2) == [("b-2", [(40_000, 60_000)], "12.00 EUR", "14.64 EUR")]
    assert held(books, 2)["balance_milli"] == 60_000
    # 8.00 + 1.76 + 7.32 + 14.64 = 31.72, which is both bills with their VAT
    ok(books, "check", "--full")

    # --- October is opened again, and November with it: all stands where it happened ---
    ok(books, "close", "reopen", "2025-10", "--reason", "the message of the 10th")
    assert months(books) == [("2025-10", "reopened"), ("2025-11", "reopened")]
    assert left(books, "2025-10-31") == [("b-2", "80", "19.52")]
    assert used(books) == [
        ("2025-10", "80", "10.00", "12.20"),
        ("2025-11", "20", "4.00", "4.88"),
    ]

    # --- and closed again; the ten credits are explained by now ---
    ok(books, "close", "month", "2025-10")
    ok(books, "close", "month", "2025-11")
    assert drawn(books, 4) == [("used", "current", 80_000, 0, "10.00 EUR", "12.20 EUR")]
    assert kept(books, 4) == [("b-2", [(20_000, 80_000)], "16.00 EUR", "19.52 EUR")]
    again = held(books, 4)
    assert (again["balance_milli"], again["unexplained_milli"]) == (80_000, 0)
    assert drawn(books, 5) == [("used", "current", 20_000, 0, "4.00 EUR", "4.88 EUR")]
    assert kept(books, 5) == [("b-2", [(40_000, 60_000)], "12.00 EUR", "14.64 EUR")]
    # 12.20 + 4.88 + 14.64 = 31.72
    assert months(books) == [
        ("2025-10", "reopened"), ("2025-11", "reopened"), ("2025-10", "closed"),
        ("2025-11", "closed"),
    ]  # fmt: skip
    ok(books, "check", "--full")

    # --- what was printed at the first close is printed again ---
    known = str(books.rows("close", "status", "--all")[0]["position"])
    ran = books.type("value", "--as-of", "2025-10-31", "-O", "csv", "--known-at", known)
    assert ran.out == before

    # --- and the log tells it ---
    told = [
        (row["kind"], row["reason"])
        for row in books.rows("audit", "log", "--kind", "period-closed", "--kind",
                              "period-reopened")
    ]  # fmt: skip
    assert told == [
        ("period-closed", "OVH does not tell"),
        ("period-closed", None),
        ("period-reopened", "the message of the 10th"),
        ("period-closed", None),
        ("period-closed", None),
    ]
