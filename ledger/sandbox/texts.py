"""Message texts: how they are counted, and how thousands of them are kept lightly."""

from functools import lru_cache
from typing import NamedTuple

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = frozenset("^{}\\[~]|€\f")
GSM_ONE, GSM_PART = 160, 153
UNICODE_ONE, UNICODE_PART = 70, 67
MAX_PARTS = 6
STOP_CLAUSE = "\nSTOP:36111"

# A kept text holds this mark where the message's own six-digit code is shown.
CODE = "\x1a"
CODE_WIDTH = 6


class Count(NamedTuple):
    characters: int
    unicode: bool
    parts: int

    @property
    def per_part(self) -> int:
        if self.unicode:
            return UNICODE_ONE if self.parts == 1 else UNICODE_PART
        return GSM_ONE if self.parts == 1 else GSM_PART


@lru_cache(maxsize=1024)
def counted(kept: str) -> Count:
    """Count a text as an SMS: 7-bit with doubled escapes, or UTF-16 units."""
    text = shown(kept, 0)
    if set(text) <= BASIC | ESCAPED:
        length = len(text) + sum(character in ESCAPED for character in text)
        return Count(length, unicode=False, parts=_parts(length, GSM_ONE, GSM_PART))
    length = len(text.encode("utf-16-le")) // 2
    return Count(length, unicode=True, parts=_parts(length, UNICODE_ONE, UNICODE_PART))


def shown(kept: str, id: int) -> str:
    """Show a kept text as the message with this id carries it."""
    return kept.replace(CODE, f"{id * 7919 % 10**CODE_WIDTH:0{CODE_WIDTH}d}")


def _parts(length: int, one: int, part: int) -> int:
    return 1 if length <= one else -(-length // part)
