"""A profile is written into `ovh.conf`, and nothing else in the file changes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Misuse, NoCredentials
from ledger.ovh.conf import read_sections
from ledger.ovh.conf_writing import check_writable, edited, write_section

KEYS = {"application_key": "ak", "application_secret": "as", "consumer_key": "ck"}
FILE = """\
; of the whole company
[default]
endpoint = acme

# the shops
[acme]
; paced for us
requests_per_minute = 30
application_key = old
consumer_key: old
  that goes on
client_id = gone
; until 2027
nichandle = ab12345-ovh

; the clinic
[beta]
client_id = id
client_secret = secret
"""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    file = tmp_path / "ovh.conf"
    file.write_text(FILE)
    return file


def test_a_section_is_renewed_with_its_comments_and_other_keys(conf):
    write_section(conf, "acme", KEYS, without=["client_id", "client_secret"])
    assert conf.read_text() == FILE.replace(
        "[acme]\n",
        "[acme]\napplication_key = ak\napplication_secret = as\nconsumer_key = ck\n",
    ).replace(
        "application_key = old\nconsumer_key: old\n  that goes on\nclient_id = gone\n", ""
    )


def test_a_new_section_stands_at_the_end(conf):
    write_section(conf, "gamma", KEYS)
    assert conf.read_text() == (
        FILE + "\n[gamma]\napplication_key = ak\napplication_secret = as\nconsumer_key = ck\n"
    )


def test_a_new_file_holds_the_section_alone(tmp_path):
    write_section(tmp_path / "new.conf", "acme", {"client_id": "id"})
    assert (tmp_path / "new.conf").read_text() == "[acme]\nclient_id = id\n"


def test_writing_again_changes_nothing(conf):
    write_section(conf, "acme", KEYS)
    before = conf.read_text()
    write_section(conf, "acme", KEYS)
    assert conf.read_text() == before


def test_the_file_is_readable_by_its_owner_only_whatever_it_was(conf):
    conf.chmod(0o644)
    before = os.umask(0)
    try:
        write_section(conf, "acme", KEYS)
    finally:
        os.umask(before)
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600


def test_a_link_stays_a_link(conf, tmp_path):
    link = tmp_path / "link.conf"
    link.symlink_to(conf)
    write_section(link, "acme", KEYS)
    assert link.is_symlink()
    assert "consumer_key = ck" in conf.read_text()


def test_line_ends_of_another_system_are_kept(conf):
    conf.write_bytes(FILE.replace("\n", "\r\n").encode())
    write_section(conf, "acme", KEYS)
    assert conf.read_bytes().count(b"\n") == conf.read_bytes().count(b"\r\n")


def test_a_failure_to_write_leaves_the_file_and_nothing_beside_it(conf, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Misuse, match="No space left on device"):
        write_section(conf, "acme", KEYS)
    assert conf.read_text() == FILE
    assert list(conf.parent.iterdir()) == [conf]


@pytest.mark.parametrize("place", ["none/ovh.conf", "."])
def test_a_place_that_cannot_hold_the_file_is_told_before(tmp_path, place):
    with pytest.raises(Misuse, match="name another file with --file"):
        check_writable(tmp_path / place)


def test_a_file_that_is_no_ovh_conf_is_told_before_and_not_quoted(tmp_path):
    file = tmp_path / "ovh.conf"
    file.write_text("[acme]\nsecret-without-a-name\n")
    with pytest.raises(NoCredentials, match="line 2") as refused:
        check_writable(file)
    assert "secret-without" not in str(refused.value)


def test_a_file_of_other_bytes_is_not_overwritten(tmp_path):
    file = tmp_path / "ovh.conf"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Misuse, match="cannot be read as text"):
        check_writable(file)


def test_a_form_that_would_be_lost_is_not_touched(conf):
    """For `configparser`, a name goes up to the last bracket of its line."""
    strange = FILE.replace("[beta]", "[beta] [old]")
    conf.write_text(strange)
    with pytest.raises(Misuse, match="its form is not understood"):
        write_section(conf, "beta", {"client_id": "new"})
    assert conf.read_text() == strange


NAMES = st.sampled_from(["acme", "beta", "default"])
LINES = st.sampled_from(
    [
        "endpoint = x",
        "; a comment",
        "# application_key = no",
        "consumer_key = 1",
        "",
        "nichandle=n",
    ]
)
SECTIONS = st.dictionaries(NAMES, st.lists(LINES, max_size=5, unique=True), max_size=3)


@settings(max_examples=60, deadline=None)
@given(SECTIONS, NAMES)
def test_other_sections_and_all_comments_survive(sections, name):
    text = "".join(
        f"[{one}]\n" + "".join(f"{line}\n" for line in of) for one, of in sections.items()
    )
    after = edited(text, name, KEYS)
    before, read = read_sections(Path("x"), text), read_sections(Path("x"), after)
    assert read[name].items() >= KEYS.items()
    assert {k: v for k, v in read.items() if k != name} == {
        k: v for k, v in before.items() if k != name
    }
    marked = [line for line in text.splitlines() if line[:1] in {";", "#"}]
    assert [line for line in after.splitlines() if line[:1] in {";", "#"}] == marked
