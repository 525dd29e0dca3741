"""Consumption: each line is recorded once, whatever the order in which lines come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.consumption import (
    Conflict,
    Consumption,
    Recording,
    evolve,
    record_lines,
    touched,
)
from ledger.credits import ZERO, Credits
from ledger.events import (
    ConsumptionEvent,
    FromOperator,
    LineCorrected,
    LineKind,
    PageRecorded,
    Stamp,
)
from ledger.pages import Line, LineId, attribute, record_pages, unpack
from ledger.pages import packing as module
from ledger.times import from_us, to_us

NOON_US = to_us(datetime(2026, 10, 31, 12, tzinfo=UTC))
STAMP = Stamp(
    recorded_at=from_us(NOON_US), actor="sync", command_id="c0ffee", source=FromOperator()
)


def line(id: LineId, milli: int = 60, **others: Any) -> Line:
    return Line(**{"id": id, "at_us": NOON_US, "milli": milli, "parts": 1, **others})


@dataclass
class Stream:
    """One consumption stream in memory: its events, and lines looked up as the service does."""

    state: Consumption = field(default_factory=lambda: Consumption("sms-ab12345-1"))
    events: list[ConsumptionEvent] = field(default_factory=list)

    def record(self, *lines: Line, kind: LineKind = "consumption") -> Recording:
        known = dict(self.known(kind, {line.id for line in lines}))
        recording = record_lines(
            self.state, kind, lines, known, numbers="numbers 1", stamp=STAMP
        )
        for event in (*recording.pages, *recording.corrections):
            self.place(event)
        return recording

    def place(self, event: ConsumptionEvent) -> None:
        self.events.append(event)
        evolve(self.state, event)
        assert self.state.version == len(self.events)

    def known(
        self, kind: LineKind, ids: set[LineId]
    ) -> Iterator[tuple[LineId, tuple[int, Line]]]:
        for version in touched(self.state, kind, ids):
            page = self.events[version - 1]
            assert isinstance(page, PageRecorded)
            for line in unpack(page):
                if line.id in ids:
                    yield line.id, (version, line)

    def recorded(self, kind: LineKind = "consumption") -> list[Line]:
        pages = [event for event in self.events if isinstance(event, PageRecorded)]
        return [line for page in pages if page.kind == kind for line in unpack(page)]

    def spent(self) -> Credits:
        """Add what the lines cost and what was corrected since."""
        total = ZERO
        for event in self.events:
            match event:
                case PageRecorded():
                    total += event.spent
                case LineCorrected():
                    total += event.credits - event.previous
        return total


@pytest.fixture
def stream() -> Stream:
    return Stream()


# --- each line once ------------------------------------------------------------------------


def test_new_lines_are_recorded_in_a_page(stream: Stream) -> None:
    recording = stream.record(line(2), line(1))
    assert [page.count for page in recording.pages] == [2]
    assert (recording.corrections, recording.conflicts) == ([], [])
    assert stream.recorded() == [line(1), line(2)]
    assert stream.state.lines == 2


def test_the_same_lines_again_record_nothing(stream: Stream) -> None:
    stream.record(line(1), line(2))
    assert stream.record(line(2), line(1)) == Recording([], [], [])


def test_of_an_overlap_only_what_is_new_is_recorded(stream: Stream) -> None:
    stream.record(line(1), line(2), line(3))
    recording = stream.record(line(2), line(3), line(4))
    assert [unpack(page) for page in recording.pages] == [[line(4)]]


def test_an_older_line_that_lies_between_known_ids_is_recorded(stream: Stream) -> None:
    stream.record(line(1), line(9))
    stream.record(line(5))
    assert stream.recorded() == [line(1), line(9), line(5)]
    assert stream.record(line(1), line(5), line(9)) == Recording([], [], [])


def test_a_line_that_comes_twice_at_once_is_recorded_once(stream: Stream) -> None:
    stream.record(line(1), line(1))
    assert stream.recorded() == [line(1)]


def test_an_id_of_another_kind_is_another_line(stream: Stream) -> None:
    stream.record(line(1))
    stream.record(line(1, 100), kind="hlr")
    assert stream.recorded("hlr") == [line(1, 100)]
    assert stream.state.lines == 2


def test_a_number_and_its_digits_are_two_ids(stream: Stream) -> None:
    stream.record(line(1))
    stream.record(line("1"))
    assert stream.recorded() == [line(1), line("1")]


def test_no_lines_record_nothing(stream: Stream) -> None:
    assert stream.record() == Recording([], [], [])


def test_a_decision_leaves_the_state_as_it_is(stream: Stream) -> None:
    record_lines(stream.state, "consumption", [line(1)], {}, numbers="n", stamp=STAMP)
    assert stream.state == Consumption("sms-ab12345-1")


# --- what OVH changed afterwards -----------------------------------------------------------


def test_changed_credits_append_a_correction_that_names_its_line(stream: Stream) -> None:
    stream.record(line(1), line(2))
    recording = stream.record(line(2, 0))
    assert recording.pages == []
    (corrected,) = recording.corrections
    assert (corrected.target_version, corrected.kind, corrected.line_id) == (
        1, "consumption", 2,
    )  # fmt: skip
    assert (corrected.previous, corrected.credits) == (Credits(60), ZERO)
    assert corrected.happened_at == from_us(NOON_US)
    assert stream.spent() == Credits(60)


def test_a_correction_is_not_made_twice(stream: Stream) -> None:
    stream.record(line(1))
    stream.record(line(1, 0))
    assert stream.record(line(1, 0)) == Recording([], [], [])


def test_a_correction_may_be_taken_back(stream: Stream) -> None:
    stream.record(line(1))
    stream.record(line(1, 0))
    (back,) = stream.record(line(1, 60)).corrections
    assert (back.previous, back.credits) == (ZERO, Credits(60))
    assert stream.spent() == Credits(60)


@pytest.mark.parametrize(
    "change",
    [{"receipt": 16}, {"country": "FR"}, {"tag": "x"}, {"deferral": 5}, {"length": 9}],
)
def test_a_changed_receipt_or_label_records_nothing(
    stream: Stream, change: dict[str, Any]
) -> None:
    stream.record(line(1))
    assert stream.record(line(1, **change)) == Recording([], [], [])


def test_a_receipt_that_changed_between_two_lists_of_one_batch_is_no_conflict(
    stream: Stream,
) -> None:
    recording = stream.record(line(1, receipt=0), line(1, receipt=1))
    assert recording.conflicts == []
    assert stream.recorded() == [line(1, receipt=0)]


# --- the same id, another message ----------------------------------------------------------


@pytest.mark.parametrize("change", [{"at_us": NOON_US + 1}, {"parts": 2}])
def test_another_time_or_number_of_parts_is_a_conflict(
    stream: Stream, change: dict[str, Any]
) -> None:
    stream.record(line(1))
    recording = stream.record(line(1, 120, **change), line(2))
    assert recording.conflicts == [Conflict(line(1), line(1, 120, **change))]
    assert recording.corrections == []
    assert stream.recorded() == [line(1), line(2)]


def test_parts_that_a_file_leaves_unsaid_do_not_conflict(stream: Stream) -> None:
    stream.record(line(1, parts=None), line(2))
    assert stream.record(line(1, parts=3), line(2, parts=None)) == Recording([], [], [])


@pytest.mark.parametrize("known", [[], [line(1)]])
def test_two_costs_for_one_line_of_one_batch_are_a_conflict(
    stream: Stream, known: list[Line]
) -> None:
    stream.record(*known)
    recording = stream.record(line(1), line(1, 120))
    assert recording.conflicts == [Conflict(line(1), line(1, 120))]
    assert stream.recorded() == [line(1)]


# --- which pages may hold an id ------------------------------------------------------------


def test_only_pages_whose_range_an_id_lies_in_are_looked_at(stream: Stream) -> None:
    stream.record(line(10), line(19))
    stream.record(line(20), line(29))
    stream.record(line("a"), line("m"))
    stream.record(line(15), kind="reply")

    def pages(*ids: LineId) -> list[int]:
        return touched(stream.state, "consumption", ids)

    assert pages() == []
    assert pages(9, 30) == []
    assert pages(10) == pages(19) == pages(15) == [1]
    assert pages(19, 20) == [1, 2]
    assert pages(9, 30, 25) == [2]
    assert pages("m") == [3]
    assert pages("15", "n") == []
    assert touched(stream.state, "reply", [15]) == [4]


def test_replay_gives_the_state_that_recording_left(stream: Stream) -> None:
    stream.record(line(1), line(2))
    stream.record(line(2, 0), line(3))
    stream.place(attribute("consumption", [(1, "anna")], stamp=STAMP, at_us=NOON_US))
    again = Consumption("sms-ab12345-1")
    for event in stream.events:
        evolve(again, event)
    assert again == stream.state
    assert again.corrected == {("consumption", 2): ZERO}


# --- in any order --------------------------------------------------------------------------

# Few ids, so that batches overlap; the message behind an id is always the same one.
some_ids = st.integers(0, 60) | st.sampled_from("abc")
batches = st.lists(
    st.lists(st.tuples(some_ids, st.sampled_from([0, 60, 120])), max_size=25), max_size=12
)


def one_cost_each(batch: Iterable[tuple[LineId, int]]) -> list[Line]:
    return [line(id, milli) for id, milli in dict(batch).items()]


@settings(max_examples=150, deadline=None)
@given(batches)
def test_out_of_order_interleaved_or_at_random_the_ledger_stays_exact(
    batches: list[list[tuple[LineId, int]]],
) -> None:
    stream, cost = Stream(), dict[LineId, int]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LINES_PER_PAGE", 4)
        for batch in batches:
            recording = stream.record(*one_cost_each(batch))
            new = {id for id, _ in batch} - cost.keys()
            changed = {id for id, milli in dict(batch).items() if cost.get(id, milli) != milli}
            assert sum(page.count for page in recording.pages) == len(new)
            assert {one.line_id for one in recording.corrections} == changed
            assert recording.conflicts == []
            cost.update(batch)
    ids = [line.id for line in stream.recorded()]
    assert len(ids) == len(set(ids)) == stream.state.lines
    assert set(ids) == set(cost)
    assert stream.spent().milli == sum(cost.values())


@settings(deadline=None)
@given(st.permutations(range(24)), st.integers(1, 24))
def test_any_order_of_the_same_lines_comes_to_the_same(ids: list[int], size: int) -> None:
    stream = Stream()
    for start in range(0, len(ids), size):
        stream.record(*(line(id) for id in ids[start : start + size + 3]))
    assert sorted(stream.recorded(), key=lambda line: line.id) == [line(n) for n in range(24)]


def test_lines_of_a_long_account_touch_few_pages(stream: Stream) -> None:
    for page in record_pages(
        "consumption", (line(id) for id in range(20_000)), numbers="n", stamp=STAMP
    ):
        stream.place(page)
    assert touched(stream.state, "consumption", [7, 19_999]) == [1, 20]
    assert stream.record(line(20_000)).pages[0].count == 1
