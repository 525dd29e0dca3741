"""Knobs: named, typed, settable from text, and all of them documented."""

from decimal import Decimal
from pathlib import Path

import pytest

from ledger.sandbox.actions import ACTIONS
from ledger.sandbox.faults import KINDS
from ledger.sandbox.knobs import Knobs, UnknownKnob, listed, turned
from ledger.sandbox.scenario import SCENARIOS

REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "sandbox.md"


def rows() -> dict[str, list[str]]:
    """Read the reference's tables: first column, and the rest of its row."""
    lines = REFERENCE.read_text(encoding="utf-8").splitlines()
    cells = [
        [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")]
        for line in lines
        if line.startswith("| `")
    ]
    return {first.strip("`"): rest for first, *rest in cells}


@pytest.mark.parametrize("knob", listed(), ids=lambda knob: knob.name)
def test_the_reference_lists_each_knob_with_its_values_and_default(knob: object) -> None:
    name, values = knob.name, knob.values.replace("|", "¦")  # type: ignore[attr-defined]
    default, text = knob.default, knob.text  # type: ignore[attr-defined]
    assert rows()[name] == [values, f"`{default}`", text]


def test_the_reference_lists_each_fault_action_and_scenario() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    documented = rows()
    assert KINDS.keys() <= documented.keys()
    assert all(documented[kind] == [meaning] for kind, meaning in KINDS.items())
    assert ACTIONS.keys() <= documented.keys()
    assert all(f"`{name}`" in text for name in SCENARIOS)


def test_a_knob_is_set_by_its_name_from_text() -> None:
    settings = {
        "recharge_trigger": "<=",
        "recharge_delay_s": "0",
        "batch": "false",
        "transfer_same_status": "409",
        "transfer_minimum": "0.1",
        "fault_rate": "0.25",
    }
    knobs = turned(settings)
    assert (knobs.recharge_trigger, knobs.recharge_delay_s, knobs.batch) == ("<=", 0, False)
    assert (knobs.transfer_same_status, knobs.fault_rate) == (409, 0.25)
    assert knobs.transfer_minimum == Decimal("0.1")


def test_turning_one_knob_leaves_the_others() -> None:
    knobs = turned({"void": "204"}, Knobs(batch=False))
    assert (knobs.void, knobs.batch) == ("204", False)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("no_such", "1", "no knob is called"),
        ("recharge_trigger", ">", "< | <="),
        ("recharge_delay_s", "-1", "number"),
        ("transfer_same_status", "500", "0 | 400 | 403 | 409"),
        ("fault_rate", "2", "0 … 1"),
        ("batch", "perhaps", "true | false"),
    ],
)
def test_a_knob_that_cannot_be_set_so_says_what_it_takes(
    name: str, value: str, told: str
) -> None:
    with pytest.raises(UnknownKnob, match=told.replace("|", r"\|")):
        turned({name: value})


def test_every_knob_is_explained() -> None:
    assert all(knob.text and knob.values for knob in listed())
    assert len(listed()) == len(Knobs.__struct_fields__)
