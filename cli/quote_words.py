"""A quote in plain words: what was bought, how a text is counted, what makes it dear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ledger.encoding import Foreign, Sms
from projections.quotes import Quote, Text
from projections.words import many

_NAMED: Final = 5


def bought(rows: Sequence[Quote]) -> Iterator[str]:
    """Say what the credits are and cost."""
    for row in rows[:1]:
        what = f"{row.pack_credits} credits, billed in {row.billing_country}"
        if row.price_per_credit is None:
            yield f"{what}; their price is not known (excluding VAT)."
        else:
            yield f"{what}, at {row.price_per_credit} {row.currency} each, excluding VAT."


def sentences(text: Text) -> Iterator[str]:
    """Say how a text is counted, and what makes it dear."""
    yield f"The text: {_counted(text.sms)}."
    places: dict[tuple[str, str, str | None], list[int]] = {}
    for one in text.sms.foreign:
        places.setdefault((one.character, one.name, one.instead), []).append(one.place)
    for (character, name, instead), found in list(places.items())[:_NAMED]:
        yield f"  {_named(Foreign(0, character, name, instead), found)}"
    if len(places) > _NAMED:
        yield f"  and {many(len(places) - _NAMED, 'more character')} outside the GSM alphabet"
    if text.bare is not None:
        yield f"Without them: {_counted(text.bare)}."


def _counted(measured: Sms) -> str:
    characters = many(measured.characters, "character")
    return f"{measured.encoding}, {characters}, {many(len(measured.parts), 'part')}"


def _named(one: Foreign, places: Sequence[int]) -> str:
    where = ", ".join(map(str, places[:_NAMED])) + (", …" if len(places) > _NAMED else "")
    typed = f"; type {one.instead!r} instead" if one.instead else ""
    shown = f"{one.character} " if one.character.isprintable() else ""
    return f"{shown}({one.name}) at {where} forces Unicode{typed}"
