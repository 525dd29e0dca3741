"""Totals against each other: sums that are equal, whatever they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ledger.database import Rows
from ledger.events import LINE_KINDS
from projections.lot_draws import drawn_milli
from projections.month_sums import DIMENSIONS, Dimension


def unequal_balances(rows: Rows) -> Iterator[tuple[str, int, int]]:
    """Give accounts whose days do not add up to what moved: thousandths of both."""
    for account, moved, summed in rows.execute(
        "SELECT account, moved_milli, (SELECT COALESCE(SUM(milli), 0) FROM daily_total d"
        " WHERE d.account = a.account) FROM account a ORDER BY account"
    ):
        if moved != summed:
            yield account, moved, int(summed)


def unequal_lots(rows: Rows) -> Iterator[tuple[str, int, int]]:
    """Give accounts whose lots are not what they own: thousandths of both."""
    went = drawn_milli(rows, posted=False)
    for account, owned, came in rows.execute(
        "SELECT account, COALESCE(opening_milli, 0) + moved_milli,"
        " (SELECT COALESCE(SUM(milli), 0) FROM main.lot_arrival l"
        " WHERE l.account = a.account)"
        " FROM account a ORDER BY account"
    ):
        left = int(came) - went.get(account, 0)
        if owned != left:
            yield account, owned, left


def unequal_posted(rows: Rows) -> Iterator[tuple[str, int, int]]:
    """Give accounts with lots of their own on the posted basis that are not what they own."""
    went = drawn_milli(rows, posted=True)
    for account, owned, came in rows.execute(
        "SELECT account, COALESCE(opening_milli, 0) + moved_milli,"
        " (SELECT COALESCE(SUM(milli), 0) FROM main.posted_arrival l"
        " WHERE l.account = a.account)"
        " FROM main.posted_customer p JOIN account a ON a.customer = p.customer"
        " WHERE p.differs = 1 ORDER BY account"
    ):
        left = int(came) - went.get(account, 0)
        if owned != left:
            yield account, owned, left


def unequal_months(rows: Rows) -> Iterator[tuple[Dimension, str, str]]:
    """Give dimensions, accounts and months that do not add up to the days of the month."""
    for dimension in DIMENSIONS:
        by = _BY_KIND if dimension == "kind" else _BY_LABEL
        for account, month in rows.execute(_UNEQUAL.format(**by), dimension=dimension):
            yield dimension, account, month


_UNEQUAL: Final = """
    WITH days AS (
        SELECT account, SUBSTR(day, 1, 7) AS month{kind}, SUM({lines}) AS count,
            SUM(milli) AS milli
        FROM main.daily_total WHERE {only} GROUP BY account, SUBSTR(day, 1, 7){kind}),
    months AS (
        SELECT account, month{value}, SUM(count) AS count, SUM(milli) AS milli
        FROM main.monthly_total WHERE dimension = :dimension GROUP BY account, month{value})
    SELECT account, month FROM (SELECT * FROM days EXCEPT SELECT * FROM months) AS one
    UNION SELECT account, month FROM (SELECT * FROM months EXCEPT SELECT * FROM days) AS two
    ORDER BY account, month LIMIT 5
"""
_LABELLED: Final = ", ".join(f"'{kind}'" for kind in (*LINE_KINDS, "correction"))
_BY_KIND: Final = {"kind": ", kind", "lines": "count", "only": "1 = 1", "value": ", value"}
_BY_LABEL: Final = {
    "kind": "",
    "lines": "CASE WHEN kind = 'correction' THEN 0 ELSE count END",
    "only": f"kind IN ({_LABELLED})",
    "value": "",
}
