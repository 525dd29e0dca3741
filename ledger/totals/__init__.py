"""The views that are written in the transaction of the events, so that they are never stale.

They are the log (position and digest of every event) with its seals, customers, accounts with
their balance, signed daily totals, imports under way and open breaks. A `Writing` is the
recorder's; `refold` makes them again from the stored events, which is also how `check` proves
them.
"""

from __future__ import annotations

from ledger.totals.balances import Balance, refold_balances
from ledger.totals.log import Recorded
from ledger.totals.views import VIEWS, Writing, refold, write

__all__ = [
    "VIEWS",
    "Balance",
    "Recorded",
    "Writing",
    "refold",
    "refold_balances",
    "write",
]
