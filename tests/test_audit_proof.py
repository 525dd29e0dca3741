"""`audit proof` and `audit export`: an auditor verifies them with one file and nothing else."""

from __future__ import annotations

import io
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from books import Books, books_in
from stores import damage

from cli import verifier
from ledger.merkle import (
    Anchor,
    Chain,
    Frontier,
    consistency_path,
    inclusion_path,
    root_of,
    roots_of,
)
from projections.audit_export import Export

STORY = """
    customer ab12345-ovh Europe/Rome
    account sms-ab12345-1
    2026-10-01 09:00 opening 100
    2026-10-01 10:00 sms 1.4 tag=otp country=FR user=anna
    2026-10-02 09:00 recharge 250 bill-1
    2026-10-02 11:00 gift 10 gift-1
    2026-10-02 12:00 correct 1 0.7
    customer cd67890-ovh Europe/Paris
    account sms-cd67890-1
    2026-10-02 11:00 opening 5
    2026-10-02 11:05 sms 1
    2026-10-03 18:00 saw 4
"""

SOAK = os.environ.get("SMS_LEDGER_SOAK") == "1"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Books:
    return books_in(tmp_path_factory.mktemp("books")).draw(STORY)


@pytest.fixture(scope="module")
def anchors(drawn) -> list[str]:
    found = [
        bytes(leaf) for (leaf,) in drawn.table("SELECT leaf FROM event_log ORDER BY position")
    ]
    return [str(Anchor(size, root_of(found[:size]))) for size in range(1, len(found) + 1)]


@pytest.fixture(scope="module")
def exported(drawn, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "audit"
    assert drawn.type("audit", "export", "-o", str(folder)).status == 0
    return folder


def typed(*words: object) -> tuple[int, str, str]:
    """Run the verifier in this process, as it would be typed."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["verify.py", *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            status = verifier.main()
    except SystemExit as left:
        status = int(str(left.code))
    finally:
        sys.argv = before
    return status, out.getvalue(), err.getvalue()


def isolated(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run it as an auditor does: with the standard library alone."""
    return subprocess.run(
        [sys.executable, "-I", "verify.py", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


# --- the verifier --------------------------------------------------------------------------


def test_the_verifier_is_short_and_imports_the_standard_library_alone():
    text = Path(verifier.__file__).read_text()
    assert len(text.splitlines()) < 200
    modules = {
        line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))
    }
    assert modules - {"__future__"} <= sys.stdlib_module_names


def test_the_verifiers_trees_are_those_of_the_ledger():
    """Written twice, on purpose: neither shares the other's mistakes."""
    leaves = [sha256(b"%d" % number).digest() for number in range(17)]
    for size in range(1, 18):
        full: list[tuple[int, bytes]] = []
        for one in leaves[:size]:
            verifier.add(one, full)
        root = root_of(leaves[:size])
        assert verifier.root_of(full) == root
        for index in range(size):
            path = roots_of(inclusion_path(index, size), leaves)
            assert verifier.root_above(leaves[index], index, size, path) == root
        for first in range(1, size + 1):
            path = roots_of(consistency_path(first, size), leaves)
            begun = root_of(leaves[:first])
            assert verifier.both_roots(first, size, path, begun) == (begun, root)


def test_the_verifiers_trees_are_those_of_certificate_transparency():
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    leaves = [
        sha256(b"\x00" + bytes.fromhex(text)).digest()
        for text in [*inputs, "606162636465666768696a6b6c6d6e6f"]
    ]
    full: list[tuple[int, bytes]] = []
    for one in leaves:
        verifier.add(one, full)
    known = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert verifier.root_of(full).hex() == known
    assert verifier.root_of([]).hex().startswith("e3b0c442")


# --- an export -----------------------------------------------------------------------------


def test_an_export_is_verified_with_python_alone(exported, anchors):
    assert sorted(path.name for path in exported.iterdir()) == ["events.jsonl", "verify.py"]
    ran = isolated(exported, "--expect", anchors[4], "--expect", anchors[-1])
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        f"2 anchors hold; after them come 0 events of {len(anchors)}",
        anchors[-1],
    ]


def test_an_export_runs_its_own_verifier(exported, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["verify.py"])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(exported / "verify.py"), run_name="__main__")
    assert left.value.code == 0
    assert "0 anchors hold; after them come 14 events of 14" in capsys.readouterr().out


def test_an_export_holds_every_stored_byte(drawn, exported):
    import base64

    lines = [json.loads(line) for line in (exported / "events.jsonl").read_text().splitlines()]
    states = [base64.b64decode(line["state"]) for line in lines[1:-1]]
    stored = drawn.table(
        "SELECT state FROM event_log JOIN stored_events ON originator_id = stream"
        " AND originator_version = version ORDER BY position"
    )
    assert states == [bytes(state) for (state,) in stored]


def test_the_export_of_one_customer_comes_to_the_anchor_of_its_statements(drawn, tmp_path):
    own = drawn.type("stmt", "sms-cd67890-1", "-O", "json").document["customer_checkpoint"]
    ran = drawn.type("audit", "export", "-o", str(tmp_path / "x"), "--customer", "cd67890-ovh")
    assert (ran.status, ran.out) == (0, f"{own}\n")
    text = (tmp_path / "x" / "events.jsonl").read_text()
    assert "ab12345" not in text
    assert typed(tmp_path / "x" / "events.jsonl", "--expect", own)[0] == 0


def test_an_empty_ledger_has_an_export(tmp_path):
    books = books_in(tmp_path)
    assert books.type("audit", "export", "-o", str(tmp_path / "x")).status == 0
    anchor = f"0:{root_of([]).hex()}"
    status, out, _ = typed(tmp_path / "x" / "events.jsonl", "--expect", anchor)
    assert (status, out.splitlines()[-1]) == (0, anchor)


def test_an_export_is_the_same_on_both_databases(books, exported, tmp_path):
    ran = books.draw(STORY).type("audit", "export", "-o", str(tmp_path / "x"))
    assert ran.status == 0
    assert (tmp_path / "x" / "events.jsonl").read_bytes() == (
        exported / "events.jsonl"
    ).read_bytes()


def test_an_export_is_not_written_over_something(drawn, tmp_path):
    (tmp_path / "mine").write_text("x")
    ran = drawn.type("audit", "export", "-o", str(tmp_path))
    assert (ran.status, ran.out) == (5, "")
    assert "expected a new folder" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_an_export_that_cannot_be_written_is_told(drawn, tmp_path):
    ran = drawn.type("audit", "export", "-o", str(tmp_path / "none" / "x"))
    assert ran.status == 5
    assert "cannot be written" in ran.err


def test_an_export_of_an_unknown_customer_is_misuse(drawn, tmp_path):
    ran = drawn.type("audit", "export", "-o", str(tmp_path / "x"), "--customer", "zz-ovh")
    assert (ran.status, list(tmp_path.iterdir())) == (2, [])
    assert "expected a customer of the ledger" in ran.err


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stored_events SET state = :state WHERE originator_version = 3",
        "DELETE FROM stored_events WHERE originator_version = :version",
    ],
)
def test_what_was_tampered_with_is_not_exported_nor_half_of_it(sqlite_books, tmp_path, sql):
    books = sqlite_books.draw(STORY)
    damage(books.url, sql, **({"state": b"{}"} if ":state" in sql else {"version": 3}))
    ran = books.type("audit", "export", "-o", str(tmp_path / "x"))
    assert (ran.status, list(tmp_path.iterdir())) == (4, [])
    assert "run `sms-ledger audit verify`" in ran.err


# --- tampering with an export --------------------------------------------------------------


def made_anew(events: list[dict]) -> list[bytes]:
    """Write an export of these events as somebody would who knows its format."""
    import base64

    from ledger.canonical import leaf

    chain, tree, read = Chain(), Frontier(), sha256()
    lines = [{"format": "sms-ledger-export/1"}]
    for event in events:
        state = base64.b64decode(event["state"])
        digest = leaf(event["stream"], event["version"], event["topic"], state)
        tree.add(digest)
        link = chain.add(digest).hex()
        lines.append({**event, "position": tree.size, "digest": digest.hex(), "link": link})
    found = [json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines]
    for line in found:
        read.update(line)
    at = json.loads(state.partition(b"\n")[0])["recorded_at"]
    end = [tree.size, tree.root().hex(), chain.digest.hex(), at, read.hexdigest()]
    last = dict(zip(("size", "root", "link", "recorded_at", "sha256"), end, strict=True))
    return [*found, json.dumps(last, separators=(",", ":")).encode() + b"\n"]


def drop(lines: list[bytes], chance: Random) -> None:
    del lines[chance.randrange(len(lines))]


def double(lines: list[bytes], chance: Random) -> None:
    at = chance.randrange(len(lines))
    lines.insert(at, lines[at])


def swap(lines: list[bytes], chance: Random) -> None:
    one, two = chance.sample(range(len(lines)), 2)
    lines[one], lines[two] = lines[two], lines[one]


def cut_off(lines: list[bytes], chance: Random) -> None:
    whole = b"".join(lines)
    lines[:] = [whole[: chance.randrange(len(whole))]]


def cut_off_a_line(lines: list[bytes], chance: Random) -> None:
    del lines[chance.randrange(len(lines)) :]


def flip(lines: list[bytes], chance: Random) -> None:
    whole = bytearray(b"".join(lines))
    whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    lines[:] = [bytes(whole)]


def edit(lines: list[bytes], chance: Random) -> None:
    event = json.loads(lines[at := chance.randrange(1, len(lines) - 1)])
    event[chance.choice(["stream", "topic", "digest", "link", "state"])] = "ab12"
    lines[at] = json.dumps(event, separators=(",", ":")).encode() + b"\n"


def add_a_word(lines: list[bytes], chance: Random) -> None:
    at = chance.randrange(len(lines))
    lines[at] = lines[at].replace(b"}\n", b',"note":"paid"}\n')


Change = Callable[[list[bytes], Random], None]


CHANGES: list[tuple[Change, int]] = [
    (flip, 100), (drop, 10), (double, 10), (swap, 10), (cut_off, 30), (cut_off_a_line, 10),
    (edit, 20), (add_a_word, 10),
]  # fmt: skip


@pytest.mark.parametrize(("change", "times"), CHANGES)
def test_an_auditor_finds_what_was_changed_with_python_alone(
    exported, anchors, tmp_path, change, times
):
    """The same matrix in a process of its own each, a tenth of it where nobody soaks."""
    lines, chance = (
        (exported / "events.jsonl").read_bytes().splitlines(keepends=True),
        Random(change.__name__),
    )
    (tmp_path / "verify.py").write_bytes((exported / "verify.py").read_bytes())
    for _ in range(times if SOAK else times // 10):
        changed = list(lines)
        change(changed, chance)
        (tmp_path / "events.jsonl").write_bytes(b"".join(changed))
        ran = isolated(tmp_path, "events.jsonl", "--expect", anchors[-1])
        assert (ran.returncode, ran.stderr.count("\n")) == (4, 1), ran
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines))
    ran = isolated(tmp_path, "events.jsonl", "--expect", anchors[-1])
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(("change", "times"), CHANGES)
def test_a_changed_export_does_not_hold(exported, anchors, tmp_path, change, times):
    lines, path = (
        (exported / "events.jsonl").read_bytes().splitlines(keepends=True),
        tmp_path / "x",
    )
    chance = Random(change.__name__)
    for _ in range(times):
        changed = list(lines)
        change(changed, chance)
        path.write_bytes(b"".join(changed))
        status, _, err = typed(path, "--expect", anchors[-1])
        assert (status, err.count("\n")) == (4, 1), err


def test_an_export_that_was_made_anew_as_a_whole_is_found_by_an_anchor(
    exported, anchors, tmp_path
):
    lines = (exported / "events.jsonl").read_bytes().splitlines()
    events, path, chance = [json.loads(line) for line in lines[1:-1]], tmp_path / "x", Random(5)
    path.write_bytes(b"".join(made_anew(events)))
    assert path.read_bytes() == (exported / "events.jsonl").read_bytes()
    for change in (drop, swap, cut_off_a_line):
        for _ in range(10):
            changed = list(events[1:])
            change(changed, chance)
            path.write_bytes(b"".join(made_anew([events[0], *changed])))
            assert typed(path)[0] == 0, "it agrees with itself"
            status, _, err = typed(path, "--expect", anchors[0], "--expect", anchors[-1])
            assert status == 4
            assert f"the anchor at {len(anchors)} fails (the one at 1 holds)" in err


def test_an_anchor_of_another_export_does_not_hold(exported, tmp_path):
    other = books_in(tmp_path).draw(STORY.replace("gift-1", "gift-2"))
    anchor = other.type("bal", "-O", "json").document["checkpoint"]
    assert typed(exported / "events.jsonl", "--expect", anchor)[0] == 4


def test_an_anchor_of_the_future_does_not_hold(exported):
    assert typed(exported / "events.jsonl", "--expect", f"99:{'ab' * 32}")[0] == 4


@pytest.mark.parametrize("text", ["12", "x:00", f"07:{'ab' * 32}", "5:", "5:ab", "a=5:ab"])
def test_a_malformed_anchor_is_misuse_of_the_verifier(exported, text):
    status, _, err = typed(exported / "events.jsonl", "--expect", text)
    assert status == 2
    assert "[--expect SIZE:ROOT]" in err
    assert f"found {text!r}" in err or f"value: {text!r}" in err


def test_an_anchor_may_be_typed_in_capitals(exported, anchors):
    assert typed(exported / "events.jsonl", "--expect", anchors[-1].upper())[0] == 0


@pytest.mark.parametrize(
    "other",
    [(3, "position", float), (1, "position", bool), (3, "version", str), (-1, "size", float)],
)
def test_an_export_whose_numbers_have_another_form_does_not_hold(
    exported, anchors, tmp_path, other
):
    at, key, form = other
    lines = [json.loads(line) for line in (exported / "events.jsonl").read_text().splitlines()]
    lines[at][key] = form(lines[at][key])
    raw = [json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines[:-1]]
    lines[-1]["sha256"] = sha256(b"".join(raw)).hexdigest()
    last = json.dumps(lines[-1], separators=(",", ":")).encode() + b"\n"
    (tmp_path / "x").write_bytes(b"".join([*raw, last]))
    status, _, err = typed(tmp_path / "x", "--expect", anchors[-1])
    assert (status, "another form" in err) == (4, True)


def test_a_file_that_is_not_there_is_misuse_of_the_verifier(tmp_path):
    status, _, err = typed(tmp_path / "none")
    assert status == 2
    assert "No such file" in err


# --- proofs --------------------------------------------------------------------------------


@pytest.fixture
def proof(drawn, tmp_path) -> Callable[..., Path]:
    def made(*words: str) -> Path:
        path = tmp_path / f"{'-'.join(words).replace('/', '_')[:40]}.json"
        ran = drawn.type("audit", "proof", *words, "-o", str(path))
        assert (ran.status, ran.err) == (0, ""), ran
        return path

    return made


def test_a_proof_of_every_event_holds_in_every_tree_that_has_it(proof, anchors):
    for size in (1, 6, 14):
        for position in range(1, size + 1):
            path = proof(str(position), "--to", str(size))
            status, out, err = typed("--proof", path, "--expect", anchors[size - 1])
            assert (status, err) == (0, "")
            assert out.startswith(f"{position} of {size}: event ")


def test_a_proof_of_every_two_sizes_holds_with_either_anchor(proof, anchors):
    for first in (1, 2, 7, 12, 14):
        for second in (14, 12):
            if first <= second:
                path = proof("--from", str(first), "--to", str(second))
                for size in (first, second):
                    assert typed("--proof", path, "--expect", anchors[size - 1])[0] == 0


def test_an_event_is_named_by_its_stream_and_version_too(proof):
    one, two = proof("4"), proof("sms-ab12345-1/consumption@1")
    assert one.read_text() == two.read_text()


def test_a_proof_in_the_tree_of_a_customer_leads_to_the_anchor_of_its_statements(drawn, proof):
    own = drawn.type("stmt", "sms-cd67890-1", "-O", "json").document["customer_checkpoint"]
    path = proof("sms-cd67890-1@2", "--customer", "cd67890-ovh")
    assert typed("--proof", path, "--expect", own)[0] == 0


def test_an_older_anchor_is_enough_where_a_proof_joins_it_to_a_newer_one(proof, anchors):
    in_five, joined = proof("3", "--to", "5"), proof("--from", "5")
    assert typed("--proof", in_five, "--expect", anchors[-1])[0] == 4
    status, out, _ = typed("--proof", in_five, "--proof", joined, "--expect", anchors[-1])
    assert status == 0
    assert "the older 5 events begin the newer 14" in out


def test_a_newer_tree_is_not_vouched_for_by_an_older_anchor(proof, anchors):
    in_all, joined = proof("14"), proof("--from", "5")
    status, _, err = typed("--proof", in_all, "--proof", joined, "--expect", anchors[4])
    assert status == 4
    assert "nothing vouches for it" in err


def test_an_export_vouches_for_proofs(proof, exported):
    files = ["--proof", proof("3", "--to", "7"), "--proof", proof("--from", "7", "--to", "11")]
    assert typed(exported / "events.jsonl", *files)[0] == 0
    ran = isolated(exported, "events.jsonl", *files)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_proof_alone_vouches_for_nothing(proof):
    assert typed("--proof", proof("3"))[0] == 4


def test_proofs_that_join_anchors_hold_in_any_order(proof, anchors):
    files = [proof("3", "--to", "5"), proof("--from", "5", "--to", "9"), proof("--from", "9")]
    for order in (files, files[::-1]):
        given = [word for file in order for word in ("--proof", file)]
        status, out, err = typed(*given, "--expect", anchors[-1])
        assert (status, err, len(out.splitlines())) == (0, "", 3)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.append({**rows[0], "state": "AAAA"}),
        lambda rows: rows.clear(),
        lambda rows: rows[0].update(actor="mallory"),
        lambda rows: rows[0].update(index=rows[0]["index"] + 0.5),
        lambda rows: rows[0].update(index=float(rows[0]["index"])),
        lambda rows: rows[0].update(version=str(rows[0]["version"])),
        lambda rows: rows[0].update(kind="none"),
        lambda rows: rows[0].update(anchor=rows[0]["anchor"].upper()),
        lambda rows: rows[0]["path"].append("ab"),
    ],
)
def test_a_proof_that_says_more_or_otherwise_is_refused(proof, anchors, change):
    path = proof("7")
    whole = json.loads(path.read_text())
    change(whole["rows"])
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
    status, out, err = typed("--proof", path, "--expect", anchors[-1])
    assert (status, out, err.count("\n")) == (4, "", 1)


@pytest.mark.parametrize("words", [("5",), ("--from", "5"), ("5", "--to", "5")])
def test_a_proof_with_one_bit_changed_is_refused(proof, anchors, words):
    path = proof(*words)
    anchor = anchors[4 if "--to" in words else -1]
    whole, chance = path.read_bytes(), Random(str(words))
    assert typed("--proof", path, "--expect", anchor)[0] == 0
    for _ in range(80):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        status, _, err = typed("--proof", path, "--expect", anchor)
        assert (status, err.count("\n")) == (4, 1), bytes(changed)


def test_a_proof_is_told_in_plain_words(drawn, anchors):
    out = drawn.type("audit", "proof", "6").out
    assert out.startswith("event 3 of sms-ab12345-1 (sms.credits-purchased.1)\n")
    assert f"is number 6 of the 14 events under {anchors[-1]}\n" in out
    out = drawn.type("audit", "proof", "--from", anchors[2], "--to", "9").out
    assert out.startswith(
        f"the events under {anchors[2]}\nare the first of those under {anchors[8]}\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected EVENT"),
        (("3", "-O", "csv"), "expected -O json"),
        (("3", "--from", "2"), "expected EVENT"),
        (("15",), "found no '15'"),
        (("0",), "found no '0'"),
        (("sms-none-1@1",), "found no 'sms-none-1@1'"),
        (("sms-ab12345-1@x",), "found no 'sms-ab12345-1@x'"),
        (("9", "--to", "8"), "expected an event of the first 8 of the ledger, found 9"),
        (("9", "--to", "15"), "expected a size from 1 to 14, found 15"),
        (("9", "--to", "x"), "expected SIZE or SIZE:ROOT, found 'x'"),
        (("9", "--to", "9:ab"), "expected an anchor SIZE:ROOT"),
        (("--from", "0"), "expected a size from 1 to 14, found 0"),
        (("--from", "9", "--to", "8"), "expected a size from 1 to 8, found 9"),
        (("9", "--customer", "zz-ovh"), "expected a customer of the ledger"),
        (("13", "--customer", "ab12345-ovh"), "of ab12345-ovh, found 13"),
    ],
)
def test_what_cannot_be_proved_is_misuse(drawn, words, said):
    ran = drawn.type("audit", "proof", *words)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_an_anchor_that_the_ledger_does_not_hold_is_an_integrity_failure(drawn):
    ran = drawn.type("audit", "proof", "3", "--to", f"9:{'ab' * 32}")
    assert (ran.status, ran.out) == (4, "")
    assert "the anchor is of another tree" in ran.err


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stored_events SET state = :data WHERE originator_version = 3",
        "UPDATE event_log SET leaf = :data WHERE position = 5",
    ],
)
def test_an_event_that_was_changed_is_not_proved(sqlite_books, sql):
    books = sqlite_books.draw(STORY)
    (row,) = books.rows("audit", "proof", "sms-ab12345-1@3")
    assert row["index"] == 5
    damage(books.url, sql.replace("position = 5", "position = 6"), data=b"x" * 32)
    ran = books.type("audit", "proof", "sms-ab12345-1@3")
    assert (ran.status, ran.out) == (4, "")
    assert "audit verify" in ran.err


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stored_events SET state = :data WHERE originator_version = 3",
        "UPDATE event_log SET leaf = :data WHERE position = 5",
        "UPDATE event_log SET leaf = 32 WHERE position = 5",
        "DELETE FROM stored_events WHERE originator_version = 3",
    ],
)
def test_a_size_above_a_changed_event_is_not_proved(sqlite_books, sql):
    books = sqlite_books.draw(STORY)
    damage(books.url, sql, **({"data": b"x" * 32} if ":data" in sql else {}))
    ran = books.type("audit", "proof", "--from", "7")
    assert (ran.status, ran.out) == (4, "")
    assert "audit verify" in ran.err


def test_an_exports_memory_is_a_line_not_the_ledger(drawn):
    with closing(drawn.database()) as database:
        lines = iter(Export(database))
        assert len(next(lines)) < 100
        assert next(lines).startswith(b'{"position":1,')
        lines.close()  # type: ignore[attr-defined]
