"""The reports that are measured: how each is asked, and what the file says to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bench import checks, product
from bench.fold import Fold
from bench.scene import MONTH, PAST_DAY, Scene, largest, ordinary
from ledger.database import Database
from projections.balances import balances_at, balances_now
from projections.moments import Moment, parse_period
from projections.month_sums import Dimension
from projections.past import balance_before, reading
from projections.registers import register


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: an ordinary account of a book, and the largest."""

    truth: Fold
    account: str
    largest: str

    @classmethod
    def of(cls, scene: Scene) -> Subject:
        return cls(scene.book.truth, ordinary(scene.lines).name, largest(scene.lines).name)

    @property
    def instant(self) -> str:
        """The middle of the ordinary account's month, at one of its messages."""
        facts = self.truth.statements[self.account, MONTH]
        return facts[len(facts) // 2].at if facts else f"{PAST_DAY}T12:00:00+02:00"


@dataclass(frozen=True, slots=True)
class Report:
    key: str
    ask: Callable[[Database, Subject], Any]
    judge: Callable[[str, Any, Subject], None]
    lines: Callable[[Subject], int] | None = None

    def check(self, answer: Any, subject: Subject) -> None:
        """Hold an answer against the file. Raises WrongAnswer."""
        self.judge(self.key, answer, subject)


# --- balances ------------------------------------------------------------------------------


def _balance(database: Database, subject: Subject) -> Any:
    return balances_now(database, [subject.account]).rows[0].credits


def _balance_at(text: str, database: Database, account: str) -> Any:
    moment = Moment.parse(text)
    with reading(database, moment) as snapshot:
        return balances_at(snapshot, moment, balance_before, [account]).rows[0].credits


def _judge_balance(what: str, credits: Any, subject: Subject) -> None:
    checks.same(what, credits.milli, subject.truth.balances()[subject.account])


def _judge_past(what: str, credits: Any, subject: Subject) -> None:
    expected = subject.truth.balances(through=PAST_DAY)[subject.account]
    checks.same(what, credits.milli, expected)


def _judge_instant(what: str, credits: Any, subject: Subject) -> None:
    """The balance before the month, and all of it up to and with the instant."""
    expected = subject.truth.balances(through=f"{MONTH}-00")[subject.account]
    until = datetime.fromisoformat(subject.instant)
    for fact in subject.truth.statements[subject.account, MONTH]:
        if datetime.fromisoformat(fact.at) <= until:
            expected += fact.milli
    checks.same(what, credits.milli, expected)


# --- statements ----------------------------------------------------------------------------


def _statement(database: Database, account: str) -> Any:
    period = parse_period(MONTH)
    return register(database, period, [account], each_line=True, closing=True).rows


# --- a month by something ------------------------------------------------------------------


def _month(dimension: Dimension) -> Report:
    def ask(database: Database, _: Subject) -> list[Any]:
        return product.month_by(database, dimension, MONTH)

    def judge(what: str, rows: list[Any], subject: Subject) -> None:
        found = product.by_value(rows, dimension)
        checks.same(what, found, subject.truth.by(dimension, MONTH))

    return Report(f"month.{dimension}", ask, judge)


REPORTS: Final = (
    Report("balance", _balance, _judge_balance),
    Report("balance.past", lambda d, s: _balance_at(PAST_DAY, d, s.account), _judge_past),
    Report(
        "balance.instant", lambda d, s: _balance_at(s.instant, d, s.account), _judge_instant
    ),
    _month("country"),
    _month("tag"),
    _month("user"),
    _month("batch"),
    Report(
        "statement",
        lambda d, s: _statement(d, s.account),
        lambda what, rows, s: checks.statement(what, rows, s.truth, s.account, MONTH),
        lambda s: s.truth.lines_of(s.account, MONTH),
    ),
    Report(
        "statement.largest",
        lambda d, s: _statement(d, s.largest),
        lambda what, rows, s: checks.statement(what, rows, s.truth, s.largest, MONTH),
        lambda s: s.truth.lines_of(s.largest, MONTH),
    ),
)
