"""Verify an export of an sms-ledger, and proofs from it, with nothing but Python 3.8 or newer.

    python3 -I verify.py [--expect SIZE:ROOT]... [--proof FILE]... [EVENTS.JSONL]

SIZE:ROOT is an anchor: the checkpoint at the end of a statement that you kept. Without one, an
export is only shown to agree with itself. Take this file from the program's release.
An event's digest (its leaf) is SHA-256 of a zero byte and four parts, each after its length in
eight bytes: the name of its stream, its number in it, its topic, its stored bytes. Leaves make
the Merkle tree of RFC 6962, whose root is in the anchor, and a chain: each link is SHA-256 of
the one before and the leaf. Exit status: 0 all of it holds, 4 something does not, 2 misuse.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import sys
from typing import Any

EVENT = "position stream version topic digest link state"
END = "size root link recorded_at sha256"
INCLUSION = "kind anchor index path digest stream version topic state"
CONSISTENCY = "kind first second path"
TYPES = {"position": int, "version": int, "size": int, "index": int, "path": list}  # else text


def require(holds: object, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def require_form(found: dict[str, Any], keys: str, name: str) -> None:
    form = [(key, TYPES.get(key, str)) for key in keys.split()]
    require([(key, type(found[key])) for key in found] == form, f"{name} has another form")


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01", left, right)


def leaf_of(event: dict[str, Any], name: str) -> tuple[bytes, bytes]:
    state = base64.b64decode(event["state"])
    parts = [*(str(event[key]).encode() for key in ("stream", "version", "topic")), state]
    leaf = sha256(b"\x00", *(len(part).to_bytes(8, "big") + part for part in parts))
    found = [leaf.hex(), base64.b64encode(state).decode()]
    require(found == [event["digest"], event["state"]], f"{name} is not what it was")
    return leaf, state


def anchor_of(text: str) -> tuple[int, bytes]:
    good = re.fullmatch(r"(0|[1-9][0-9]{0,17}):[0-9a-f]{64}", text)
    require(good, f"expected SIZE:ROOT, found {text!r}")
    return int(text.partition(":")[0]), bytes.fromhex(text.partition(":")[2])


def add(leaf: bytes, full: list[tuple[int, bytes]]) -> None:
    full.append((1, leaf))  # full subtrees, their sizes and roots, the largest first
    while len(full) > 1 and full[-1][0] == full[-2][0]:
        (count, right), (_, left) = full.pop(), full.pop()
        full.append((count * 2, node(left, right)))


def root_of(full: list[tuple[int, bytes]]) -> bytes:
    root = full[-1][1] if full else sha256()
    for _, left in full[-2::-1]:
        root = node(left, root)
    return root


def half(size: int) -> int:  # the leaves on the left: the largest power of two below it
    return 1 << ((size - 1).bit_length() - 1)


def root_above(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    require(0 <= index < size and bool(path) == (size > 1), "no such place in the tree")
    if size == 1:
        return leaf
    if index < half(size):
        return node(root_above(leaf, index, half(size), path[:-1]), path[-1])
    return node(path[-1], root_above(leaf, index - half(size), size - half(size), path[:-1]))


def both_roots(first: int, size: int, path: list[bytes], known: bytes) -> tuple[bytes, bytes]:
    require(0 < first <= size, "no such beginning of the tree")  # known: the unbroken one's
    if first == size:
        require(len(path) == (not known), "too many or too few digests")
        return known or path[0], known or path[0]
    if first <= half(size):
        old, new = both_roots(first, half(size), path[:-1], known)
        return old, node(new, path[-1])
    old, new = both_roots(first - half(size), size - half(size), path[:-1], b"")
    return node(path[-1], old), node(path[-1], new)


def read(path: str, sizes: set[int]) -> dict[int, bytes]:
    full: list[tuple[int, bytes]] = []
    link, at, roots, lines, end = b"", "", {0: sha256()}, hashlib.sha256(), 0
    with open(path, "rb") as file:
        for number, raw in enumerate(file):
            line = json.loads(raw) if raw.endswith(b"}\n") else {}
            form = json.dumps(line, separators=(",", ":")).encode() + b"\n"
            require(form == raw and not end, f"line {number + 1} of {path} is not what it was")
            if not number:
                require(line == {"format": "sms-ledger-export/1"}, f"{path} is no export")
            elif "size" in line:
                require_form(line, END, "the last line")
                end, roots[number - 1] = number, root_of(full)
                found = [end - 1, roots[end - 1].hex(), link.hex(), at, lines.hexdigest()]
                require(list(line.values()) == found, "the last line is not of these events")
            else:
                require_form(line, EVENT, f"line {number + 1} of {path}")
                leaf, state = leaf_of(line, f"event {number}")
                link = sha256(link or sha256(b"sms-ledger chain 1\n", leaf), leaf)
                place = [line["position"], line["link"]] == [number, link.hex()]
                require(place, f"event {number} does not follow from those before it")
                add(leaf, full)
                at = json.loads(state.partition(b"\n")[0])["recorded_at"]
                roots.update({number: root_of(full)} if number in sizes else {})
            lines.update(raw)
    require(end, f"{path} is cut off: its last line, the checkpoint, is missing")
    return roots  # at these sizes, and last at its end


def prove(row: dict[str, Any], trusted: set[tuple[int, bytes]]) -> None:
    path = [anchor_of("0:" + digest)[1] for digest in row["path"]]
    if row["kind"] == "consistency":
        first, second = anchor_of(row["first"]), anchor_of(row["second"])
        roots = both_roots(first[0], second[0], path, first[1])
        require(roots == (first[1], second[1]), "the older tree does not begin the newer one")
        require({first, second} & trusted, "nothing vouches for it: give one of its anchors")
        trusted.update({first} if second in trusted else ())
        print(f"the older {first[0]} events begin the newer {second[0]}")
        return
    (size, root), (leaf, state) = anchor_of(row["anchor"]), leaf_of(row, "the event")
    require(root_above(leaf, row["index"], size, path) == root, "it leads elsewhere")
    require((size, root) in trusted, "nothing vouches for it: give its anchor, or the export")
    print(f"{row['index'] + 1} of {size}: event {row['version']} of {row['stream']},", end=" ")
    print(row["topic"], state.partition(b"\n")[0].decode())


def proof_in(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    proof = json.loads(text)
    require(json.dumps(proof, indent=2, ensure_ascii=False) + "\n" == text, "its form changed")
    row: dict[str, Any] = proof["rows"][0]
    whole = {"schema": "sms-ledger/audit-proof/1", "position": None, "rows": [row], "notes": []}
    require(proof == whole, "no proof of an sms-ledger")
    require_form(row, INCLUSION if row["kind"] == "inclusion" else CONSISTENCY, path)
    return row


def verify(export: str | None, anchors: list[tuple[int, bytes]], files: list[str]) -> None:
    proofs, trusted, last = [proof_in(path) for path in files], set(anchors), 0
    if export or not proofs:
        path = export or os.path.join(os.path.dirname(__file__), "events.jsonl")
        named = [row[key] for row in proofs for key in {*row} & {"anchor", "first", "second"}]
        roots = read(path, {size for size, _ in [*anchors, *map(anchor_of, named)]})
        for at, root in sorted(anchors):
            fails = f"the anchor at {at} fails (the one at {last} holds): the log was cut off,"
            require(roots.get(at) == root, f"{fails} made anew, or it is of another tree")
            last = at
        size, root = list(roots.items())[-1]
        print(f"{len(anchors)} anchors hold; after them come {size - last} events of {size}")
        print(f"{size}:{root.hex()}")
        trusted.update(roots.items())
    for row in sorted(proofs, key=lambda row: -int(row.get("second", "0").partition(":")[0])):
        prove(row, trusted)


def main() -> int:
    ap = argparse.ArgumentParser(usage=str(__doc__).splitlines()[2].strip())
    option = ap.add_argument
    option("export", nargs="?")
    option("--expect", action="append", default=[], type=lambda text: anchor_of(text.lower()))
    option("--proof", action="append", default=[])
    given = ap.parse_args()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        verify(given.export, given.expect, given.proof)
    except OSError as error:
        ap.error(str(error))
    except Exception as error:  # what cannot be understood does not hold
        print(f"DOES NOT HOLD: {type(error).__name__} {error}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
