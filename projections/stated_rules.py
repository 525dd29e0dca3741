"""OVH's rules of automatic recharge as the ledger holds them, beside those that are shipped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from ledger.database import Database, Rows
from ledger.events import RechargeRulesStated
from ledger.names import RECHARGE_RULES
from ledger.recharge_rules import RechargeRules, rules_on, versions
from projections.books import log_position
from projections.report import NESTED, Report
from projections.stream_events import stream_events


@dataclass(frozen=True, slots=True)
class RulesRow:
    """What holds from a day on; `actor` is who stated it, None for what is shipped."""

    since: str
    amounts: tuple[int, ...] = field(metadata=NESTED)
    payment_types: tuple[str, ...] = field(metadata=NESTED)
    least_age_months: int
    with_smpp: bool
    document: str
    actor: str | None


def rules_in_force(rows: Rows, day: date) -> RechargeRules:
    """Give the rules of a day, those that were stated included."""
    return rules_on(
        day, (event.rules for event in stream_events(rows, RECHARGE_RULES, RechargeRulesStated))
    )


def show_rules(database: Database) -> Report[RulesRow]:
    """Give every version, oldest first."""
    with database.snapshot():
        events = list(stream_events(database, RECHARGE_RULES, RechargeRulesStated))
        actors = {event.rules: event.actor for event in events}
        rows = [
            RulesRow(
                since=one.since.isoformat(),
                amounts=one.amounts,
                payment_types=one.payment_types,
                least_age_months=one.least_age_months,
                with_smpp=one.with_smpp,
                document=one.source,
                actor=actors.get(one),
            )
            for one in versions(event.rules for event in events)
        ]
        return Report(RulesRow, log_position(database), rows)
