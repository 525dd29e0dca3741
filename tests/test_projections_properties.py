"""Random books: every report equals an independent fold of the same history."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from books import Books
from hypothesis import strategies as st
from properties import on_each_store
from stores import Store

ACCOUNTS = ("sms-one-1", "sms-one-2")
ZONES = ("Europe/Rome", "Europe/London", "America/New_York", "Pacific/Apia")

# Around the days on which clocks change in Europe and in North America.
STARTS = (datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 3, 7, tzinfo=UTC))
MINUTES = 4 * 24 * 60

LINES = ("sms", "reply", "hlr")
SINGLES = ("purchase", "recharge", "refund", "gift", "adjustment", "transfer")


@dataclass(frozen=True)
class Step:
    """One line of a drawing."""

    account: int
    at: datetime
    word: str
    milli: int
    line: int

    @property
    def at_text(self) -> str:
        return self.at.strftime("%Y-%m-%d %H:%M+00:00")


@st.composite
def steps(draw, start):
    minute = draw(st.one_of(st.sampled_from([0, 60, 1439, 1440]), st.integers(0, MINUTES)))
    word = draw(st.sampled_from((*LINES, *LINES, *SINGLES, "correct", "opening", "opening")))
    return Step(
        account=draw(st.integers(0, 1)),
        at=start + timedelta(minutes=minute),
        word=word,
        milli=draw(st.integers(0, 20)) * 350,
        line=draw(st.integers(1, 6)),
    )


@st.composite
def histories(draw):
    start = draw(st.sampled_from(STARTS))
    return draw(st.lists(steps(start), min_size=draw(st.sampled_from([0, 8, 16])), max_size=25))


def credits(milli: int) -> str:
    return f"{milli // 1000}.{milli % 1000:03d}"


def drawing(history: list[Step], zone: str) -> str:
    rows, account, sent = (
        [f"customer one {zone}", *(f"account {a}" for a in ACCOUNTS)],
        1,
        [0, 0],
    )
    for number, step in enumerate(history):
        if step.account != account:
            account = step.account
            rows.append(f"account {ACCOUNTS[account]}")
        if step.word == "correct" and step.line > sent[account]:
            continue
        sent[account] += step.word in LINES
        rows.append(f"{step.at_text} {step.word} {_rest(step, number)}")
    return "\n".join(rows)


def _rest(step: Step, number: int) -> str:
    match step.word:
        case "correct":
            return f"{step.line} {credits(step.milli)}"
        case "transfer":
            return f"{credits(step.milli)} {ACCOUNTS[1 - step.account]} t{number}"
        case "purchase" | "recharge" | "refund" | "gift" | "adjustment":
            return f"{credits(step.milli)} n{number}"
        case _:
            return credits(step.milli)


@dataclass
class Fold:
    """One account by the book: an opening, and every movement as (time, kind, thousandths)."""

    opening: tuple[datetime, int] | None
    moved: list[tuple[datetime, str, int]]

    def counted(self) -> list[tuple[datetime, str, int]]:
        since = self.opening[0] if self.opening else datetime.min.replace(tzinfo=UTC)
        return [movement for movement in self.moved if movement[0] >= since]

    def balance(self, until: datetime) -> Decimal | None:
        """Give what is owned at an instant, its own movements counted."""
        if self.opening is None or until < self.opening[0]:
            return None
        moved = sum(milli for at, _, milli in self.counted() if at <= until)
        return Decimal(self.opening[1] + moved) / 1000


def fold(history: list[Step]) -> dict[str, Fold]:
    books = {account: Fold(None, []) for account in ACCOUNTS}
    lines: dict[str, list[tuple[datetime, int]]] = {account: [] for account in ACCOUNTS}
    for step in history:
        name, other = ACCOUNTS[step.account], ACCOUNTS[1 - step.account]
        book = books[name]
        match step.word:
            case "opening":
                if book.opening is None or step.at <= book.opening[0]:
                    book.opening = (step.at, step.milli)
            case "sms" | "reply" | "hlr":
                lines[name].append((step.at, step.milli))
                kind = "consumption" if step.word == "sms" else step.word
                book.moved.append((step.at, kind, -step.milli))
            case "correct":
                if step.line <= len(lines[name]):
                    at, before = lines[name][step.line - 1]
                    lines[name][step.line - 1] = (at, step.milli)
                    if before != step.milli:
                        book.moved.append((at, "correction", before - step.milli))
            case "refund":
                book.moved.append((step.at, "refund", -step.milli))
            case "transfer":
                book.moved.append((step.at, "transfer-out", -step.milli))
                books[other].moved.append((step.at, "transfer-in", step.milli))
            case _:
                book.moved.append((step.at, step.word, step.milli))
    return books


def recorded(url: str, history: list[Step], zone: str, *, together: bool) -> Books:
    return Books(url).draw(drawing(history, zone), together=together)


@on_each_store(
    sqlite=15,
    postgresql=5,
    history=histories(),
    zone=st.sampled_from(ZONES),
    together=st.booleans(),
    minute=st.integers(0, MINUTES),
)
def test_balances_totals_and_moments_equal_an_independent_fold(
    store: Store, history, zone, together, minute
):
    with store.ledger() as url:
        books = recorded(url, history, zone, together=together)
        expected = fold(history)
        assert balances(books) == {a: book.balance(THE_END) for a, book in expected.items()}

        at = start_of(history) + timedelta(minutes=minute)
        day = at.astimezone(ZoneInfo(zone)).date()
        for asked, until in ((at.isoformat(), at), (day.isoformat(), end_of(day, zone))):
            assert balances(books, "--as-of", asked) == {
                account: book.balance(until) for account, book in expected.items()
            }

        stored = books.table("SELECT account, day, kind, milli FROM daily_total")
        assert {row[:3]: row[3] for row in stored} == daily(expected, zone)
        assert [f for f in books.rows("check", "--full") if f["severity"] == "integrity"] == []


@on_each_store(sqlite=15, postgresql=5, history=histories(), zone=st.sampled_from(ZONES))
def test_running_balances_equal_an_independent_fold(store: Store, history, zone):
    with store.ledger() as url:
        books = recorded(url, history, zone, together=False)
        for account, book in fold(history).items():
            rows = books.rows("stmt", account)
            each = books.rows("stmt", account, "--lines")
            assert sums_hold(rows)
            assert sums_hold(each)
            assert sum(row["count"] for row in rows) == len(book.counted())
            assert sum(row["count"] for row in each) == len(book.counted())
            for row in last_of_each_instant(each):
                at = datetime.fromisoformat(row["happened_at"])
                assert number(row["balance"]) == book.balance(at)
            assert singles(rows) == singles(each)


@on_each_store(
    sqlite=15,
    postgresql=5,
    history=histories(),
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, MINUTES),
    length=st.integers(1, MINUTES),
)
def test_a_statement_of_a_period_begins_and_ends_with_the_balances_of_a_fold(
    store: Store, history, zone, minute, length
):
    begin = start_of(history) + timedelta(minutes=minute)
    end = begin + timedelta(minutes=length)
    with store.ledger() as url:
        books = recorded(url, history, zone, together=False)
        for account, book in fold(history).items():
            rows = books.rows("stmt", account, "-b", begin.isoformat(), "-e", end.isoformat())
            inside = [at for at, *_ in book.counted() if begin <= at < end]
            assert sum(row["count"] for row in rows) == len(inside)
            assert sums_hold(rows)
            if rows and book.opening:
                last = book.balance(end - timedelta(microseconds=1))
                assert number(rows[-1]["balance"]) == last
                if rows[0]["kind"] == "brought-forward":
                    first = book.balance(begin - timedelta(microseconds=1))
                    assert number(rows[0]["balance"]) == first


# --- what the properties compare -----------------------------------------------------------

SPENT = ("consumption", "reply", "hlr")
THE_END = datetime(2027, 1, 1, tzinfo=UTC)


def number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def start_of(history: list[Step]) -> datetime:
    return min((step.at for step in history), default=STARTS[0])


def end_of(day: date, zone: str) -> datetime:
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))
    return midnight.astimezone(UTC) - timedelta(microseconds=1)


def balances(books: Books, *words: str) -> dict[str, Decimal | None]:
    return {row["account"]: number(row["credits"]) for row in books.rows("bal", *words)}


def daily(expected: dict[str, Fold], zone: str) -> dict[tuple[str, str, str], int]:
    totals: dict[tuple[str, str, str], int] = defaultdict(int)
    for account, book in expected.items():
        for when, kind, milli in book.counted():
            day = when.astimezone(ZoneInfo(zone)).date().isoformat()
            totals[account, day, "purchase" if kind == "recharge" else kind] += milli
    return dict(totals)


def sums_hold(rows) -> bool:
    """The credits of all rows until one add up to its balance."""
    total = Decimal(0)
    for row in rows:
        total += Decimal(row["credits"])
        if row["balance"] is not None and total != Decimal(row["balance"]):
            return False
    return True


def last_of_each_instant(rows):
    return {row["happened_at"]: row for row in rows if row["kind"] != "closing"}.values()


def singles(rows):
    """Grouped and ungrouped, every single movement has the same balance."""
    return [
        (row["happened_at"], row["kind"], row["reference"], row["balance"])
        for row in rows
        if row["kind"] not in (*SPENT, "closing")
    ]
