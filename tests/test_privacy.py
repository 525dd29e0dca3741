"""No personal data in the log: a long sandbox run is searched for everything that it showed."""

from __future__ import annotations

import zlib
from contextlib import closing

import pytest
from rigs import Rig, rig

from ledger.database import connect, parse_address

# The meaning of an alias and OVH's description of an account are personal on purpose: they
# live outside the log, where they can be erased.
ERASABLE = {"alias", "label"}


@pytest.fixture(scope="module")
def long_run(store, tmp_path_factory):
    with rig(tmp_path_factory.mktemp("privacy"), "busy", store=store) as made:
        outputs = []
        for _ in range(2):
            outputs += [made.sl("sync", profile=profile) for profile in made.profiles]
            for account in made.ovh.world.accounts:
                made.ovh.do("send", account=account, count=3, tag="anna.rossi@example.org")
                made.ovh.do("reply", account=account)
                made.ovh.do("hlr", account=account, count=2)
            made.ovh.do("advance", by="1d", traffic=True)
        outputs += [
            made.sl(*words)
            for words in (["bal"], ["reg"], ["recon", "run"], ["audit", "log"], ["check"])
        ]
        yield made, outputs, made.ovh.secrets


def _blobs(made: Rig) -> bytes:
    """Give every stored byte of the log and of the views, inflated."""
    found = []
    with closing(connect(parse_address(made.database))) as database:
        tables = {name for name in database.tables() if not name.startswith("sqlite_")}
    for table in tables - ERASABLE:
        for row in made.table(f"SELECT * FROM {table}"):
            found.extend(_bytes(value) for value in row)
    return b"\n".join(found)


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        return str(value).encode()
    header, newline, body = value.partition(b"\n")
    try:
        return header + newline + zlib.decompress(body)
    except zlib.error:  # no page: a digest, which may hold any byte
        return value


def test_no_number_text_password_or_key_is_stored(long_run):
    made, _, secrets = long_run
    stored = _blobs(made)
    assert b'"country"' in stored, "the bodies of the pages were not inflated"
    searched = 0
    for kind, values in secrets.items():
        for value in values:
            for form in _forms(kind, value):
                searched += 1
                assert form.encode() not in stored, f"a {kind} is stored"
    assert searched > 5_000


def test_no_number_text_password_or_key_is_printed(long_run):
    _, outputs, secrets = long_run
    printed = "".join(ran.out + ran.err for ran in outputs)
    for kind, values in secrets.items():
        for value in values:
            for form in _forms(kind, value):
                assert form not in printed, f"a {kind} is printed"


def _forms(kind: str, value: str) -> list[str]:
    """Give the ways to write a secret that are long enough not to be found by chance."""
    forms = {value, value.lstrip("+"), value.removeprefix("00")}
    if kind in {"texts"}:
        forms = {value}
    return [form for form in forms if len(form) > 5]
