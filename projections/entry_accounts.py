"""Which accounts of a customer's own books its entries use: set by its events, or shipped.

What is shipped follows the customer's subsidiary. France has one chart of accounts for all
(PCG). Italy has none: the codes are those of the lines of the statutory balance sheet and
income statement (art. 2424 and 2425 of the civil code), in which each firm's accounts end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from ledger.calendars import day_of
from ledger.database import Database, Rows
from ledger.events import ENTRY_ROLES, EntryAccountsSet, EntryRole
from ledger.names import customer_stream
from ledger.times import from_us, to_us, zone
from projections.books import log_position, require_customers
from projections.report import Report
from projections.stream_events import stream_events


class Coded(NamedTuple):
    """An account: its code and label in the customer's chart."""

    code: str
    label: str


Chart = Mapping[EntryRole, Coded]

_FRANCE: Final[Chart] = {
    "prepaid": Coded("486", "Charges constatées d'avance"),
    "supplier": Coded("401", "Fournisseurs"),
    "vat": Coded("44566", "TVA sur autres biens et services"),
    "expense": Coded("626", "Frais postaux et de télécommunications"),
    "adjustment": Coded("658", "Charges diverses de gestion courante"),
    "opening": Coded("890", "Bilan d'ouverture"),
    "suspense": Coded("471", "Comptes d'attente"),
}
_ITALY: Final[Chart] = {
    "prepaid": Coded("SP.A.D", "Risconti attivi"),
    "supplier": Coded("SP.P.D.7", "Debiti verso fornitori"),
    "vat": Coded("SP.A.C.II.5-bis", "IVA a credito"),
    "expense": Coded("CE.B.7", "Costi per servizi: SMS"),
    "adjustment": Coded("CE.B.14", "Oneri diversi di gestione"),
    "opening": Coded("APERTURA", "Bilancio di apertura"),
    "suspense": Coded("SOSPESI", "Partite in sospeso"),
}
_ELSEWHERE: Final[Chart] = {
    "prepaid": Coded("PREPAID", "Prepaid expenses"),
    "supplier": Coded("PAYABLES", "Trade payables"),
    "vat": Coded("VAT", "Input VAT"),
    "expense": Coded("SMS", "SMS expenses"),
    "adjustment": Coded("ADJUSTMENTS", "Other operating expenses"),
    "opening": Coded("OPENING", "Opening balance"),
    "suspense": Coded("SUSPENSE", "Suspense account"),
}
SHIPPED: Final[Mapping[str, Chart]] = {"FR": _FRANCE, "IT": _ITALY}

# Where no subsidiary is known, as of a customer that only a file told of.
_OF_ZONE: Final = {"Europe/Paris": "FR", "Europe/Rome": "IT"}


@dataclass(frozen=True, slots=True)
class Charted:
    """The account for a role, since when, and who set it; None: the program ships it."""

    customer: str
    role: EntryRole
    code: str
    label: str
    since: datetime | None
    actor: str | None


class EntryAccounts:
    """The accounts of one customer, as they were set, day by day; up to a log position."""

    def __init__(self, rows: Rows, customer: str, through: int | None = None) -> None:
        self.customer = customer
        ((subsidiary, zone_name),) = rows.execute(
            "SELECT subsidiary, time_zone FROM customer WHERE customer = :customer",
            customer=customer,
        )
        self._zone = zone(zone_name)
        self._shipped = SHIPPED.get(subsidiary or _OF_ZONE.get(zone_name, ""), _ELSEWHERE)
        stream = customer_stream(customer)
        events = stream_events(rows, stream, EntryAccountsSet, through=through)
        # of one moment, what was said last holds
        self._set = sorted(events, key=lambda event: to_us(event.happened_at))

    def on(self, day: str) -> Chart:
        """Give the accounts that hold on a day."""
        chart = dict(self._shipped)
        for event in self._set:
            if day_of(self._zone, to_us(event.happened_at)).name <= day:
                chart |= {one.role: Coded(one.code, one.label) for one in event.accounts}
        return chart

    def charted(self) -> list[Charted]:
        """Give all of them, the shipped ones first, each role's in the order of time."""
        rows = [
            Charted(self.customer, role, *self._shipped[role], None, None)
            for role in ENTRY_ROLES
        ]
        for event in self._set:
            since = from_us(to_us(event.happened_at)).astimezone(self._zone)
            rows += [
                Charted(self.customer, one.role, one.code, one.label, since, event.actor)
                for one in event.accounts
            ]
        return sorted(rows, key=lambda row: ENTRY_ROLES.index(row.role))


def entry_accounts(database: Database, customers: Sequence[str] = ()) -> Report[Charted]:
    """Give the accounts of some customers, or all. Raises InvalidValue."""
    with database.snapshot() as rows:
        found = rows.execute("SELECT customer FROM customer ORDER BY customer")
        known = [customer for (customer,) in found]
        require_customers(customers, known)
        charted = [
            row
            for customer in customers or known
            for row in EntryAccounts(rows, customer).charted()
        ]
        return Report(Charted, log_position(rows), charted)
