"""Lines in the shape of the French FEC, to be imported: eighteen named fields, tabs, no quotes.

It is not the FEC, which is the whole file of a firm's validated entries: nothing here is
validated (`ValidDate` is empty), and the numbers of entries are those of this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cli.forms.separated import cell
from ledger.errors import InvalidValue

if TYPE_CHECKING:
    from cli.forms.labels import Labels
    from projections.entries import EntryLine
    from projections.report import Report

FIELDS: Final = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib",
    "CompAuxNum", "CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit",
    "EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise",
)  # fmt: skip

JOURNAL: Final = "SMS"
_HOME: Final = "EUR"


def as_fec(report: Report[EntryLine], labels: Labels) -> str:
    """Give a header and a line for each line of an entry. Raises InvalidValue."""
    customers = list(dict.fromkeys(row.customer for row in report.rows))
    if len(customers) > 1:
        msg = (
            f"expected the entries of one customer, found {len(customers)}:"
            f" type --customer {customers[0]}"
        )
        raise InvalidValue(msg)
    lines = ["\t".join(FIELDS), *("\t".join(_fields(row, labels)) for row in report.rows)]
    return "\n".join(lines) + "\n"


def foreign(report: Report[EntryLine]) -> Iterator[str]:
    """Say that amounts are in another currency than the fields for them are in."""
    for currency in sorted({row.currency for row in report.rows} - {_HOME}):
        yield (
            f"Debit and Credit of lines in {currency} are in {currency}, not in {_HOME}: the"
            " ledger knows no exchange rate; convert them before they are imported"
        )


def _fields(row: EntryLine, labels: Labels) -> Iterator[str]:
    day, happened = (f"{one:%Y%m%d}" for one in (row.day, row.happened_on or row.day))
    yield from (JOURNAL, labels.phrase("journal"), str(row.entry), day)
    yield from (_text(row.code), _text(row.label), "", "", _text(row.piece), happened)
    yield _text(" ".join(filter(None, (labels.value("kind", row.kind), row.account))))
    yield from (_amount(row.debit), _amount(row.credit), "", "", "")
    is_foreign = row.currency != _HOME
    yield _amount(row.debit or f"-{row.credit}") if is_foreign else ""
    yield row.currency if is_foreign else ""


def _amount(amount: str | None) -> str:
    return (amount or "0.00").replace(".", ",")


def _text(text: str) -> str:
    """Keep a text within its field, and from being a formula."""
    return str(cell(" ".join(text.split())))
