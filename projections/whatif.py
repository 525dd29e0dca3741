"""`recharge whatif`: the real history with other settings of automatic recharge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ledger.credits import Credits
from ledger.database import Database, Rows
from ledger.errors import Misuse
from ledger.events import BalanceObserved, RechargeSettingsSeen
from ledger.names import observations_stream
from ledger.tariff import Tariff, whole
from projections.account_past import AccountPast, account_past
from projections.batch import caught_up
from projections.books import books, log_position
from projections.latest import latest
from projections.movement_index import MOVEMENT_INDEX
from projections.prices import tiers_of
from projections.replay import waits
from projections.report import Report
from projections.scenarios import (
    FOR_A_YEAR_US,
    SECOND_US,
    Ground,
    Scenario,
    happened,
    replayed,
)
from projections.settings_seen import settings_seen
from projections.words import many

if TYPE_CHECKING:
    from projections.moments import Period

Seen = Sequence[tuple[int, RechargeSettingsSeen]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked: settings (None: as they are in force), a period, a delay, prices.

    `delay_s` None: the median of the delays that happened. `amounts`: those that OVH offers.
    """

    account: str
    threshold: Credits | None
    amount: int | None
    off: bool
    period: Period
    delay_s: int | None
    amounts: Sequence[int]
    tariff: Tariff | None
    now: datetime


def whatif(database: Database, wanted: Wanted) -> Report[Scenario]:
    """Replay an account's history. Raises UnknownAccount, NoHistory, Misuse."""
    with caught_up(MOVEMENT_INDEX, database):
        (book,) = books(database, [wanted.account])
        observed = latest(database, observations_stream(book.account), BalanceObserved)
        history = account_past(database, book, wanted.period)
        seen = settings_seen(database, book.account)
        ground = Ground(book, history, tiers_of(wanted.tariff, wanted.now))
        threshold, amount = _settings(wanted, seen)
        now = seen[-1][1] if seen else None
        rows = [
            happened(ground, now.threshold if now else None, now.amount if now else None),
            replayed(
                ground,
                threshold,
                amount,
                delay_us=_delay_us(wanted, history, seen),
                amounts=wanted.amounts,
            ),
        ]
        remarks = [*_remarks(ground, seen), *_held(observed)]
        return Report(Scenario, log_position(database), rows, remarks)


def _delay_us(wanted: Wanted, history: AccountPast, seen: Seen) -> int:
    """Give the delay that is stated, else the median of those that happened, else none."""
    if wanted.delay_s is not None:
        return wanted.delay_s * SECOND_US
    found = waits(history.past, _Thresholds(seen).at)
    return found[(len(found) - 1) // 2] if found else 0


def _settings(wanted: Wanted, seen: Seen) -> tuple[Credits, int | None]:
    """Give the settings to replay: those stated, the others as they are in force."""
    threshold, amount = wanted.threshold, wanted.amount
    if seen and threshold is None:
        threshold = seen[-1][1].threshold
    if seen and amount is None and not wanted.off:
        amount = seen[-1][1].amount
    if threshold is None and wanted.off:
        threshold = Credits(0)
    if threshold is None or (amount is None and not wanted.off):
        lacks = "--threshold" if threshold is None else "--amount"
        state = "off" if seen else "not known yet"
        msg = (
            f"expected {lacks}, found that automatic recharge of {wanted.account} is {state}:"
            " type --threshold and --amount, or --off"
        )
        raise Misuse(msg)
    return threshold, amount


class _Thresholds:
    """The threshold in force at an instant: as it was seen last, at first as it was seen first.

    Instants must be asked in their order.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._place = 0

    def at(self, at_us: int) -> int | None:
        while self._place + 1 < len(self._seen) and self._seen[self._place + 1][0] <= at_us:
            self._place += 1
        if not self._seen or self._seen[self._place][1].amount is None:
            return None
        return self._seen[self._place][1].threshold.milli


def _remarks(ground: Ground, seen: Seen) -> Iterator[str]:
    account, past = ground.book.account, ground.history.past
    if not ground.tiers:
        yield (
            f"no price is known for {account}: credits alone are told; run `sms-ledger rates"
            " update`, or give a file with --rates"
        )
    if past.end_us - past.start_us < FOR_A_YEAR_US:
        yield "the history is shorter than four weeks: what a year costs is not told from it"
    amounts = {one.amount for _, one in seen if one.amount}
    unclear = sum(ground.history.purchases[whole(one).milli] for one in amounts)
    if unclear:
        which, them = ("is", "it is") if unclear == 1 else ("are", "they are")
        yield (
            f"{many(unclear, 'purchase')} of as many credits as a recharge {which} not known to"
            f" be automatic: {them} replayed as ordered"
        )
    changes = sum(past.start_us < at_us < past.end_us for at_us, _ in seen[1:])
    if changes:
        yield (
            f"the settings changed {many(changes, 'time')} meanwhile: what happened knew all of"
            " them"
        )


def _held(observed: BalanceObserved | None) -> Iterator[str]:
    if observed is not None and observed.held:
        yield (
            f"OVH holds {observed.held} credits back for users' quotas: its recharges may come"
            " earlier than in a replay, which counts them as owned"
        )


def billing_country(rows: Rows, account: str) -> str | None:
    """Tell where the customer of an account is billed. Raises UnknownAccount."""
    (book,) = books(rows, [account])
    found = rows.execute(
        "SELECT subsidiary FROM customer WHERE customer = :customer", customer=book.customer
    )
    return found[0][0] if found and found[0][0] else None
