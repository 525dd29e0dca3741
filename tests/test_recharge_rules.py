"""Newer rules of OVH, stated by a person: dated facts that supersede what the program ships."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from books import Books
from rigs import events_of, rig

from ledger.events import PurchaseAttributed, RechargeRulesStated
from ledger.recharge_rules import SHIPPED, rules_on

FIRST = "sms-ab12345-1"
STATE = ("recharge", "rules", "state", "--document", "OVH's FAQ")
STORY = f"""
    customer ab12345-ovh Europe/Rome IT
    account {FIRST}
    2026-09-01 00:00 opening 100
    2026-09-01 08:00 threshold 50 100
    2026-09-01 10:00 sms 40
"""


def rules(books: Books) -> list[dict]:
    return books.rows("recharge", "rules", "show")


def test_without_a_word_of_anybody_the_shipped_rules_hold(sqlite_books: Books) -> None:
    found = rules(sqlite_books)
    assert [row["since"] for row in found] == [str(one.since) for one in SHIPPED]
    assert {row["actor"] for row in found} == {None}


def test_newer_rules_hold_from_their_day_on_and_are_recorded_once(books: Books) -> None:
    words = (*STATE, "--since", "2026-09-15", "--amounts", "2500,100", "--smpp")
    assert books.type(*words).out == "rules from 2026-09-15 on: recorded\n"
    assert books.type(*words).out == "rules from 2026-09-15 on: known already\n"
    last = rules(books)[-1]
    assert (last["since"], last["amounts"], last["with_smpp"]) == (
        "2026-09-15",
        [100, 2500],
        True,
    )
    assert last["payment_types"] == list(SHIPPED[-1].payment_types), "not stated: as it was"
    assert (last["document"], last["actor"]) == ("OVH's FAQ", "tester")
    (event,) = [e for _, e in events_of(books.url) if isinstance(e, RechargeRulesStated)]
    known = [event.rules]
    assert rules_on(date(2026, 9, 14), known) == SHIPPED[-1]
    assert rules_on(date(2026, 9, 15), known).amounts == (100, 2500)
    assert books.type("check", "--full").status == 0


def test_what_was_said_last_of_a_day_counts(sqlite_books: Books) -> None:
    for amounts in ("100,2500", "100,300"):
        sqlite_books.type(*STATE, "--since", "2026-09-15", "--amounts", amounts)
    found = rules(sqlite_books)
    assert (len(found), found[-1]["amounts"]) == (len(SHIPPED) + 1, [100, 300])


def test_other_commands_go_by_them(sqlite_books: Books) -> None:
    books = sqlite_books.draw(STORY)
    asked = ("recharge", "whatif", FIRST, "--amount", "2500")
    assert "found 2500" in books.type(*asked).err
    books.type(
        *STATE, "--since", "2026-09-15", "--amounts", "100,2500", "--payment-type", "CREDIT"
    )
    assert books.type(*asked).status == 0
    shown = books.type("recharge", "show").out
    assert "a valid CREDIT is needed" in shown


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--since", "2019-12-31"), 5, "expected a day from 2020-01-01 on, found 2019-12-31"),
        (("--since", "2027-01-01", "--amounts", "0"), 5, "amounts from 1 to 1000000, found 0"),
        (("--since", "2027-01-01", "--amounts", "1;2"), 2, "--amounts like 100,500,1000"),
        (("--since", "2027-01-01", "--least-age-months", "-1"), 5, "from 0 to 120 months"),
        (("--since", "2027-01-01", "--payment-type", "sepa"), 5, "like SEPA_DIRECT_DEBIT"),
        (("--since", "2027-01-01", "--document", " "), 5, "where OVH says so"),
        (("--since", "2027-13-01"), 2, "2027-13-01"),
    ],
)
def test_what_is_no_rule_is_refused(sqlite_books: Books, words, status, told) -> None:
    ran = sqlite_books.type(*STATE, *words)
    assert (ran.status, ran.out) == (status, "")
    assert told in ran.err
    assert len(rules(sqlite_books)) == len(SHIPPED)


def test_recharges_are_told_apart_by_the_rules_of_their_day(sqlite, tmp_path: Path) -> None:
    with rig(tmp_path, store=sqlite) as made:
        made.sl(*STATE, "--since", "2026-01-01", "--amounts", "5000")
        made.sync()
        assert made.ovh.world.accounts[FIRST].recharge_credits is not None
        assert not [e for _, e in events_of(made.database) if isinstance(e, PurchaseAttributed)]
        ran = made.sl("recharge", "set", FIRST, "--amount", "100", "--threshold", "5", "--yes")
        assert "expected one of the amounts that OVH offers (5000), found 100" in ran.err
        assert made.balances()[FIRST] == made.owned()[FIRST] > Decimal()
