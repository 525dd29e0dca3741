"""Events: one closed union of frozen facts, whose stored names hold no place in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import msgspec
import pytest

from ledger.credits import Credits
from ledger.events import (
    BY_TOPIC,
    EVENTS,
    LINE_KINDS,
    AccountClosed,
    AccountEvent,
    BalanceObserved,
    ConsumptionEvent,
    Coverage,
    CustomerEvent,
    Event,
    FromFile,
    FromOperator,
    FromOvh,
    FromRule,
    PeriodEvent,
    RatesEvent,
    Reading,
    RechargeRulesStated,
    Source,
    Stamp,
    TransferEvent,
)
from ledger.money import Money

NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)
TOPIC = re.compile(r"sms\.[a-z]+(-[a-z]+)*\.[1-9][0-9]*")

STAMP = Stamp(recorded_at=NOON, actor="anna", command_id="c0ffee", source=FromOperator())


def leaves(kind: type[Event]) -> Iterator[type[Event]]:
    for child in kind.__subclasses__():
        yield child
        yield from leaves(child)


# --- the union -----------------------------------------------------------------------------


def test_the_union_holds_every_event_that_is_written() -> None:
    assert set(EVENTS) == set(leaves(Event))
    assert len(EVENTS) == len(set(EVENTS))


ALONE = (BalanceObserved, RechargeRulesStated)  # of a stream each


def test_the_union_is_that_of_the_streams() -> None:
    parts = [
        CustomerEvent,
        AccountEvent,
        ConsumptionEvent,
        RatesEvent,
        TransferEvent,
        PeriodEvent,
    ]
    assert [*(one for part in parts for one in get_args(part)), *ALONE] == list(EVENTS)


def test_each_event_is_found_by_its_own_topic() -> None:
    assert {BY_TOPIC[event.TOPIC] for event in EVENTS} == set(EVENTS)
    assert len(BY_TOPIC) == len(EVENTS)


@pytest.mark.parametrize("event", EVENTS)
def test_a_topic_is_plain_words_and_a_version(event: type[Event]) -> None:
    assert TOPIC.fullmatch(event.TOPIC)


@pytest.mark.parametrize("event", EVENTS)
def test_no_topic_names_a_module_or_a_class(event: type[Event]) -> None:
    assert event.__name__ not in event.TOPIC
    assert event.__module__ not in event.TOPIC


def test_lines_are_of_four_kinds() -> None:
    assert LINE_KINDS == ("consumption", "reply", "hlr", "cleaning")


# --- the shape -----------------------------------------------------------------------------


def parts_of(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Give a struct and those that stand in it."""
    yield kind
    for field in msgspec.structs.fields(kind):
        for part in mentioned(field.type):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                yield from parts_of(part)


def mentioned(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from mentioned(argument)


ALL_PARTS = sorted(
    {part for event in EVENTS for part in parts_of(event)}, key=lambda part: part.__name__
)


# What has a canonical form: JSON's own, and what `canonical` turns into it.
STORABLE = {int, str, bool, bytes, datetime, type(None), Credits, Money}


@pytest.mark.parametrize("part", ALL_PARTS)
def test_every_field_is_whole_numbers_text_or_made_of_them(part: type[msgspec.Struct]) -> None:
    for field in msgspec.structs.fields(part):
        for mention in mentioned(field.type):
            if isinstance(mention, type) and not issubclass(mention, msgspec.Struct):
                assert mention in STORABLE, field.name
            assert mention is not Any, field.name


@pytest.mark.parametrize("part", ALL_PARTS)
def test_credits_are_stored_under_a_name_that_tells_thousandths(
    part: type[msgspec.Struct],
) -> None:
    for field in msgspec.structs.fields(part):
        counts_credits = Credits in set(mentioned(field.type))
        assert field.encode_name.endswith("_milli") == counts_credits, field.name


@pytest.mark.parametrize("part", ALL_PARTS)
def test_every_part_of_an_event_is_frozen_and_strict(part: type[msgspec.Struct]) -> None:
    assert part.__struct_config__.frozen
    assert part.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_carries_the_whole_envelope(event: type[Event]) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(event) if field.required}
    assert names >= {
        "happened_at", "recorded_at", "actor", "command_id", "caused_by", "reason", "source",
    }  # fmt: skip


@pytest.mark.parametrize("part", ALL_PARTS)
def test_no_field_is_made_for_personal_data(part: type[msgspec.Struct]) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(part)}
    assert names.isdisjoint(
        {"receiver", "sender", "number", "message", "login", "password", "email", "phone"}
    )


def test_a_fact_cannot_be_changed() -> None:
    closed = AccountClosed(**STAMP.at(NOON), written_off=Credits(5))
    with pytest.raises(AttributeError):
        closed.written_off = Credits(6)  # type: ignore[misc]


# --- time ----------------------------------------------------------------------------------

NAIVE = NOON.replace(tzinfo=None)
ROMAN = NOON.astimezone(timezone(timedelta(hours=1)))


@pytest.mark.parametrize("wrong", [NAIVE, ROMAN])
def test_an_events_times_are_in_utc(wrong: datetime) -> None:
    with pytest.raises(ValueError, match="in UTC"):
        AccountClosed(**STAMP.at(wrong), written_off=Credits(5))


@pytest.mark.parametrize("wrong", [NAIVE, ROMAN])
def test_the_times_of_its_parts_are_in_utc_too(wrong: datetime) -> None:
    with pytest.raises(ValueError, match=r"found .* for read_at"):
        FromOvh("/sms", wrong, None)
    with pytest.raises(ValueError, match=r"found .* for at"):
        Reading(wrong, "1", "0")
    with pytest.raises(ValueError, match=r"found .* for bills"):
        Coverage(outgoing=NOON, incoming=None, hlr=None, jobs=None, bills=wrong)


# --- the envelope --------------------------------------------------------------------------


def test_a_stamp_gives_each_event_of_a_command_the_same_envelope_but_its_own_time() -> None:
    stamp = Stamp(
        recorded_at=NOON,
        actor="anna",
        command_id="c0ffee",
        source=FromRule("quota", 1),
        caused_by="beef",
        reason="asked by phone",
    )
    earlier = NOON - timedelta(days=1)
    assert stamp.at(earlier) == {
        "happened_at": earlier,
        "recorded_at": NOON,
        "actor": "anna",
        "command_id": "c0ffee",
        "caused_by": "beef",
        "reason": "asked by phone",
        "source": FromRule("quota", 1),
    }


def test_one_event_may_have_a_source_of_its_own() -> None:
    own = FromFile(sha256="ab" * 32, first_line=2, last_line=2)
    assert STAMP.at(NOON, own)["source"] == own
    assert STAMP.at(NOON)["source"] == FromOperator()


@pytest.mark.parametrize(
    ("source", "stored"),
    [
        (
            FromOvh("/sms/{serviceName}", NOON, "EU.ext-1"),
            {
                "from": "ovh",
                "route": "/sms/{serviceName}",
                "read_at": "2026-10-31T12:00:00Z",
                "query_id": "EU.ext-1",
            },
        ),
        (
            FromFile("ab", 2, 9),
            {"from": "file", "sha256": "ab", "first_line": 2, "last_line": 9},
        ),
        (FromOperator(), {"from": "operator"}),
        (FromRule("hlr-0.1", 1), {"from": "rule", "name": "hlr-0.1", "version": 1}),
    ],
)
def test_a_source_says_by_a_plain_word_what_it_is(
    source: Source, stored: dict[str, Any]
) -> None:
    assert msgspec.to_builtins(source) == stored
