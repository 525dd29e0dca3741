"""The accounts of a book, and what each of them sends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

MONTHS: Final = 18
ACCOUNTS: Final = 40
CUSTOMERS: Final = 5

# A draw from a table is one multiplication; the weights of so many are exact enough.
TABLE: Final = 512

# Country: how often, and thousandths of a credit for one part.
_HOME: Final = ("IT", "FR")
_ABROAD: Final = {
    "ES": (30, 850), "DE": (30, 1100), "GB": (25, 650), "CH": (20, 800), "BE": (12, 1150),
    "AT": (10, 900), "RO": (9, 700), "PT": (8, 600), "NL": (7, 1200), "US": (6, 500),
    "MA": (4, 950), "TN": (3, 1300),
}  # fmt: skip
_HOME_MILLI: Final = {"IT": 1000, "FR": 950}
_PARTS: Final = {1: 84, 2: 12, 3: 3, 4: 1}
_KINDS: Final = {"consumption": 960, "reply": 20, "hlr": 15, "cleaning": 5}
_FIXED_MILLI: Final = {"reply": 1000, "hlr": 100, "cleaning": 50}
_TAGS: Final = (
    "newsletter", "otp", "reminder", "promo", "invoice", "delivery", "survey", "alert",
    "welcome", "birthday", "recall", "black-friday",
)  # fmt: skip
_USERS: Final = ("desk", "marketing", "shop.roma", "shop.lyon", "night-shift")

# What OVH's automatic recharge may buy.
_PACKS: Final = (
    100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000, 50_000, 100_000, 200_000, 500_000,
)  # fmt: skip

T = TypeVar("T")


class Choice(NamedTuple):
    """What is chosen for a message, all at once."""

    kind: str
    country: str
    parts: int
    tag: str
    user: str


class Drawn(NamedTuple):
    """What a message can be: its cost, and its cells before and after id and time.

    `campaign` is the campaign of its account that it belongs to; 0: none.
    """

    milli: int
    head: str
    middle: str
    campaign: int


@dataclass(slots=True)
class Account:
    """One account with its traffic; `milli` is what it owns as its rows are written."""

    customer: str
    name: str
    share: float
    pack: int
    messages: Sequence[Drawn] = ()
    batches: list[str] = field(default_factory=lambda: ["", "", "", ""])
    milli: int = 0

    @property
    def opening(self) -> int:
        return 2 * self.pack


def accounts_of(lines: int) -> list[Account]:
    """Give the accounts of a book of so many messages, the largest first."""
    whole = sum(1 / (rank + 1) for rank in range(ACCOUNTS))
    return [_account(rank, 1 / (rank + 1) / whole, lines) for rank in range(ACCOUNTS)]


def _account(rank: int, share: float, lines: int) -> Account:
    number = 10001 + rank % CUSTOMERS
    fortnight = share * lines / MONTHS / 2
    pack = next((pack for pack in _PACKS if pack >= fortnight), _PACKS[-1])
    name = f"sms-bn{number}-{rank // CUSTOMERS + 1}"
    return Account(f"bn{number}-ovh", name, share, pack)


def _table(draw: random.Random, weights: dict[T, int]) -> list[T]:
    return draw.choices(list(weights), list(weights.values()), k=TABLE)


def messages_of(draw: random.Random, rank: int, account: Account) -> list[Drawn]:
    """Draw the messages that an account chooses from."""
    home = _HOME[rank % CUSTOMERS % len(_HOME)]
    countries = {name: often for name, (often, _) in _ABROAD.items()} | {
        name: 780 if name == home else 80 for name in _HOME
    }
    tags = {"": 6} | {tag: 1 + 12 // (n + 1) for n, tag in enumerate(_TAGS)}
    users = dict.fromkeys(_USERS, 1) if rank % 4 == 1 else {"": 1}
    columns = (_table(draw, _KINDS), _table(draw, countries), _table(draw, _PARTS),
               _table(draw, tags), _table(draw, users))  # fmt: skip
    return [_drawn(account, Choice(*cells)) for cells in zip(*columns, strict=True)]


def _drawn(account: Account, chosen: Choice) -> Drawn:
    milli = _FIXED_MILLI.get(chosen.kind) or chosen.parts * _rate(chosen.country)
    sent = chosen.kind == "consumption"
    # The three tags that are used most are those of campaigns.
    campaign = _TAGS.index(chosen.tag) + 1 if sent and chosen.tag in _TAGS[:3] else 0
    return Drawn(
        milli,
        f"{account.customer},{account.name},{chosen.kind},",
        f"{credits_text(milli)},{chosen.country},{chosen.parts if sent else ''},"
        f"{chosen.tag},{chosen.user},",
        campaign,
    )


def _rate(country: str) -> int:
    return _HOME_MILLI.get(country) or _ABROAD[country][1]


def credits_text(milli: int) -> str:
    """Write thousandths as a file does, without needless zeros."""
    whole, rest = divmod(milli, 1000)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)


def campaign(draw: random.Random) -> str:
    return str(UUID(int=draw.getrandbits(128), version=4))
