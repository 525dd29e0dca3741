"""From when on an account is counted: from its opening, by the days of its customer.

A projection that goes along with the log takes openings as they come; one that is made again
begins with those that hold at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol
from zoneinfo import ZoneInfo

from ledger.database import Rows
from ledger.errors import IntegrityFailure
from ledger.events import BalanceOpened, OpeningRestated
from ledger.times import zone


@dataclass(frozen=True, slots=True)
class Counted:
    """An account, and from when on its movements count (None: all), in microseconds."""

    account: str
    zone: ZoneInfo
    since_us: int | None

    def counts(self, at_us: int) -> bool:
        return self.since_us is None or at_us >= self.since_us


class Openings(Protocol):
    """Says from when on accounts are counted."""

    def of(self, account: str) -> Counted: ...

    def move(self, account: str, at_us: int) -> Counted | None:
        """Take note of an opening that comes by; gives what held so far, if it was another."""
        ...


class GoingAlong:
    """Openings as they were at a position of the log, and as they come after it."""

    def __init__(self, rows: Rows, position: int) -> None:
        self._rows = rows
        self._position = position
        self._known: dict[str, Counted] = {}

    def of(self, account: str) -> Counted:
        known = self._known.get(account)
        if known is None:
            known = self._known[account] = self._find(account)
        return known

    def move(self, account: str, at_us: int) -> Counted | None:
        before = self.of(account)
        self._known[account] = replace(before, since_us=at_us)
        return None if before.since_us == at_us else before

    def _find(self, account: str) -> Counted:
        ((zone_name,),) = self._rows.execute(
            "SELECT time_zone FROM account JOIN customer USING (customer)"
            " WHERE account = :account",
            account=account,
        )
        opened = self._rows.execute(
            "SELECT happened_at_us FROM event_log WHERE stream = :account"
            " AND topic IN (:opened, :restated) AND position <= :position"
            " ORDER BY version DESC LIMIT 1",
            account=account,
            opened=BalanceOpened.TOPIC,
            restated=OpeningRestated.TOPIC,
            position=self._position,
        )
        return Counted(account, zone(zone_name), opened[0][0] if opened else None)


class Settled:
    """Openings that do not change while something is made again."""

    def __init__(self, counted: Mapping[str, Counted]) -> None:
        self._counted = counted

    def of(self, account: str) -> Counted:
        try:
            return self._counted[account]
        except KeyError:
            msg = f"expected {account} to be opened in the log, found its movements alone"
            raise IntegrityFailure(msg) from None

    def move(self, account: str, at_us: int) -> None:
        return None

    def extend(self, later: Settled) -> bool:
        """Take accounts that came later; False where a known one is counted otherwise since."""
        known = self._counted
        if any(later.of(account) != counted for account, counted in known.items()):
            return False
        self._counted = later._counted
        return True
