"""The VAT of bill lines, in cents: from their documents, never from a rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import lcm

from ledger.events import CreditsPurchased
from ledger.lots import shared
from ledger.money import Money
from projections.rounding import nearest


def cents_of(money: Money) -> int:
    return nearest(Fraction(money.amount) * 100)


def vat_of_lines(
    purchases: Iterable[tuple[int, CreditsPurchased]],
) -> dict[int, int | None]:
    """Give the VAT of a customer's bill lines by their positions; None where nothing tells it.

    A line's own, or its share of the bill's. Where all lines of a bill are known, their shares
    add up to it to the cent; else each is rounded alone.
    """
    found: dict[int, int | None] = {}
    bills: dict[str, list[tuple[int, CreditsPurchased]]] = defaultdict(list)
    for position, line in purchases:
        found[position] = _alone(line)
        if line.bill_id is not None:
            bills[line.bill_id].append((position, line))
    for lines in bills.values():
        found.update(_together(lines))
    return found


def _alone(line: CreditsPurchased) -> int | None:
    net, of, tax = line.total_price, line.bill_net, line.bill_tax
    if line.tax is not None:
        return cents_of(line.tax) if net and net.currency == line.tax.currency else None
    if net is None or of is None or tax is None or not of.amount:
        return None
    if not net.currency == of.currency == tax.currency:
        return None
    return nearest(
        Fraction(Fraction(tax.amount) * Fraction(net.amount) * 100, Fraction(of.amount))
    )


def _together(lines: Sequence[tuple[int, CreditsPurchased]]) -> dict[int, int]:
    """Share the VAT of a bill over all its lines; nothing where they are not all of it.

    They are shared in the order of their names: it does not matter which was recorded first.
    """
    of, tax = lines[0][1].bill_net, lines[0][1].bill_tax
    if of is None or tax is None or not of.amount or of.currency != tax.currency:
        return {}
    amounts: dict[int, Fraction] = {}
    for position, line in sorted(lines, key=lambda one: (one[1].bill_detail_id, one[0])):
        net = line.total_price
        if net is None or net.currency != of.currency or line.tax is not None:
            return {}
        if (line.bill_net, line.bill_tax) != (of, tax):
            return {}
        amounts[position] = Fraction(net.amount)
    if sum(amounts.values()) != Fraction(of.amount):
        return {}
    whole = lcm(*(amount.denominator for amount in amounts.values()))
    weights = [int(amount * whole) for amount in amounts.values()]
    return dict(zip(amounts, shared(cents_of(tax), weights), strict=True))
