"""A replay in plain words, beside what happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cli.tables import cell, draw
from projections.scenarios import Offered, Scenario
from projections.words import many


def words(happened: Scenario, replayed: Scenario) -> Iterator[str]:
    """Say how it went, how it would have gone, and what other amounts would cost."""
    yield f"{happened.account}, {cell(happened.begin)} to {cell(happened.end)}"
    yield ""
    yield draw(
        ["", "as it happened", "replayed"],
        list(_lines(happened, replayed)),
        numbers=[False, True, True],
    )
    yield ""
    if replayed.offered:
        yield f"Other amounts, below {replayed.threshold}:"
        yield _amounts(replayed)
        yield ""
    yield from _rules(replayed)
    yield from (f"advice: {line}" for line in replayed.advice)


def _lines(happened: Scenario, replayed: Scenario) -> Iterator[list[str]]:
    both = (happened, replayed)

    def line(name: str, values: Iterator[Any]) -> list[str]:
        return [name, *map(cell, values)]

    yield ["settings", *(_settings(one) for one in both)]
    yield line("recharges", (one.recharges for one in both))
    yield line("opening", (one.opening for one in both))
    yield line("recharged", (one.recharged for one in both))
    yield line("other credits", (one.other for one in both))
    yield line("used", (one.used for one in both))
    yield line("closing", (one.closing for one in both))
    yield line("lowest balance", (one.lowest for one in both))
    yield line("  on", (f"{one.lowest_at:%Y-%m-%d}" for one in both))
    yield line("days dry", (one.days_dry for one in both))
    yield line("  below zero", (one.days_below_zero for one in both))
    if any(one.cost for one in both):
        yield line("recharges cost", (_money(one.cost, one) for one in both))
        yield line("a year costs", (_money(one.cost_per_year, one) for one in both))


def _settings(one: Scenario) -> str:
    if one.amount is None:
        return "off" if one.threshold is not None else "not known"
    return f"{one.amount} below {one.threshold}"


def _money(amount: str | None, one: Scenario) -> str | None:
    return None if amount is None else f"{amount} {one.currency}"


def _amounts(replayed: Scenario) -> str:
    names = ["amount", "recharges", "lowest", "days dry"]
    priced = any(one.price for one in replayed.offered)
    if priced:
        names += ["a credit", "at once", "a year"]
    rows = [[cell(value) for value in _values(one)][: len(names)] for one in replayed.offered]
    return draw(names, rows, numbers=[True] * len(names))


def _values(one: Offered) -> list[Any]:
    return [
        one.amount, one.recharges, one.lowest, one.days_dry,
        one.price_per_credit, one.price, one.cost_per_year,
    ]  # fmt: skip


def _rules(replayed: Scenario) -> Iterator[str]:
    after = f"{replayed.delay_s} s later" if replayed.delay_s else "at once"
    yield (
        "A recharge starts when something takes credits and leaves fewer than the threshold; it"
        f" comes {after}, one at a time."
    )
    if replayed.days_below_zero:
        yield (
            "What was sent is sent in the replay too: on"
            f" {many(replayed.days_below_zero, 'day')} the balance was below zero, where OVH"
            " would have refused some of it."
        )
