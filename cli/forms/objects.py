"""JSON: one object, a contract for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from cli.forms.parts import Part
from ledger.credits import Credits

if TYPE_CHECKING:
    from projections.checkpoints import Checkpoint


def as_json(parts: Sequence[Part], command: str, seals: Sequence[Checkpoint] = ()) -> str:
    """Give one object: schema, position and what seals it, notes, rows, then further parts."""
    import json

    report = parts[0].report
    whole = {
        "schema": f"sms-ledger/{command}/1",
        "position": report.position,
        **({} if report.position is None else _seals(seals)),
        "notes": report.notes,
        "rows": [plain(row) for row in report.rows],
        **{part.name: [plain(row) for row in part.report.rows] for part in parts[1:]},
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _seals(seals: Sequence[Checkpoint]) -> dict[str, str | None]:
    whole = seals[0] if seals else None
    return {
        "checkpoint": str(whole) if whole else None,
        "checkpoint_at": whole.recorded_at.isoformat() if whole else None,
        **({"customer_checkpoint": str(seals[1])} if len(seals) > 1 else {}),
    }


def plain(value: Any) -> Any:
    """Give a value as JSON knows it: credits as exact digits, times as ISO 8601."""
    match value:
        case Credits():
            return str(value)
        case date():  # and times, which are dates
            return value.isoformat()
        case tuple() | list():
            return [plain(one) for one in value]
        case _ if is_dataclass(value):
            return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value
