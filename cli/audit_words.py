"""One event in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cli.close_words import closed_account
from cli.tables import cell, draw
from ledger.credits import Credits
from projections.audit_lines import LineDetails
from projections.audit_log import AuditDetails

_ENVELOPE: Final = frozenset(
    ("happened_at", "recorded_at", "actor", "command_id", "caused_by", "reason", "source")
)
_MILLI: Final = "_milli"
_ACCOUNTS: Final = "accounts"


def sentences(row: AuditDetails) -> Iterator[str]:
    """Tell what happened, who wrote it down on what evidence, and what the event says."""
    event = row.event
    yield f"{row.kind.replace('-', ' ')}, event {row.version} of {row.stream}"
    yield draw(("", ""), [*_envelope(row), *_facts(event), *_consequences(row)])


def _envelope(row: AuditDetails) -> Iterator[tuple[str, str]]:
    event = row.event
    yield "happened", row.happened_at.isoformat()
    yield "recorded", f"{row.recorded_at.isoformat()} by {row.actor}"
    yield "command", event["command_id"]
    if event["caused_by"]:
        yield "caused by", event["caused_by"]
    if row.reason:
        yield "reason", row.reason
    yield "evidence", _evidence(event["source"])
    yield "digest", row.digest


def _consequences(row: AuditDetails) -> Iterator[tuple[str, str]]:
    """Say what caused it, what followed from it, and where a statement shows it."""
    for one in row.related:
        for link in one.events:
            yield one.relation, f"{link.position}: {link.kind}, {link.stream}@{link.version}"
        if one.count > len(one.events):
            yield one.relation, f"and {one.count - len(one.events)} more"
    if row.statement:
        yield "stands in", row.statement


def of_line(row: LineDetails) -> Iterator[str]:
    """Tell what a line is, what it costs, and where it stands."""
    yield f"{row.kind} {row.id} of {row.account}"
    yield draw(("", ""), list(_line_facts(row)))


def _line_facts(row: LineDetails) -> Iterator[tuple[str, str]]:
    yield "happened", row.happened_at.isoformat()
    recorded = (
        "" if row.credits == row.recorded_credits else f", {row.recorded_credits} at first"
    )
    yield "credits", f"{row.credits}{recorded}{'' if row.billed else ', not billed by OVH'}"
    for name in ("country", "parts", "tariff", "batch", "tag", "user"):
        value = getattr(row, name)
        if value is not None:
            yield name, cell(value)
    yield "recorded", f"{row.recorded_at.isoformat()} by {row.actor}"
    yield "evidence", _evidence(row.source)
    yield "page", f"sms-ledger audit show {row.position}"
    for position in row.later:
        yield "later", f"sms-ledger audit show {position}"
    yield "stands in", row.statement


def _evidence(source: dict[str, Any]) -> str:
    match source["from"]:
        case "ovh":
            query = f", OVH query {source['query_id']}" if source["query_id"] else ""
            return f"OVH answered {source['route']} at {source['read_at']}{query}"
        case "file":
            return (
                f"lines {source['first_line']} to {source['last_line']} of the file with"
                f" SHA-256 {source['sha256']}"
            )
        case "rule":
            return f"concluded by the rule {source['name']}, version {source['version']}"
        case _:
            return "stated by a person"


def _facts(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in event.items():
        if name in _ENVELOPE or value is None:
            continue
        if name.endswith(_MILLI):
            yield _words(name.removesuffix(_MILLI)), f"{Credits(value)} credits"
        elif name == _ACCOUNTS:
            yield from (line for one in value for line in closed_account(one))
        elif isinstance(value, list | tuple):
            yield _words(name), ", ".join(map(cell, value)) or "none"
        elif isinstance(value, dict):
            yield from ((f"{_words(name)} {key}", text) for key, text in _facts(value))
        else:
            yield _words(name), cell(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
