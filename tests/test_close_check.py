"""`check`: what a standing close froze is what the ledger of then comes to."""

from __future__ import annotations

from contextlib import closing as closed
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.credits import Credits
from ledger.events import AccountAtClose, FromOperator, LotStretch, PeriodClosed, Stamp
from ledger.money import Money
from ledger.service import Ledger
from projections.closings import closing

ONE, TWO = "sms-ab12345-1", "sms-ab12345-2"
NOW = datetime(2025, 12, 3, tzinfo=UTC)
STAMP = Stamp(recorded_at=NOW, actor="anna", command_id="c0ffee", source=FromOperator())

# 40 of 100 credits for 10.00 are used, 20 sent on; the second account has them alone.
STORY = f"""
    customer ab12345-ovh
    account {TWO}
    2025-10-01 09:00 opening 0
    account {ONE}
    2025-10-01 09:00 opening 0
    2025-10-01 09:30 purchase 100 b-1 net=10.00 vat=2.20
    2025-10-02 10:00 sms 40
    2025-10-03 10:00 transfer 20 {TWO} t-1
    2025-11-03 10:00 sms 5
"""


def close_with(books, month: str, change: Any) -> None:
    """Record a close whose figures are not those of the ledger."""
    with closed(books.database()) as database:
        found = closing(database, None, month, now=NOW)
    whole, own = found.seals
    event = PeriodClosed(
        **STAMP.at(NOW),
        customer=found.customer,
        month=month,
        ends_at=found.month.end,
        position=found.position,
        root=whole.root,
        customer_size=own.size,
        customer_root=own.root,
        accepted=(),
        accounts=found.accounts,
    )
    with Ledger(books.address) as ledger:
        ledger.work(lambda work: work.record(work.periods(found.customer), [change(event)]))


def of_account(change: Any) -> Any:
    """Change what a close holds of the first account."""

    def of_event(event: PeriodClosed) -> PeriodClosed:
        first, *others = event.accounts
        return replace(event, accounts=(change(first), *others))

    return of_event


def dearer(one: AccountAtClose) -> AccountAtClose:
    transfer, used = one.drawn
    return replace(one, drawn=(transfer, replace(used, cost=Money.from_text("4.01 EUR"))))


def more_used(one: AccountAtClose) -> AccountAtClose:
    transfer, used = one.drawn
    return replace(one, drawn=(transfer, replace(used, credits=Credits(41_000))))


def other_credits(one: AccountAtClose) -> AccountAtClose:
    (lot,) = one.left
    return replace(
        one, left=(replace(lot, stretches=(LotStretch(Credits(0), Credits(40_000)),)),)
    )


def less_value(one: AccountAtClose) -> AccountAtClose:
    (lot,) = one.left
    return replace(one, left=(replace(lot, net=Money.from_text("3.99 EUR")),))


def findings(books, *words: str) -> list[str]:
    ran = books.type("check", *words, "-O", "json")
    assert ran.status == (4 if ran.rows else 0), ran
    assert {row["severity"] for row in ran.rows} <= {"integrity"}
    return [f"{row['subject']}: {row['text']}" for row in ran.rows]


def test_closes_that_hold_what_the_ledger_came_to_are_no_finding(books):
    books.draw(STORY)
    for month in ("2025-10", "2025-11"):
        close_with(books, month, lambda event: event)
    assert findings(books, "--full") == []


MONEY = {
    "cost": (
        dearer,
        "used (current) in EUR: expected 40 for 4.00 EUR, with VAT 4.01 EUR, as its close says,"
        " found 40 for 4.00 EUR, with VAT 4.00 EUR",
    ),
    "value": (
        less_value,
        f"left of b-1 of {ONE}: expected 40 from 60 on for 3.99 EUR, with VAT 4.00 EUR, as its"
        " close says, found 40 from 60 on for 4.00 EUR, with VAT 4.00 EUR",
    ),
}


@pytest.mark.parametrize("change", MONEY)
def test_a_full_check_finds_money_that_a_close_holds_wrong(sqlite_books, change):
    wrong, text = MONEY[change]
    sqlite_books.draw(STORY)
    close_with(sqlite_books, "2025-10", of_account(wrong))
    sqlite_books.rows("lots")
    assert findings(sqlite_books) == []
    assert findings(sqlite_books, "--full") == [f"ab12345-ovh 2025-10: {ONE}, {text}"]


CREDITS = {
    "balance": (
        lambda one: replace(one, balance=Credits(41_000)),
        "balance: expected 41, as its close says, found 40",
    ),
    "used": (more_used, "used (current)"),
    "lots": (other_credits, f"left of b-1 of {ONE}: expected 40 from 0 on"),
    "a lot": (
        lambda one: replace(one, left=()),
        f"left of b-1 of {ONE}: expected nothing, as its close says, found 40 from 60 on",
    ),
}


@pytest.mark.parametrize("change", CREDITS)
def test_credits_that_a_close_holds_wrong_are_found(sqlite_books, change):
    wrong, text = CREDITS[change]
    sqlite_books.draw(STORY)
    close_with(sqlite_books, "2025-10", of_account(wrong))
    sqlite_books.rows("lots")
    for words in ([], ["--full"]):
        (found,) = findings(sqlite_books, *words)
        assert found.startswith(f"ab12345-ovh 2025-10: {ONE}, {text}")


def test_what_comes_late_for_a_closed_month_changes_nothing_of_it(books):
    """A message, a bill, and what the credits of the opening turn out to have cost."""
    books.draw(STORY.replace("opening 0", "opening 30"))
    close_with(books, "2025-10", lambda event: event)
    books.draw(
        f"""
        account {ONE}
        2025-10-02 09:00 sms 3
        2025-10-01 10:00 purchase 7 b-0 net=0.70
        """
    )
    assert books.type("account", "opening", ONE, "--cost", "6.00").status == 0
    books.rows("lots")
    for words in ([], ["--full"]):
        assert findings(books, *words) == []


def test_a_checkpoint_that_is_not_that_of_the_events_is_found(sqlite_books):
    sqlite_books.draw(STORY)
    close_with(sqlite_books, "2025-10", lambda event: replace(event, customer_root="ab" * 32))
    (found,) = findings(sqlite_books, "--full")
    assert "checkpoint of ab12345-ovh: expected 10:abab" in found


def test_what_a_reopened_month_held_is_no_matter_any_more(sqlite_books):
    sqlite_books.draw(STORY)
    close_with(sqlite_books, "2025-10", of_account(dearer))
    sqlite_books.type("close", "reopen", "2025-10", "--reason", "wrong")
    assert findings(sqlite_books, "--full") == []
