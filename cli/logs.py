"""Structured logs on stderr: a line of JSON for machines, a line of text for people.

No secret comes here: messages of `LedgerError` name what is wrong, never a key, and
`ledger.ovh` logs routes without their values.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

FORMS: Final = ("json", "text")

_log = logging.getLogger("sms_ledger")
_context: ContextVar[Mapping[str, Any]] = ContextVar("context", default={})  # noqa: B039 (never changed)

# What speaks of every request and every connection is heard only by those who ask.
_TALKATIVE: Final = {"sms_ledger.ovh": logging.INFO, "psycopg": logging.WARNING}


def say(level: int, event: str, **fields: Any) -> None:
    """Log an event with its fields; a field that is None is left out."""
    _log.log(level, event, extra={"fields": fields})


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Name what all lines in here are about: profile, customer, round."""
    token = _context.set({**_context.get(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


@contextmanager
def logging_to_stderr(form: str | None, *, verbose: bool) -> Iterator[None]:
    """Write logs to stderr: as text on a terminal, as JSON elsewhere, or as asked for."""
    handler = logging.StreamHandler(sys.stderr)
    text = form == "text" or (form is None and sys.stderr.isatty())
    handler.setFormatter(TextFormatter() if text else JsonFormatter())
    root = logging.getLogger()
    before = {logger: logger.level for logger in (_log, *map(logging.getLogger, _TALKATIVE))}
    _log.setLevel(logging.INFO)
    for name, level in _TALKATIVE.items():
        logging.getLogger(name).setLevel(level if verbose else logging.ERROR)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for logger, level in before.items():
            logger.setLevel(level)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, event, context, fields."""

    def format(self, record: logging.LogRecord) -> str:
        import json

        return json.dumps(_parts(record), ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """`2026-10-31T17:00:00.000Z info round ended profile=play lines=3`."""

    def format(self, record: logging.LogRecord) -> str:
        import json

        time, level, event, *fields = _parts(record).items()
        shown = (f"{name}={_word(value, json.dumps)}" for name, value in fields)
        return " ".join((time[1], level[1], _one_line(event[1]), *shown))


def _parts(record: logging.LogRecord) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.created, UTC)
    fields: Mapping[str, Any] = getattr(record, "fields", {})
    return {
        "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": record.getMessage(),
        **_context.get(),
        **{name: value for name, value in fields.items() if value is not None},
    }


def _word(value: object, quote: Any) -> str:
    """Write a value so that the line can be taken apart again."""
    text = str(value)
    plain = text and text.isprintable() and not any(sign in text for sign in ' "=')
    return text if plain else str(quote(text, ensure_ascii=False))


def _one_line(text: str) -> str:
    return " ".join(text.split())
