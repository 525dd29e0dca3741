"""What the lists of /me have in common: numbers in paths, dates and other filters."""

from ledger.sandbox.operations import MOMENT, Call

DATES = {"date.from": MOMENT, "date.to": MOMENT}


def number(call: Call, name: str) -> int:
    """Read a numeric path parameter; anything else names nothing."""
    text = call.path[name]
    return int(text) if text.isdigit() else -1


def within(call: Call, at: int) -> bool:
    since, until = call.query.get("date.from"), call.query.get("date.to")
    return (since is None or at >= since) and (until is None or at <= until)


def asked(call: Call, name: str, value: object) -> bool:
    return call.query.get(name) in (None, value)


def list_nothing(_: Call) -> list[object]:
    """Answer a list that is always empty here."""
    return []
