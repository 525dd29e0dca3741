"""Errors: one tree, one line each, and the exit status of the contract."""

from __future__ import annotations

import inspect
import re

import pytest

from ledger import errors
from ledger.errors import (
    BadFile,
    DatabaseBusy,
    DatabaseUnusable,
    IntegrityFailure,
    InvalidValue,
    LedgerError,
    Misuse,
    NoCredentials,
    OvhError,
    OvhNotFound,
    OvhOverloaded,
    OvhRightMissing,
    Refused,
    TooFine,
    UnknownAccount,
    UnsafeSecrets,
)

_DRAWN = re.compile(r"^(?P<indent>(?:│   |    )*)(?:├── |└── )(?P<name>\w+)")


def drawn_tree() -> dict[str, str]:
    """Read the drawing at the top of the module: each class and its base."""
    bases = ["LedgerError"]
    tree = {}
    for line in (errors.__doc__ or "").splitlines():
        if found := _DRAWN.match(line):
            depth = len(found["indent"]) // 4 + 1
            bases[depth:] = [found["name"]]
            tree[found["name"]] = bases[depth - 1]
    return tree


def test_the_drawing_at_the_top_of_the_module_is_the_tree() -> None:
    written = {
        name: kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__ and kind is not LedgerError
    }
    assert drawn_tree() == written


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (LedgerError, 70),
        (Misuse, 2),
        (InvalidValue, 2),
        (TooFine, 2),
        (NoCredentials, 2),
        (OvhError, 3),
        (OvhNotFound, 3),
        (IntegrityFailure, 4),
        (Refused, 5),
        (UnsafeSecrets, 5),
        (DatabaseUnusable, 6),
        (DatabaseBusy, 6),
    ],
)
def test_each_error_has_the_exit_status_of_the_contract(
    kind: type[LedgerError], status: int
) -> None:
    assert kind("what went wrong").status == status


def test_a_message_is_one_line_whatever_its_parts_held() -> None:
    assert str(Misuse("expected\r\n one\tline, found  two\n")) == "expected one line, found two"


def test_an_unknown_account_is_told_with_some_that_are_known() -> None:
    error = UnknownAccount("sms-x-9", ("sms-a-1", "sms-b-1", "sms-c-1", "sms-d-1"))
    assert error.status == 2
    assert error.account == "sms-x-9"
    assert "'sms-x-9': the ledger has sms-a-1, sms-b-1, sms-c-1, …; see" in str(error)


def test_an_unknown_account_of_an_empty_ledger_says_so() -> None:
    assert "the ledger has no account yet" in str(UnknownAccount("sms-x-9"))
    assert "the profile has no account yet" in str(
        UnknownAccount("sms-x-9", where="the profile")
    )


def test_an_answer_of_ovh_is_told_with_its_query_for_support() -> None:
    assert str(OvhNotFound("no such row", query_id="EU.ext-1.a")).endswith(
        "(OVH query EU.ext-1.a)"
    )
    assert str(OvhNotFound("no such row")) == "no such row"


def test_an_overloaded_ovh_may_say_how_long_to_wait() -> None:
    assert OvhOverloaded("busy", retry_after_s=3.0).retry_after_s == 3.0
    assert OvhOverloaded("busy").retry_after_s is None


def test_a_missing_right_names_the_rule_to_add() -> None:
    error = OvhRightMissing("GET", "/me/refund")
    assert (error.method, error.path) == ("GET", "/me/refund")
    assert "add the rule `GET /me/refund`" in str(error)


def test_a_bad_file_names_line_and_column_and_what_to_do() -> None:
    error = BadFile("old.csv", line=7, column="credits", expected="digits", found="'1,5'")
    assert error.status == 5
    assert (error.file, error.line, error.column) == ("old.csv", 7, "credits")
    assert str(error) == (
        "old.csv: line 7, column credits: expected digits, found '1,5'; nothing was recorded:"
        " correct the file and import it again"
    )


def test_a_bad_line_need_not_be_in_one_column() -> None:
    assert str(BadFile("old.csv", line=1, expected="a header", found="nothing")).startswith(
        "old.csv: line 1: expected a header, found nothing;"
    )
