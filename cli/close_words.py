"""A close in plain words: the list of a month, and what is frozen of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from cli.tables import draw
from ledger.credits import Credits

if TYPE_CHECKING:
    from cli.actions.closing_months import Tried
    from projections.close_items import Item
    from projections.closings import ClosedAccount, Cost, PeriodRow
    from projections.report import Report


def lines(tried: Tried) -> Iterator[str]:
    """Tell a month's list, then its figures, and whether it is closed now."""
    from projections.closings import summed

    yield from _items(tried.items)
    if not tried.open:
        yield figures(map(summed, tried.of.accounts))
    if tried.closed is not None:
        yield (
            f"{tried.of.month.name} of {tried.of.customer} is closed with these figures, as the"
            " ledger had them at"
        )


def _items(items: Iterable[Item]) -> Iterator[str]:
    for item in items:
        yield f"{item.status:8}  {item.text}" + (f"; {item.next}" if item.next else "")


def figures(accounts: Iterable[ClosedAccount]) -> str:
    """Draw what a close holds of each account."""
    return draw(
        ("account", "balance", "used", "cost", "of unknown cost", "left", "its cost"),
        [
            (
                one.account, one.balance, one.used, _joined(one.used_cost), one.unvalued,
                one.left, _joined(one.left_cost),
            )
            for one in accounts
        ],
        numbers=(False, *[True] * 6),
    )  # fmt: skip


def _joined(costs: Iterable[Cost]) -> str:
    return ", ".join(map(str, costs)) or "-"


def next_ones(report: Report[PeriodRow]) -> Iterator[str]:
    """Tell what the next month of each customer waits for."""
    for row in report.rows:
        if row.status == "open":
            yield f"next of {row.customer}: {row.month}"
            yield from _items(row.items)


def closed_account(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Tell what the event of a close holds of an account, line by line."""
    name, at = one["account"], one["covered_at"]
    yield (
        name,
        f"covered by the look at OVH of {at}" if at else "no look at OVH covers it",
    )
    yield f"{name} balance", _credits(one["balance_milli"])
    if one["unexplained_milli"]:
        yield f"{name} unexplained", f"{_credits(one['unexplained_milli'])}, accepted"
    for drawn in one["drawn"]:
        posted = "" if drawn["posted_as"] == "current" else f", {drawn['posted_as']}"
        yield f"{name} {drawn['kind']}{posted}", _worth(drawn["credits_milli"], drawn)
    for lot in one["left"]:
        milli = sum(part["credits_milli"] for part in lot["stretches"])
        of = "" if lot["account"] == name else f" of {lot['account']}"
        yield f"{name} left of {lot['lot']}{of}", _worth(milli, lot)


def _worth(milli: int, of: dict[str, Any]) -> str:
    unvalued = of.get("unvalued_milli")
    unknown = f", {_credits(unvalued)} of unknown cost" if unvalued else ""
    return f"{_credits(milli)}, cost {of['cost'] or 'none or not known'}{unknown}"


def _credits(milli: int | None) -> str:
    return "not known" if milli is None else f"{Credits(milli)} credits"
