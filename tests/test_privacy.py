"""No personal data in the log: a long sandbox run is searched for everything that it showed.

What is meant to be erasable can be erased, from the bytes of the file too.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from base64 import b64decode
from contextlib import closing

import pytest
from books import books_in
from rigs import Rig, rig

from ledger.aliases import Aliases
from ledger.database import connect, parse_address

# The meaning of an alias and OVH's description of an account are personal on purpose: they
# live outside the log, where they can be erased.
ERASABLE = {"alias", "label"}


@pytest.fixture(scope="module")
def long_run(store, tmp_path_factory):
    with rig(tmp_path_factory.mktemp("privacy"), "busy", store=store) as made:
        outputs, made.anchors = [], []
        for _ in range(2):
            outputs += [made.sl("sync", profile=profile) for profile in made.profiles]
            made.anchors.append(json.loads(made.sl("bal", "-O", "json").out)["checkpoint"])
            for account in made.ovh.world.accounts:
                made.ovh.do("send", account=account, count=3, tag="anna.rossi@example.org")
                made.ovh.do("reply", account=account)
                made.ovh.do("hlr", account=account, count=2)
            made.ovh.do("advance", by="1d", traffic=True)
        outputs += [
            made.sl(*words)
            for words in (
                ["bal"], ["reg", "--lines"], ["recon", "run"], ["audit", "log"], ["check"],
                ["audit", "show", "20"], ["audit", "verify"], ["audit", "proof", "20"],
            )
        ]  # fmt: skip
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


def test_no_digest_of_a_number_or_a_text_is_stored(long_run):
    """A number is found again from its digest by trying all of them."""
    made, _, secrets = long_run
    stored, searched = _blobs(made), 0
    for kind in ("receivers", "texts"):
        for value in secrets[kind][:25]:
            for form in {value, value.lstrip("+")}:
                for name in ("md5", "sha1", "sha256"):
                    digest = hashlib.new(name, form.encode(), usedforsecurity=False)
                    searched += 1
                    assert digest.digest() not in stored, f"the {name} of one of the {kind}"
                    assert digest.hexdigest().encode() not in stored
    assert searched > 100


def test_a_long_run_holds_every_anchor_that_it_showed(long_run):
    made, _, _ = long_run
    given = [word for anchor in made.anchors for word in ("--expect", anchor)]
    ran = made.sl("audit", "verify", *given)
    assert (ran.status, ran.out.count(" holds: the first ")) == (0, 2), ran


def test_an_export_shows_an_auditor_nothing_personal(long_run, tmp_path):
    made, _, secrets = long_run
    ran = made.sl("audit", "export", "-o", str(tmp_path / "audit"))
    assert ran.status == 0, ran
    lines = (tmp_path / "audit" / "events.jsonl").read_text().splitlines()
    states = b"\n".join(_bytes(b64decode(json.loads(line)["state"])) for line in lines[1:-1])
    for value in [*secrets["receivers"][:300], "anna.rossi@example.org"]:
        assert value.lstrip("+").encode() not in states


# --- what may be erased --------------------------------------------------------------------


@pytest.fixture
def labelled(tmp_path):
    """A ledger in a file whose only label of a person is anna.rossi@example.org."""
    books = books_in(tmp_path).draw("customer ab12345-ovh\naccount sms-ab12345-1")
    with closing(books.database()) as database:
        Aliases(database).keep("ab12345-ovh", "tag", "anna.rossi@example.org")
    return books


def file_bytes(books):
    return b"".join(path.read_bytes() for path in sorted(books.path.parent.iterdir()))


def test_an_alias_is_listed_and_erased_from_every_byte_of_the_file(labelled):
    (row,) = labelled.rows("privacy", "list")
    alias = row.pop("alias")
    assert row == {
        "customer": "ab12345-ovh",
        "kind": "tag",
        "meaning": "anna.rossi@example.org",
    }
    assert b"anna.rossi" in file_bytes(labelled)
    ran = labelled.type("privacy", "erase", alias, "--yes")
    assert (ran.status, ran.err) == (0, "")
    assert labelled.rows("privacy", "list") == []
    assert b"anna.rossi" not in file_bytes(labelled)
    assert labelled.type("audit", "verify").status == 0


def test_a_reader_that_holds_the_old_bytes_is_told(labelled):
    (row,) = labelled.rows("privacy", "list")
    with closing(labelled.database()) as reader, reader.snapshot():
        assert reader.execute("SELECT meaning FROM alias")
        ran = labelled.type("privacy", "erase", row["alias"], "--yes")
    assert ran.status == 6
    assert "the aliases are erased; expected to empty the write-ahead log" in ran.err
    assert labelled.rows("privacy", "list") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["~0123456789", "--yes"], "found '~0123456789': see `sms-ledger privacy list`"),
        (["~0123456789"], "type --yes"),
        ([], "Missing argument"),
    ],
)
def test_nothing_is_erased_by_mistake(labelled, words, said, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ran = labelled.type("privacy", "erase", *words)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
    assert len(labelled.rows("privacy", "list")) == 1
