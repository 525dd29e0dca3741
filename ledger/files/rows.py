"""Rows: what the cells of a record say, checked against what each kind needs."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple, cast

from ledger.countries import UNKNOWN
from ledger.credits import Credits
from ledger.errors import BadFile, InvalidValue
from ledger.events import LINE_KINDS
from ledger.files.columns import nearest, shown
from ledger.files.parties import BadCell, NamedAccount, Parties
from ledger.files.records import Cells
from ledger.money import Money
from ledger.pages import LineId
from ledger.times import parse_instant, to_us

# What the row is in the ledger: the kind of its movement, or an opening.
RowKind = Literal[
    "opening", "purchase", "gift", "adjustment", "refund", "transfer-out", "transfer-in",
    "consumption", "reply", "hlr", "cleaning",
]  # fmt: skip

# What a file calls it.
KINDS: Final = (
    "opening", "purchase", "recharge", "gift", "refund", *LINE_KINDS, "transfer", "adjustment",
)  # fmt: skip

# The sum of a customer's credits stays as it is.
_MOVE_NOTHING: Final = frozenset({"opening", "transfer"})
_LEAVING: Final = frozenset({"refund", *LINE_KINDS})

# Before the first SMS account of OVH: such a time is a spreadsheet's empty date.
_EARLIEST: Final = parse_instant("2000-01-01T00:00:00+00:00")
_CLOCKS_DIFFER: Final = timedelta(days=1)

_MEMO: Final = 4096
_LONGEST_LABEL: Final = 255
LONGEST_NUMBER: Final = 18  # digits that fit in 64 bits

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/#=-]{0,63}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PARTS = re.compile(r"[0-9]{1,2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class Row(NamedTuple):
    """One fact of a file. A transfer is two: one for each of its accounts.

    `account` and `counter` are numbers of `Parties`; `said` is the file's word for the kind;
    `milli` is signed: what the account gains (an opening: what it holds).
    """

    line: int
    account: int
    kind: RowKind
    said: str
    id: LineId
    at_us: int
    milli: int
    parts: int | None = None
    country: str = UNKNOWN
    tag: str | None = None
    user: str | None = None
    batch: str | None = None
    counter: int | None = None
    net: str | None = None
    vat: str | None = None
    bill: str | None = None


class RowReader:
    """Reads records into rows. Raises BadFile at the first that does not fit.

    A fact may have happened from `first_us` to `last_us`.
    """

    def __init__(self, file: str, parties: Parties, *, now: datetime) -> None:
        self._file = file
        self._parties = parties
        self.first_us = to_us(_EARLIEST)
        self.last_us = to_us(now + _CLOCKS_DIFFER)

    def read(self, line: int, cells: Cells) -> tuple[Row, ...]:
        try:
            return self._read(line, cells)
        except BadCell as bad:
            raise BadFile(
                self._file,
                line=line,
                column=bad.column,
                expected=bad.expected,
                found=bad.found,
            ) from None

    def _read(self, line: int, cells: Cells) -> tuple[Row, ...]:
        customer = cells["customer"] or _needed(cells, "customer", "a name")
        name = cells["account"] or _needed(cells, "account", "a name")
        account = self._parties.account("account", name, customer, line)
        said = _kind(cells["kind"])
        row = Row(
            line,
            account.number,
            cast(RowKind, "purchase" if said == "recharge" else said),
            said,
            id_of(cells["id"], said),
            self.instant(cells["happened_at"]),
            milli_of(cells["credits"], said),
            *(_line_details(cells) if said in LINE_KINDS else ()),
        )
        rows = self._detailed(row, cells, account)
        moved = 0 if said in _MOVE_NOTHING else row.milli
        self._parties.count(customer, line, milli=moved, gross_milli=abs(row.milli))
        return rows

    def _detailed(self, row: Row, cells: Cells, account: NamedAccount) -> tuple[Row, ...]:
        """Add what else the kind needs; a column that it does not need is not looked at."""
        match row.said:
            case "transfer":
                return self._transfer(row, cells, account)
            case "purchase" | "recharge" | "refund":
                return (_billed(row, cells),)
            case _:
                return (row,)

    def _transfer(self, row: Row, cells: Cells, source: NamedAccount) -> tuple[Row, ...]:
        name = _needed(cells, "counter_account", "the account that the credits went to")
        if name == source.name:
            raise BadCell("counter_account", "another account", name)
        target = self._parties.account("counter_account", name, source.customer, row.line)
        return (
            row._replace(kind="transfer-out", milli=-row.milli, counter=target.number),
            row._replace(kind="transfer-in", account=target.number, counter=source.number),
        )

    def instant(self, text: str) -> int:
        """Read a time that facts may have, as microseconds. Raises BadCell."""
        try:
            at_us = to_us(parse_instant(text))
        except InvalidValue as error:
            raise BadCell.told("happened_at", error) from None
        if not self.first_us <= at_us <= self.last_us:
            expected = f"a time from {_EARLIEST:%Y-%m-%d} until now"
            raise BadCell("happened_at", expected, shown(text))
        return at_us


def _needed(cells: Cells, column: str, what: str) -> str:
    text = cells[column]
    if not text:
        raise BadCell(column, what, "nothing")
    return text


def _kind(text: str) -> str:
    if text not in KINDS:
        raise BadCell("kind", nearest(text, KINDS), shown(text))
    return text


@lru_cache(_MEMO)
def milli_of(text: str, said: str) -> int:
    try:
        milli = Credits.parse(text, signed=said == "adjustment").milli
    except InvalidValue as error:
        raise BadCell.told("credits", error) from None
    return -milli if said in _LEAVING else milli


def id_of(text: str, said: str) -> LineId:
    """Read an id: a line's digits are a number, as OVH gives it; all else is text."""
    if said == "opening":
        return ""  # an account has one
    if not _ID.fullmatch(text):
        expected = "an id of at most 64 letters, digits and any of _.:/#=-"
        raise BadCell("id", expected, shown(text))
    canonical = text.isdigit() and len(text) <= LONGEST_NUMBER and str(int(text)) == text
    return int(text) if canonical and said in LINE_KINDS else text


def _line_details(
    cells: Cells,
) -> tuple[int | None, str, str | None, str | None, str | None]:
    """Read parts, country, tag, user and batch, in the order of a row."""
    return (
        parts_of(cells["parts"]),
        country_of(cells["country"]),
        label_of("tag", cells["tag"]),
        label_of("user", cells["user"]),
        label_of("batch", cells["batch"]),
    )


def parts_of(text: str) -> int | None:
    """Read a number of parts. Raises BadCell."""
    if text and not _PARTS.fullmatch(text):
        raise BadCell("parts", "a whole number from 0 to 99", shown(text))
    return int(text) if text else None


def country_of(text: str) -> str:
    """Read the code of a country. Raises BadCell."""
    if text and not _COUNTRY.fullmatch(text):
        raise BadCell("country", "two capital letters like IT, or ZZ", shown(text))
    return text or UNKNOWN


def label_of(column: str, text: str) -> str | None:
    """Read a tag, a user or a batch. Raises BadCell."""
    if not text:
        return None
    if len(text) > _LONGEST_LABEL:
        found = f"{len(text)} characters"
        raise BadCell(column, f"at most {_LONGEST_LABEL} characters", found)
    if _NO_TEXT.search(text):
        raise BadCell(column, "text", shown(text))
    return text


def _billed(row: Row, cells: Cells) -> Row:
    bill = cells["bill"]
    if bill and not _ID.fullmatch(bill):
        expected = "a bill's id of at most 64 letters, digits and any of _.:/#=-"
        raise BadCell("bill", expected, shown(bill))
    return row._replace(net=_money(cells, "net"), vat=_money(cells, "vat"), bill=bill or None)


def _money(cells: Cells, column: str) -> str | None:
    if not cells[column]:
        return None
    currency = cells["currency"]
    if not _CURRENCY.fullmatch(currency):
        raise BadCell("currency", "a currency of three capital letters", shown(currency))
    try:
        return str(Money.parse(cells[column], currency))
    except InvalidValue as error:
        raise BadCell.told(column, error) from None
