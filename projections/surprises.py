"""Rate surprises: messages whose credits are not their parts × the rate of their country.

What OVH states of a message is what is booked. Where the rates that were in force ask for
something else, this is shown; it explains a difference of exactly that, as when OVH rates
messages anew afterwards. Pages are read one after the other, and only columns that are needed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final
from zoneinfo import ZoneInfo

from ledger.canonical import decode
from ledger.credits import Credits
from ledger.database import Rows
from ledger.events import LineCorrected, PageRecorded
from ledger.names import consumption_stream
from ledger.pages import LineId, Rated, page_columns, page_rated
from ledger.tariff import Tariff, after, at
from ledger.times import from_us, to_us
from projections.explanations import Claim
from projections.stream_events import stream_events
from projections.tariffs import tariff
from projections.words import many

# Pages that are fetched together; each is some 7 kB.
_AT_ONCE: Final = 16

Corrections = dict[int, dict[LineId, int]]


@dataclass(slots=True)
class _Surprise:
    """The messages to one country that cost something else than expected, in thousandths."""

    lines: int = 0
    spent: int = 0
    expected: int = 0
    first_us: int | None = None
    last_us: int = 0

    def add(self, at_us: int, spent: int, expected: int) -> None:
        self.lines += 1
        self.spent += spent
        self.expected += expected
        self.first_us = at_us if self.first_us is None else min(self.first_us, at_us)
        self.last_us = max(self.last_us, at_us)


# Where a line's country stands among the page's, its parts and cost, and the moments before it.
_Kind = tuple[int, int | None, int, int]


@dataclass(slots=True)
class _Judge:
    """Holds lines against a tariff. Between two of its moments the same rates are in force."""

    tariff: Tariff
    moments: list[int]
    found: dict[str, _Surprise] = field(default_factory=dict)

    def look(self, lines: Rated) -> None:
        """Judge lines that are alike together, since most of a page are."""
        regimes = self._regimes(lines.at_us)
        kinds = list(zip(lines.country.index, lines.parts, lines.milli, regimes, strict=False))
        odd: dict[_Kind, int] = {}
        for kind in set(kinds):
            expected = self._expected(lines.country.values[kind[0]], *kind[1:])
            if expected is not None and expected != kind[2]:
                odd[kind] = expected
        if odd:
            for at_us, kind in zip(lines.at_us, kinds, strict=True):
                if kind in odd:
                    country = lines.country.values[kind[0]] or ""
                    self.found.setdefault(country, _Surprise()).add(at_us, kind[2], odd[kind])

    def _regimes(self, at_us: Sequence[int]) -> Iterable[int]:
        """Say for each line how many moments lie before it."""
        first, last = (bisect_right(self.moments, one) for one in (min(at_us), max(at_us)))
        if first == last:
            return repeat(first)
        return [bisect_right(self.moments, one) for one in at_us]

    def _expected(
        self, country: str | None, parts: int | None, milli: int, regime: int
    ) -> int | None:
        """Give what the rates ask; None where none is known, or nothing was billed.

        A rate that OVH showed later may have begun before it was read, so it will do too.
        """
        if country is None or not parts or not milli or not regime:
            return None
        history = self.tariff.rates.get(country, ())
        moment = from_us(self.moments[regime - 1])
        held, coming = at(history, moment), after(history, moment)
        if held is None or held.value.credits is None:
            return None
        if coming is not None and coming.was_read and coming.value.credits is not None:
            later = parts * coming.value.credits.milli
            if later == milli:
                return milli
        return parts * held.value.credits.milli


def rate_surprises(rows: Rows, account: str, customer: str, zone: ZoneInfo) -> Iterator[Claim]:
    """Give what could explain a drift by country, where rates are known; in constant memory."""
    billing = _billing_country(rows, customer)
    known = tariff(rows, billing) if billing else None
    if known is None or not known.rates:
        return
    judge = _Judge(known, [to_us(moment) for moment in known.moments])
    for lines in _rated_pages(rows, account, since_us=judge.moments[0]):
        judge.look(lines)
    for country, one in sorted(judge.found.items()):
        text = (
            f"{many(one.lines, 'message')} to {country} cost {Credits(one.spent)} credits,"
            f" where parts × the rate of those billed in {billing} give"
            f" {Credits(one.expected)}; {_between(one, zone)}"
        )
        yield Claim("rate surprise", Credits(one.spent - one.expected), text, country)


def _between(one: _Surprise, zone: ZoneInfo) -> str:
    first, last = (
        from_us(us).astimezone(zone).date() for us in (one.first_us or 0, one.last_us)
    )
    return f"on {first}" if first == last else f"from {first} to {last}"


def _billing_country(rows: Rows, customer: str) -> str | None:
    found = rows.execute(
        "SELECT subsidiary FROM customer WHERE customer = :customer", customer=customer
    )
    return found[0][0] if found else None


def _rated_pages(rows: Rows, account: str, *, since_us: int) -> Iterator[Rated]:
    """Read the pages of messages that may hold lines from an instant on."""
    stream, corrections = consumption_stream(account), _corrections(rows, account)
    versions = [
        version
        for (version,) in rows.execute(
            "SELECT version FROM page_span WHERE account = :account AND kind = 'consumption'"
            " AND last_at_us >= :since ORDER BY version",
            account=account,
            since=since_us,
        )
    ]
    for start in range(0, len(versions), _AT_ONCE):
        some = versions[start : start + _AT_ONCE]
        for version, topic, state in rows.execute(
            _PAGES, stream=stream, first=some[0], last=some[-1], topic=PageRecorded.TOPIC
        ):
            page = decode(topic, state)
            if isinstance(page, PageRecorded) and page.kind == "consumption":
                lines = page_rated(page)
                if lines is not None:
                    yield _corrected(page, lines, corrections.get(version))


_PAGES: Final = """
    SELECT originator_version, topic, state FROM stored_events
    WHERE originator_id = :stream AND originator_version BETWEEN :first AND :last
        AND topic = :topic
"""


def _corrections(rows: Rows, account: str) -> Corrections:
    """Give what corrected lines cost now, by page: there are few of them."""
    found: Corrections = {}
    for event in stream_events(rows, consumption_stream(account), LineCorrected):
        found.setdefault(event.target_version, {})[event.line_id] = event.credits.milli
    return found


def _corrected(page: PageRecorded, lines: Rated, changed: dict[LineId, int] | None) -> Rated:
    if not changed:
        return lines
    ids = page_columns(page).id
    milli = [changed.get(id, cost) for id, cost in zip(ids, lines.milli, strict=True)]
    return lines._replace(milli=milli)
