"""What a person states of costs: of an opening that no bill covers, of VAT, of accounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ledger.account import state_opening_cost
from ledger.credits import Credits
from ledger.customer import Customer, set_entry_accounts, set_vat_recovery
from ledger.database import Database
from ledger.errors import InvalidValue
from ledger.events import CustomerEvent, EntryAccount, Stamp
from ledger.money import Money
from ledger.service import Ledger, Work
from ledger.times import from_us, zone
from projections.books import books, require_customers
from projections.lot_books import lots_caught_up
from projections.lot_facts import OPENING
from projections.moments import Moment


@dataclass(frozen=True, slots=True)
class Stated:
    """Credits of an opening, and what they cost; `is_new`: it was not stated before."""

    credits: Credits
    cost: Money
    is_new: bool


def state_cost(
    ledger: Ledger, database: Database, name: str, cost: Money, *, stamp: Stamp
) -> Stated:
    """Say what an opening cost, as far as no bill covers it. Raises UnknownAccount, Refused."""
    (book,) = books(database, [name])

    def attempt(work: Work) -> Stated:
        account = work.account(name)
        with lots_caught_up(database):
            found = database.execute(
                "SELECT milli FROM lot WHERE account = :account AND lot = :lot",
                account=name,
                lot=OPENING,
            )
            currencies = _currencies(database, book.customer)
        if currencies and cost.currency not in currencies:
            msg = (
                f"expected {' or '.join(currencies)}, in which {book.customer} buys credits,"
                f" found {cost}: type --currency {currencies[0]}"
            )
            raise InvalidValue(msg)
        credits = Credits(found[0][0] if found else 0)
        events = state_opening_cost(account, credits, cost, stamp=stamp)
        work.record(account, events)
        return Stated(credits, cost, bool(events))

    return ledger.work(attempt)


def _currencies(database: Database, customer: str) -> list[str]:
    return [
        currency
        for (currency,) in database.execute(
            "SELECT DISTINCT l.currency FROM lot l JOIN account a ON a.account = l.account"
            " WHERE a.customer = :customer AND l.currency IS NOT NULL AND l.kind <> 'opening'"
            " ORDER BY l.currency",
            customer=customer,
        )
    ]


def set_recovery(
    ledger: Ledger,
    database: Database,
    name: str,
    recoverable: str,
    *,
    since: Moment,
    stamp: Stamp,
) -> bool:
    """Say which per cent of the VAT a customer gets back from a day on; False: known."""
    at = from_us(since.start_us(zone_of(database, name)))
    return _decided(
        ledger, name, lambda known: set_vat_recovery(known, recoverable, stamp=stamp, at=at)
    )


def set_accounts(
    ledger: Ledger,
    database: Database,
    name: str,
    accounts: Sequence[EntryAccount],
    *,
    since: Moment,
    stamp: Stamp,
) -> bool:
    """Say which accounts of its own books a customer's entries use; False: known."""
    at = from_us(since.start_us(zone_of(database, name)))
    return _decided(
        ledger, name, lambda known: set_entry_accounts(known, accounts, stamp=stamp, at=at)
    )


def _decided(
    ledger: Ledger, name: str, decide: Callable[[Customer], Sequence[CustomerEvent]]
) -> bool:
    """Record what is decided of a customer; False: that was known."""

    def attempt(work: Work) -> bool:
        customer = work.customer(name)
        events = decide(customer)
        work.record(customer, events)
        return bool(events)

    return ledger.work(attempt)


def zone_of(database: Database, customer: str) -> ZoneInfo:
    """Give the time zone in which a customer's days are counted. Raises InvalidValue."""
    zones: dict[str, str] = dict(database.execute("SELECT customer, time_zone FROM customer"))
    require_customers([customer], zones)
    return zone(zones[customer])
