"""What a quote stands on: whose rates, of the ledger or of files, and OVH's own count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger.database import Database
from ledger.encoding import Sms
from ledger.errors import BadFile, Misuse
from ledger.files.origin import open_origin
from ledger.files.rate_import import tariffs_of
from ledger.files.rate_rows import RateFile, read_rate_file
from ledger.ovh.gateway import Gateway
from ledger.tariff import BILLING_COUNTRIES, Tariff
from projections.tariffs import billing_countries, subsidiaries, tariff


@dataclass(frozen=True, slots=True)
class Ground:
    """Rates with the log position they were read at, and the cure where one is missing."""

    tariff: Tariff
    position: int
    cure: str


def ground_of_files(paths: Sequence[str], billing: str | None) -> Ground:
    """Read files of rates and prices; no ledger is looked at. Raises BadFile, Misuse."""
    files = list(_files(paths))
    tariffs = tariffs_of(files)
    names = ", ".join(file.name for file in files)
    if billing is None:
        billing = _sole(sorted(tariffs), f"in {names}")
    cure = f"add a row `{billing},{{}},…` to {names}"
    return Ground(tariffs.get(billing, Tariff(billing)), 0, cure)


def _files(paths: Sequence[str]) -> Iterator[RateFile]:
    for path in paths:
        with open_origin(path) as origin:
            try:
                yield read_rate_file(origin)
            except BadFile as bad:
                raise BadFile(
                    bad.file,
                    line=bad.line,
                    column=bad.column,
                    expected=bad.expected,
                    found=bad.found,
                    cure="correct the file and ask again",
                ) from None


def ground_of_ledger(database: Database, billing: str | None, position: int) -> Ground:
    """Read the ledger's rates, of where its customers are billed. Raises Misuse."""
    if billing is None:
        known = subsidiaries(database) or billing_countries(database)
        billing = _sole(known, "in the ledger")
    cure = (
        f"type `sms-ledger rates update --billing-country {billing} --to {{}}`, or give a file"
        " with --rates"
    )
    return Ground(tariff(database, billing), position, cure)


def _sole(countries: Sequence[str], where: str) -> str:
    if len(countries) == 1:
        return countries[0]
    found = ", ".join(countries) or "none"
    some = " or ".join(countries or BILLING_COUNTRIES)
    msg = (
        f"expected one billing country {where}, found {found}: say whose rates count with"
        f" `--billing-country` ({some})"
    )
    raise Misuse(msg)


def differences(gateway: Gateway, text: str, counted: Sms, *, stop_clause: bool) -> list[str]:
    """Ask OVH how it counts a text; give what it sees otherwise."""
    found = gateway.estimate(text, no_stop_clause=not stop_clause)
    return [
        f"{what}: OVH says {theirs}, the ledger {ours}"
        for what, theirs, ours in (
            ("encoding", found.charactersClass, counted.encoding),
            ("characters", found.characters, counted.characters),
            ("parts", found.parts, len(counted.parts)),
        )
        if theirs != ours
    ]
