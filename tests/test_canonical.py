"""Canonical bytes: what is stored of each event, read strictly, and the digest that proves it.

The samples of `tests/data/topics` are what a ledger in use may hold: see the README there.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.canonical import decode, encode, leaf, plain
from ledger.errors import IntegrityFailure
from ledger.events import BY_TOPIC, LedgerEvent, LinesAttributed, PageRecorded
from ledger.pages import attributed, unpack

DATA = Path(__file__).parent / "data"
TOPICS = sorted(BY_TOPIC)
UTC_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z")


def sample(topic: str) -> bytes:
    return (DATA / "topics" / f"{topic}.state").read_bytes()


def body_of(event: LedgerEvent) -> Any:
    """Give what stands in an event's body, as plain JSON values."""
    match event:
        case PageRecorded():
            return [msgspec.to_builtins(line) for line in unpack(event)]
        case LinesAttributed():
            return [[line, user] for line, user in attributed(event).items()]
        case _:
            return None


# --- the samples that are kept -------------------------------------------------------------


def test_each_topic_has_a_sample_and_each_sample_a_topic() -> None:
    assert sorted(path.stem for path in DATA.glob("topics/*.state")) == TOPICS
    assert sorted(path.stem for path in DATA.glob("topics/*.json")) == TOPICS


def test_the_kept_files_are_those_that_were_kept() -> None:
    lines = (DATA / "SHA256SUMS").read_text().splitlines()
    kept = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {
        str(path.relative_to(DATA)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in DATA.rglob("*")
        if path.is_file() and path.name not in {"README.md", "SHA256SUMS"}
    }
    assert found == kept


@pytest.mark.parametrize("topic", TOPICS)
def test_a_sample_means_what_it_meant_when_it_was_kept(topic: str) -> None:
    event = decode(topic, sample(topic))
    expected = json.loads((DATA / "topics" / f"{topic}.json").read_text())
    told = json.dumps({"event": plain(event), "body": body_of(event)})
    assert json.loads(told) == expected


@pytest.mark.parametrize("topic", TOPICS)
def test_a_sample_is_encoded_to_the_same_bytes_again(topic: str) -> None:
    assert encode(decode(topic, sample(topic))) == sample(topic)


# --- what is stored ------------------------------------------------------------------------


def header(topic: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(sample(topic).partition(b"\n")[0])
    return parsed


def with_header(topic: str, fields: dict[str, Any]) -> bytes:
    _, newline, body = sample(topic).partition(b"\n")
    return json.dumps(fields).encode() + newline + body


Place = tuple[str | int, ...]


def places(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Give every place in a JSON value, with what stands there."""
    yield place, value
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in entries:
            yield from places(inner, (*place, key))


def changed(fields: dict[str, Any], place: Place, change: Callable[[Any, Any], None]) -> Any:
    """Give a copy of a JSON value in which `change` was made to one place's container."""
    spoilt = copy.deepcopy(fields)
    container = spoilt
    for key in place[:-1]:
        container = container[key]
    change(container, place[-1])
    return spoilt


def placed(value: object) -> Callable[[Any, Any], None]:
    def put(container: Any, key: Any) -> None:
        container[key] = value

    return put


def removed(container: Any, key: Any) -> None:
    del container[key]


@pytest.mark.parametrize("topic", TOPICS)
def test_what_is_stored_is_whole_numbers_and_text_only(topic: str) -> None:
    for place, value in places(header(topic)):
        assert isinstance(value, dict | list | str | int | None), place
        assert not isinstance(value, float), place


@pytest.mark.parametrize("topic", TOPICS)
def test_what_is_stored_is_compact_json_on_one_line(topic: str) -> None:
    state = sample(topic).partition(b"\n")[0]
    compact = json.dumps(header(topic), separators=(",", ":"), ensure_ascii=False)
    assert state == compact.encode()


@pytest.mark.parametrize("topic", TOPICS)
def test_no_stored_byte_names_a_module_or_a_class(topic: str) -> None:
    state = sample(topic).partition(b"\n")[0]
    assert b"ledger." not in state
    assert BY_TOPIC[topic].__name__.encode() not in state


# --- strict reading ------------------------------------------------------------------------


def refused(topic: str, fields: Any) -> bool:
    try:
        decode(topic, with_header(topic, fields))
    except IntegrityFailure as failure:
        return topic in str(failure)
    return False


@pytest.mark.parametrize("topic", TOPICS)
def test_a_missing_field_is_refused(topic: str) -> None:
    fields = header(topic)
    for place, _ in places(fields):
        if place and isinstance(place[-1], str):
            assert refused(topic, changed(fields, place, removed)), place


@pytest.mark.parametrize("topic", TOPICS)
def test_an_unknown_field_is_refused(topic: str) -> None:
    fields = header(topic)
    for place, value in places(fields):
        if isinstance(value, dict):
            assert refused(topic, changed(fields, (*place, "surprise"), placed(1))), place


@pytest.mark.parametrize("topic", TOPICS)
def test_a_whole_number_is_neither_a_float_nor_a_truth_nor_a_list(topic: str) -> None:
    fields = header(topic)
    for place, value in places(fields):
        if isinstance(value, int) and not isinstance(value, bool):
            for wrong in (float(value), value + 0.5, True, [value]):
                assert refused(topic, changed(fields, place, placed(wrong))), (place, wrong)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_text_is_not_a_number(topic: str) -> None:
    fields = header(topic)
    for place, value in places(fields):
        if isinstance(value, str):
            # an id may be either
            for wrong in (7.5, False) if "line_ids" in place else (7, 7.5, False):
                assert refused(topic, changed(fields, place, placed(wrong))), (place, wrong)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_time_is_in_utc(topic: str) -> None:
    fields = header(topic)
    times = [
        (place, value)
        for place, value in places(fields)
        if isinstance(value, str) and UTC_TIME.fullmatch(value)
    ]
    assert len(times) >= 2
    for place, value in times:
        for wrong in (value.removesuffix("Z"), value.replace("Z", "+02:00"), value[:10], "now"):
            assert refused(topic, changed(fields, place, placed(wrong))), (place, wrong)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    "state", [b"", b"{}", b"null", b"[]", b"{", b"\xff\xfe", b"\n", b"{}\n"], ids=repr
)
def test_bytes_that_are_no_such_event_are_refused(topic: str, state: bytes) -> None:
    with pytest.raises(IntegrityFailure, match=f"expected a stored {re.escape(topic)}, found"):
        decode(topic, state)


@pytest.mark.parametrize("topic", TOPICS)
def test_an_event_that_was_cut_off_is_refused(topic: str) -> None:
    state = sample(topic).partition(b"\n")[0]
    with pytest.raises(IntegrityFailure):
        decode(topic, state[:-1])


@pytest.mark.parametrize("text", ["4 EUR ", "1e3 EUR", "NaN EUR", "4.2", "4,20 EUR"])
def test_money_of_another_shape_is_refused(text: str) -> None:
    topic = "sms.credits-purchased.1"
    assert refused(topic, {**header(topic), "total_price": text})


@pytest.mark.parametrize("milli", [2**63, -(2**70)])
def test_more_credits_than_there_can_be_are_refused(milli: int) -> None:
    topic = "sms.credits-adjusted.1"
    assert refused(topic, {**header(topic), "credits_milli": milli})


def test_a_word_outside_its_list_is_refused() -> None:
    topic = "sms.balance-opened.1"
    assert refused(topic, {**header(topic), "basis": "guessed"})


@pytest.mark.parametrize("topic", ["sms.page-recorded.1", "sms.lines-attributed.1"])
def test_a_body_stands_after_the_header_and_not_in_it(topic: str) -> None:
    assert refused(topic, {**header(topic), "body": "AAAA"})


@pytest.mark.parametrize(
    "topic", ["sms.account-opened.2", "sms.lot-split.1", "", "AccountOpened"]
)
def test_a_topic_of_a_newer_program_says_to_update(topic: str) -> None:
    with pytest.raises(IntegrityFailure, match="update the program") as failure:
        decode(topic, b"{}")
    assert repr(topic) in str(failure.value)


def test_an_event_is_shown_without_its_body() -> None:
    page = decode("sms.page-recorded.1", sample("sms.page-recorded.1"))
    assert isinstance(page, PageRecorded)
    assert page.body
    assert plain(page) == header("sms.page-recorded.1")


# --- the digest ----------------------------------------------------------------------------


def by_hand(stream: str, version: int, topic: str, state: bytes) -> str:
    """Compute a leaf as the documentation says it, by other means than the program."""
    parts = [stream.encode("utf-8"), str(version).encode("ascii"), topic.encode("utf-8"), state]
    message = b"\x00" + b"".join(struct.pack(">Q", len(part)) + part for part in parts)
    return hashlib.sha256(message).hexdigest()


@pytest.mark.parametrize(
    ("stream", "version", "topic", "state", "digest"),
    [
        ("sms-ab12345-1", 1, "sms.account-opened.1", b"{}",
         "adc827838f41370a8901e7babc3ef5bf7b35eb656a9824643699a4236103dc97"),
        ("customer/ab12345-ovh", 12, "sms.payment-methods-seen.1", b"\x00\xff\n",
         "8288936cbd20ac4b14297f90403318bd3ea12949ad488477a340c3ed5ff1227f"),
        ("", 1, "", b"",
         "a8e093e8767e7f357288b33173cda2ccd248f754e133a61e2301d2baad1cda4b"),
    ],
)  # fmt: skip
def test_a_leaf_is_what_the_documentation_says(
    stream: str, version: int, topic: str, state: bytes, digest: str
) -> None:
    assert leaf(stream, version, topic, state).hex() == digest
    assert by_hand(stream, version, topic, state) == digest


@pytest.mark.parametrize("version", [2.5, 2.0, True, "2", None, 0, -1])
def test_a_version_that_is_no_whole_number_has_no_leaf(version: Any) -> None:
    with pytest.raises(IntegrityFailure, match="whole number"):
        leaf("sms-ab12345-1", version, "sms.account-opened.1", b"{}")


@pytest.mark.parametrize("topic", TOPICS)
def test_the_leaf_of_a_sample_covers_all_its_bytes(topic: str) -> None:
    state = sample(topic)
    proof = leaf("sms-ab12345-1", 3, topic, state)
    assert proof.hex() == by_hand("sms-ab12345-1", 3, topic, state)
    assert leaf("sms-ab12345-1", 3, topic, state[:-1] + bytes([state[-1] ^ 1])) != proof


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a1", 1, "t", b"s"), ("a", 11, "t", b"s")),  # stream | version
        (("a", 12, "t", b"s"), ("a", 1, "2t", b"s")),  # version | topic
        (("a", 1, "ts", b""), ("a", 1, "t", b"s")),  # topic | state
        (("a", 1, "t", b"s"), ("b", 1, "t", b"s")),
        (("a", 1, "t", b"s"), ("a", 2, "t", b"s")),
        (("a", 1, "t", b"s"), ("a", 1, "t", b"s\x00")),
    ],
)
def test_a_byte_that_moves_to_the_next_field_changes_the_leaf(
    one: tuple[str, int, str, bytes], other: tuple[str, int, str, bytes]
) -> None:
    assert leaf(*one) != leaf(*other)
