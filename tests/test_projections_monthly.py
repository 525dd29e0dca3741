"""Totals by tag, country, batch, user and kind per month are those of an independent fold."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from books import Books
from hypothesis import strategies as st
from properties import on_each_store
from stores import Store

from ledger.pages import Columns, Line, Texts, attribute, pack, record_pages
from ledger.pages import recorded as packed_page
from ledger.service import Ledger
from ledger.times import from_us
from projections import batch, month_sums, pairing
from projections.batch import catch_up
from projections.month_blocks import unpacked
from projections.monthly import MONTHLY_TOTALS

ACCOUNTS = ("sms-one-1", "sms-one-2")
ZONES = ("Europe/Rome", "America/New_York", "Pacific/Apia")
START = datetime(2026, 10, 30, tzinfo=UTC)
MINUTES = 4 * 24 * 60  # over the end of a month, whichever the zone

LABELS = {
    "tag": ("otp", "promo", "x.1"),
    "country": ("IT", "FR"),
    "batch": ("b-1", "b-2"),
    "user": ("anna", "berta"),
}
SINGLES = ("purchase", "recharge", "refund", "gift", "adjustment")


@dataclass(frozen=True)
class Step:
    """One line of a drawing; `numbers` are those of earlier lines of the account."""

    account: int
    at: datetime
    word: str
    milli: int
    numbers: tuple[int, ...]
    labels: dict[str, str]

    @property
    def place(self) -> str:
        return self.at.strftime("%Y-%m-%d %H:%M+00:00")


@st.composite
def steps(draw):
    minute = draw(st.one_of(st.sampled_from([0, 1320, 2880]), st.integers(0, MINUTES)))
    single = draw(st.sampled_from(SINGLES))
    words = ("sms", "sms", "sms", "hlr", "correct", "correct", "send-by", "send-by",
             "not-billed", "opening", "opening", single)  # fmt: skip
    return Step(
        account=draw(st.integers(0, 1)),
        at=START + timedelta(minutes=minute),
        word=draw(st.sampled_from(words)),
        milli=draw(st.integers(0, 5)) * 350,
        numbers=tuple(draw(st.lists(st.integers(1, 8), min_size=1, max_size=4, unique=True))),
        labels={
            name: draw(st.sampled_from(values))
            for name, values in LABELS.items()
            if draw(st.booleans())
        },
    )


@st.composite
def histories(draw):
    return draw(st.lists(steps(), min_size=draw(st.sampled_from([0, 12, 20])), max_size=25))


# --- the fold ------------------------------------------------------------------------------


@dataclass
class Sent:
    at: datetime
    kind: str
    milli: int
    labels: dict[str, str]
    page: int
    changes: list[int] = field(default_factory=list)


@dataclass
class Account:
    """What happened, as told: an opening, lines as they stand, and other movements."""

    opening: tuple[datetime, int] | None = None
    lines: list[Sent] = field(default_factory=list)
    others: list[tuple[datetime, str, int]] = field(default_factory=list)


def drawn(account: Account, step: Step, number: int) -> str | None:
    """Take a step; gives its drawing, unless it would say nothing."""
    known = [n for n in step.numbers if n <= len(account.lines)]
    amount = f"{step.milli // 1000}.{step.milli % 1000:03d}"
    match step.word:
        case "sms" | "hlr":
            kind = "consumption" if step.word == "sms" else "hlr"
            account.lines.append(Sent(step.at, kind, step.milli, dict(step.labels), number))
            rest = [amount, *(f"{name}={value}" for name, value in step.labels.items())]
        case "correct":
            known = [n for n in known if account.lines[n - 1].kind == "consumption"]
            if not known:
                return None
            sent = account.lines[known[0] - 1]
            before = sent.milli + sum(sent.changes)
            if before != step.milli:
                sent.changes.append(step.milli - before)
            rest = [str(known[0]), amount]
        case "send-by":
            known = [n for n in known if account.lines[n - 1].kind == "consumption"]
            if not known:
                return None
            user = step.labels.get("user", "carla")
            for n in known:
                account.lines[n - 1].labels["user"] = user
            rest = [",".join(map(str, sorted(known))), user]
        case "not-billed":
            if not known or account.lines[known[0] - 1].kind != "consumption":
                return None
            rest = [str(known[0])]
        case "opening":
            if account.opening is None or step.at <= account.opening[0]:
                account.opening = (step.at, step.milli)
            rest = [amount]
        case _:
            sign = -1 if step.word == "refund" else 1
            kind = "purchase" if step.word == "recharge" else step.word
            account.others.append((step.at, kind, sign * step.milli))
            rest = [amount, f"n{number}"]
    return f"{step.place} {step.word} {' '.join(rest)}"


def folded(accounts: dict[str, Account], zone: ZoneInfo) -> dict[tuple, tuple[int, int]]:
    """Give what the table must hold: by account, dimension, month, value."""
    sums: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])

    def add(key: tuple, count: int, milli: int) -> None:
        sums[key][0] += count
        sums[key][1] += milli

    for name, account in accounts.items():
        since = account.opening[0] if account.opening else datetime.min.replace(tzinfo=UTC)
        for sent in account.lines:
            if sent.at >= since:
                month = f"{sent.at.astimezone(zone):%Y-%m}"
                add((name, "kind", month, sent.kind), 1, -sent.milli)
                for change in sent.changes:
                    add((name, "kind", month, "correction"), 1, -change)
                for dimension in LABELS:
                    value = sent.labels.get(dimension, "ZZ" if dimension == "country" else "")
                    milli = -sent.milli - sum(sent.changes)
                    add((name, dimension, month, value), 1, milli)
        for at, kind, milli in account.others:
            if at >= since:
                add((name, "kind", f"{at.astimezone(zone):%Y-%m}", kind), 1, milli)
    return {key: (count, milli) for key, (count, milli) in sums.items()}


def stored(books: Books) -> dict[tuple, tuple[int, int]]:
    rows = books.table(
        "SELECT account, dimension, month, value, count, milli FROM monthly_total"
    )
    return {row[:4]: row[4:] for row in rows}


def add_up_to_the_days(books: Books) -> None:
    """By each dimension, a month's sums are those of its days, to the last thousandth."""
    days: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
    for account, day, kind, count, milli in books.table(
        "SELECT account, day, kind, count, milli FROM daily_total"
    ):
        labelled = kind in {"consumption", "hlr", "correction"}
        for dimension in ("kind", *LABELS) if labelled else ("kind",):
            is_line = dimension == "kind" or kind != "correction"
            days[account, dimension, day[:7]][0] += count if is_line else 0
            days[account, dimension, day[:7]][1] += milli
    months: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
    for (account, dimension, month, _), (count, milli) in stored(books).items():
        months[account, dimension, month][0] += count
        months[account, dimension, month][1] += milli
    assert months == days


@on_each_store(
    sqlite=25,
    postgresql=6,
    history=histories(),
    zone=st.sampled_from(ZONES),
    cuts=st.sets(st.integers(0, 24), max_size=8),
    limits=st.tuples(st.sampled_from([1, 2, 3, 1000]), st.sampled_from([0, 1, 8])),
)
def test_monthly_totals_equal_an_independent_fold_wherever_they_are_brought_up(
    store: Store, history, zone, cuts, limits
):
    at_once, waiting = limits
    with store.ledger() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "ENTRIES_PER_STEP", at_once)
        patch.setattr(pairing, "_WAITING", waiting)
        patch.setattr(month_sums, "_AT_MOST", at_once * 3)
        beginning = [f"customer one {zone}", *(f"account {name}" for name in ACCOUNTS)]
        books = Books(url).draw("\n".join(beginning))
        accounts = {name: Account() for name in ACCOUNTS}
        drawing: list[str] = []
        named = ""
        for number, step in enumerate(history):
            name = ACCOUNTS[step.account]
            line = drawn(accounts[name], step, number)
            if line is not None:
                # Lines that follow each other in one account make one page.
                drawing += [line] if name == named else [f"account {name}", line]
                named = name
            if number in cuts or number == len(history) - 1:
                books.draw("\n".join(drawing))
                drawing, named = [], ""
                with closing(books.database()) as database:
                    catch_up(MONTHLY_TOTALS, database)
                assert stored(books) == folded(accounts, ZoneInfo(zone))
        add_up_to_the_days(books)
        assert [f for f in books.rows("check", "--full") if f["severity"] == "integrity"] == []
        before = stored(books)
        assert books.type("rebuild", "--only", "monthly-totals").status == 0
        assert stored(books) == before


# --- by hand -------------------------------------------------------------------------------

AT_US = 1_793_404_800_000_000  # 2026-10-31T00:00:00Z


def recorded(books, *events):
    """Record events of the consumption of an account, as an importer would."""
    books.draw("customer one\naccount sms-one-1\n2026-10-01 09:00 opening 100")
    with Ledger(books.address) as ledger:
        ledger.work(lambda work: work.record(work.consumption("sms-one-1"), events))


def pages(books, ids, **columns):
    lines = [Line(id=i, at_us=AT_US, milli=100, **dict(zip(columns, values, strict=True)))
             for i, *values in zip(ids, *columns.values(), strict=True)]  # fmt: skip
    return list(record_pages("consumption", lines, numbers="none", stamp=books.stamp()))


def told(books, ids, user):
    users = [(i, user) for i in ids]
    return attribute("consumption", users, stamp=books.stamp(), at_us=AT_US)


def by(books, dimension):
    with closing(books.database()) as database:
        catch_up(MONTHLY_TOTALS, database)
    return {
        value: (count, milli)
        for (_, named, _, value), (count, milli) in stored(books).items()
        if named == dimension
    }


def test_who_sent_lines_may_be_told_of_several_pages_at_once(books):
    """A page holds ids of one type, and an import tells the users of a chunk together."""
    recorded(books, *pages(books, [1, 2, "a", "b"]), told(books, [1, "a", "b"], "anna"))
    assert by(books, "user") == {"": (1, -100), "anna": (3, -300)}


def test_what_is_said_last_of_who_sent_a_line_holds(books):
    first, second = pages(books, [1, 2]), pages(books, [3])
    users = [
        told(books, [1, 2], "anna"),
        told(books, [2, 3], "berta"),
        told(books, [3], "anna"),
    ]
    recorded(books, *first, users[0], *second, *users[1:])
    assert by(books, "user") == {"anna": (2, -200), "berta": (1, -100)}


def test_what_is_said_last_holds_wherever_it_was_said(books):
    """Behind a page that it is not about, or behind another attribution."""
    first, second, third = (pages(books, [n]) for n in (1, 2, 3))
    users = [told(books, [1], "carla"), told(books, [3], "berta"), told(books, [1], "anna")]
    recorded(books, *first, *second, users[0], *third, *users[1:])
    expected = {"": (1, -100), "anna": (1, -100), "berta": (1, -100)}
    assert by(books, "user") == expected
    assert books.rows("check", "--full") == []
    assert books.type("rebuild").status == 0
    assert by(books, "user") == expected


def test_an_attribution_of_unknown_lines_moves_nothing(books):
    recorded(books, *pages(books, [1, 9]), told(books, [5], "anna"), told(books, [20], "anna"))
    assert by(books, "user") == {"": (2, -200)}
    assert books.table("SELECT * FROM page_change") == []


def test_a_value_that_no_line_has_any_more_leaves_the_table(books):
    recorded(books, *pages(books, [1]))
    assert by(books, "user") == {"": (1, -100)}
    with Ledger(books.address) as ledger:
        later = told(books, [1], "anna")
        ledger.work(lambda work: work.record(work.consumption("sms-one-1"), [later]))
    assert by(books, "user") == {"anna": (1, -100)}


def test_a_batch_for_every_line_does_not_fill_the_memory(books, monkeypatch):
    monkeypatch.setattr(month_sums, "_AT_MOST", 500)
    written = []
    with closing(books.database()) as database:
        of_database = type(database)
    insert = of_database.insert

    def watched(self, table, rows):
        rows = list(rows)
        if table.name == "month_block":
            written.append(sum(len(unpacked(row[-1])) for row in rows))
        insert(self, table, rows)

    monkeypatch.setattr(of_database, "insert", watched)
    ids = list(range(5000))
    recorded(books, *pages(books, ids, batch=[f"b-{i}" for i in ids]))
    found = by(books, "batch")
    assert (len(found), set(found.values())) == (5000, {(1, -100)})
    assert len(written) > 5000 / (500 + 1000)
    assert max(written) < 500 + 1000 + 10 + 256 * 2  # a page may come on top, and full blocks


def test_countries_that_are_not_known_are_one_however_they_were_written(books):
    """A file may leave the country empty in one line and write ZZ in the next."""
    columns = Columns(
        id=[1, 2, 3],
        at_us=[AT_US] * 3,
        milli=[100] * 3,
        country=Texts([None, "ZZ", "IT"], [0, 1, 2]),
    )
    page = packed_page("consumption", pack(columns), numbers="none", stamp=books.stamp())
    recorded(books, page)
    assert by(books, "country") == {"ZZ": (2, -200), "IT": (1, -100)}


def test_lines_that_do_not_follow_time_are_counted_in_their_months(books):
    """Ids and times may differ in order; labels and users go with their lines."""
    day_us = 86_400_000_000
    lines = [
        Line(id=n, at_us=AT_US + (n * 7 % 5 - 2) * day_us, milli=n, tag=f"t-{n % 2}")
        for n in range(1, 9)
    ]
    stamp = books.stamp()
    users = [(n, f"u-{n % 3}") for n in range(1, 9)]
    recorded(
        books,
        *record_pages("consumption", lines, numbers="none", stamp=stamp),
        attribute("consumption", users, stamp=stamp, at_us=AT_US),
    )
    with closing(books.database()) as database:
        catch_up(MONTHLY_TOTALS, database)
    expected: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        month = f"{from_us(line.at_us).astimezone(ZoneInfo('Europe/Rome')):%Y-%m}"
        for dimension, value in (("tag", line.tag), ("user", f"u-{line.id % 3}")):
            expected[dimension, month, value][0] += 1
            expected[dimension, month, value][1] -= line.milli
    found = {key[1:]: list(sums) for key, sums in stored(books).items()}
    assert {key: found[key] for key in expected} == expected
    assert books.type("check", "--full").status == 0
