"""Faults: what can go wrong between a client and OVH, queued and then met.

A fault waits for requests that match it, lets `after` of them pass, spoils the next
`times`, and is gone.
"""

import re
from decimal import Decimal
from random import Random
from typing import Literal

import msgspec

Kind = Literal[
    "status", "iam", "html", "empty", "truncated", "malformed", "null", "list", "reset",
    "cut", "slow", "lost", "hung", "skew", "noise", "finer", "item",
]  # fmt: skip

KINDS: dict[str, str] = {
    "status": "a legacy JSON error with `status` (and `retry_after`), nothing performed",
    "iam": "403 in the IAM form, nothing performed",
    "html": "an HTML page with `status` 408, 502 or 503, nothing performed",
    "empty": "performed, then an empty 200",
    "truncated": "performed, then fewer bytes than Content-Length says, and closed",
    "malformed": "performed, then a 200 whose JSON breaks off",
    "null": "JSON `null` with the error `status`",
    "list": "a JSON list with the error `status`",
    "reset": "the connection is reset before any answer, nothing performed",
    "cut": "performed, then reset in the middle of the answer",
    "slow": "performed and answered after `seconds`",
    "lost": "performed, then reset after `seconds` without an answer",
    "hung": "no answer for `seconds`, then reset, nothing performed",
    "skew": "/auth/time is off by `seconds`",
    "noise": "numbers called `field` carry the noise of binary floats, 12.300000000000001",
    "finer": "numbers called `field` are truly finer than a thousandth, by 0.0005",
    "item": "the first id of an X-Ovh-Batch answer fails with `status`",
}
DEFAULT_STATUS = {"html": 503, "null": 500, "list": 500, "status": 503, "item": 500}
HTML_PAGES = {
    408: "Your browser didn't send a complete request in time.",
    502: "The server returned an invalid or incomplete response.",
    503: "No server is available to handle this request.",
}
RANDOM_READS: tuple[tuple[Kind, int], ...] = (
    ("status", 429),
    ("status", 500),
    ("status", 503),
    ("html", 408),
    ("html", 502),
    ("html", 503),
    ("reset", 0),
    ("truncated", 0),
    ("cut", 0),
)
RANDOM_WRITES: tuple[tuple[Kind, int], ...] = (("status", 503), ("html", 503), ("lost", 0))
SIGNIFICANT_DIGITS = 16  # of a binary double, one less than what it prints with noise
HALF_A_THOUSANDTH = Decimal("0.0005")


class Fault(msgspec.Struct, kw_only=True):
    """One fault: which requests it meets, and what it does to them."""

    match: str = "* *"  # method and path pattern, `GET /sms/*`
    kind: Kind = "status"
    times: int = 1
    after: int = 0
    status: int = 0
    retry_after: int | None = None
    seconds: float = 0
    field: str = "creditsLeft"
    message: str = "Internal Server Error"

    @property
    def code(self) -> int:
        return self.status or DEFAULT_STATUS.get(self.kind, 500)

    def meets(self, method: str, path: str) -> bool:
        wanted_method, _, wanted_path = self.match.partition(" ")
        pattern = ".*".join(re.escape(part) for part in wanted_path.split("*"))
        return wanted_method in ("*", method) and bool(re.fullmatch(pattern, path))


class Faults:
    """The faults that wait, and the seeded chance of random ones."""

    def __init__(self, seed: int, rate: float = 0) -> None:
        self.waiting: list[Fault] = []
        self.rate = rate
        self._random = Random(f"faults/{seed}")  # noqa: S311 - a simulation, not a secret

    def add(self, fault: Fault) -> None:
        self.waiting.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """Find what spoils this request, if anything does."""
        for fault in self.waiting:
            if fault.meets(method, path):
                if fault.after:
                    fault.after -= 1
                    continue
                self._use(fault)
                return fault
        return self._by_chance(method)

    def _use(self, fault: Fault) -> None:
        fault.times -= 1
        if fault.times <= 0:
            self.waiting.remove(fault)

    def _by_chance(self, method: str) -> Fault | None:
        if not self.rate or self._random.random() >= self.rate:
            return None
        choices = RANDOM_READS if method == "GET" else RANDOM_WRITES
        kind, status = self._random.choice(choices)
        return Fault(kind=kind, status=status)


def html_page(status: int) -> bytes:
    """Write the page of an overloaded front server."""
    words = HTML_PAGES.get(status, "Something went wrong.")
    title = {408: "Request Time-out", 502: "Bad Gateway", 503: "Service Unavailable"}
    head = f"{status} {title.get(status, 'Error')}"
    return f"<html><body><h1>{head}</h1>\n{words}\n</body></html>\n".encode()


def noisy(value: Decimal) -> Decimal:
    """Add what a binary double adds: one in the last of its digits."""
    return value + Decimal(1).scaleb(value.adjusted() - SIGNIFICANT_DIGITS)


def finer(value: Decimal) -> Decimal:
    return value + HALF_A_THOUSANDTH
