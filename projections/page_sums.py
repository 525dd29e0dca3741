"""What pages come to: a task for any process, since it needs their bytes alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from ledger.canonical import decode
from ledger.errors import IntegrityFailure
from ledger.events import LinesAttributed, PageRecorded
from ledger.pages import LineId, Texts, order, page_columns, user_columns
from ledger.times import to_us
from projections.counted import Counted
from projections.day_sums import DaySums, DayTotals
from projections.month_sums import MonthSums, MonthTotals
from projections.shares import (
    Shares,
    page_shares,
    page_shares_and_ids,
    shares_of,
    users_of,
)

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")


class Run(Protocol):
    """Works off tasks, and gives their results in the order of the tasks."""

    def __call__(
        self, function: Callable[[TaskT], ResultT], tasks: Iterable[TaskT]
    ) -> Iterator[ResultT]: ...


def alone(function: Callable[[TaskT], ResultT], tasks: Iterable[TaskT]) -> Iterator[ResultT]:
    """Work off tasks in this process."""
    return map(function, tasks)


class Item(NamedTuple):
    """A page as it is stored, and the attribution that follows it directly, if one does."""

    counted: Counted
    page: bytes
    told: bytes | None


class Task(NamedTuple):
    """Some pages; `proved`: each is read whole, and held against its header line by line."""

    items: list[Item]
    proved: bool = False


class Summed(NamedTuple):
    """What the pages of a task come to.

    `own` tells of each whether the attribution behind it is about its lines alone, and so is
    counted; `faults` says what is wrong with those that are not counted.
    """

    days: DayTotals
    months: MonthTotals
    own: list[bool]
    faults: list[str | None]


def sum_pages(task: Task) -> Summed:
    """Add up pages. Raises IntegrityFailure for one that cannot be read, unless `proved`."""
    days, months = DaySums(), MonthSums()
    summed = Summed(days.found, months.found, [], [])
    for item in task.items:
        own, fault = False, None
        try:
            page = _page(item.page)
            shares, ids = _read(page, proved=task.proved, with_ids=item.told is not None)
            own, users = _users(page, ids, item.told)
            days.add_page(item.counted, page.kind, shares, to_us(page.recorded_at))
            months.add_page(item.counted, page.kind, shares, users)
        except IntegrityFailure as error:
            if not task.proved:
                raise
            fault = str(error)
        summed.own.append(own)
        summed.faults.append(fault)
    return summed


def _page(state: bytes) -> PageRecorded:
    page = decode(PageRecorded.TOPIC, state)
    assert isinstance(page, PageRecorded)  # noqa: S101 (for the type checker)
    return page


def _read(
    page: PageRecorded, *, proved: bool, with_ids: bool
) -> tuple[Shares, Sequence[LineId]]:
    """Read a page, and the ids of its lines where they are needed. Raises IntegrityFailure."""
    if not proved:
        return page_shares_and_ids(page) if with_ids else (page_shares(page), ())
    columns = page_columns(page)
    places = list(map(order, columns.id))
    if sorted(set(places)) != places:
        msg = "expected lines ordered by id, each once, found otherwise"
        raise IntegrityFailure(msg)
    return shares_of(columns), columns.id


def _users(
    page: PageRecorded, ids: Sequence[LineId], state: bytes | None
) -> tuple[bool, Texts | None]:
    """Give who sent a page's lines, if an attribution says so of this page alone."""
    if state is None:
        return False, None
    told = decode(LinesAttributed.TOPIC, state)
    assert isinstance(told, LinesAttributed)  # noqa: S101 (for the type checker)
    named = user_columns(told)
    if told.kind != page.kind or not (named[0] == ids or set(named[0]).issubset(ids)):
        return False, None
    return True, users_of(ids, [named])
