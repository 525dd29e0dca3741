"""How a text becomes SMS: its encoding, its parts, and the characters that make it dear.

A phone takes 160 characters of the GSM alphabet, or 70 of Unicode; what is longer goes in
parts of 153 or 67, each of which is paid like an SMS. One character outside the alphabet turns
the whole text to Unicode. The figures are those of OVH's guides and FAQ on SMS (2026); the
alphabet is that of 3GPP TS 23.038 (GSM 03.38).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from ledger.errors import InvalidValue, Refused

Encoding = Literal["7bits", "unicode"]  # OVH's own words (`sms.EncodingEnum`)

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Sent as an escape and a second character: OVH counts them twice.
EXTENSION: Final = frozenset("^{}\\[~]|€\f")

# OVH's FAQ (2026-03-27): "maximum 6 SMS", which are 918 characters of the GSM alphabet.
MOST_PARTS: Final = 6

# Appended by OVH to marketing messages of French accounts, unless `noStopClause` is set. All
# its characters are of the alphabet, so that it is as long in either encoding.
STOP_CLAUSE: Final = "\nSTOP:36111"


@dataclass(frozen=True, slots=True)
class Room:
    """How many units a message of one part holds, and each part of several."""

    alone: int
    part: int

    def less(self, units: int) -> tuple[Room, Room]:
        """Give the room of the first part, which holds `units` more, and of the others."""
        return Room(self.alone - units, self.part - units), self


ROOM: Final[dict[Encoding, Room]] = {"7bits": Room(160, 153), "unicode": Room(70, 67)}


class TooManyParts(Refused):
    """A text that OVH does not send: more parts than it allows."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A character outside the GSM alphabet, where it stands (from 1), and what to type instead.

    `instead` is None where nothing obvious says the same.
    """

    place: int
    character: str
    name: str
    instead: str | None


@dataclass(frozen=True, slots=True)
class Sms:
    """A text as it is sent.

    `characters` counts units: GSM characters with those of the extension twice, or UTF-16
    units; the STOP clause is among them. `parts` are pieces of the text, in order; the clause
    is in none of them.
    """

    encoding: Encoding
    characters: int
    parts: tuple[str, ...]
    foreign: tuple[Foreign, ...]


def sms(text: str, *, stop_clause: bool = False) -> Sms:
    """Encode and cut a text. Raises InvalidValue or TooManyParts.

    With the STOP clause the first part has eleven characters less: 149 and 59 where it is the
    only one (OVH's guides), 142 and 56 where more follow, since OVH's Control Panel counts
    clause and text together (`TucSmsMediator`). The guides' "149, then 153" for several parts
    would need more room than a part has.
    """
    _require_characters(text)
    foreign = tuple(_foreign(text))
    encoding: Encoding = "unicode" if foreign else "7bits"
    width = _utf16_units if foreign else _septets
    clause = len(STOP_CLAUSE) if stop_clause else 0
    parts = tuple(_cut(text, width, ROOM[encoding], clause))
    if len(parts) > MOST_PARTS:
        msg = (
            f"expected a text of at most {MOST_PARTS} parts, which is what OVH sends, found"
            f" {len(parts)} ({encoding}): shorten it or send it as several messages"
        )
        raise TooManyParts(msg)
    return Sms(encoding, sum(map(width, text)) + clause, parts, foreign)


def plain(text: str) -> str:
    """Give a text in the GSM alphabet: what has a replacement replaced, what has none left out.

    Letters that were typed as a letter and an accent of its own are joined first.
    """
    joined = unicodedata.normalize("NFC", text)
    return "".join(one if is_gsm(one) else instead(one) or "" for one in joined)


def is_gsm(character: str) -> bool:
    return character in BASIC or character in EXTENSION


def instead(character: str) -> str | None:
    """Give what says the same in the GSM alphabet, None where nothing obvious does."""
    found = _INSTEAD.get(character)
    if found is None:
        bare = unicodedata.normalize("NFKD", character)
        found = "".join(one for one in bare if not unicodedata.combining(one))
    return found if found and all(map(is_gsm, found)) else None


# What word processors and phones type by themselves, and what has no decomposition.
_INSTEAD: Final = {
    **dict.fromkeys("‘’‚‛′´`ʼ‹›", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("\t\u00a0\u2007\u2009\u200a\u202f", " "),
    **dict.fromkeys("•·‣", "-"),
    "…": "...", "×": "x", "÷": "/", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d",
    "Đ": "D", "ð": "d", "þ": "th", "ı": "i", "©": "(c)", "®": "(r)", "™": "TM", "⁄": "/",
}  # fmt: skip


def _require_characters(text: str) -> None:
    if not text:
        msg = "expected a text to send, found an empty one"
        raise InvalidValue(msg)
    for place, character in enumerate(text, start=1):
        if "\ud800" <= character <= "\udfff":
            msg = (
                f"expected whole characters, found a lone surrogate U+{ord(character):04X} as"
                f" character {place} of the text: half of a character was lost, or the text is"
                " not UTF-8; type it again"
            )
            raise InvalidValue(msg)


def _foreign(text: str) -> Iterator[Foreign]:
    for place, character in enumerate(text, start=1):
        if not is_gsm(character):
            name = unicodedata.name(character, f"U+{ord(character):04X}")
            yield Foreign(place, character, name, instead(character))


def _septets(character: str) -> int:
    return 2 if character in EXTENSION else 1


def _utf16_units(character: str) -> int:
    return 2 if character > "\uffff" else 1


def _cut(text: str, width: Callable[[str], int], room: Room, clause: int) -> Iterator[str]:
    """Cut a text into parts; a character that takes two units is never split between them."""
    first, others = room.less(clause)
    if sum(map(width, text)) <= first.alone:
        yield text
        return
    start, used, limit = 0, 0, first.part
    for place, character in enumerate(text):
        if used + width(character) > limit:
            yield text[start:place]
            start, used, limit = place, 0, others.part
        used += width(character)
    yield text[start:]
