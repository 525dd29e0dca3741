"""Profiles: from which place the keys come, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ledger.errors import InvalidValue, LedgerError, NoCredentials, UnsafeSecrets
from ledger.ovh.conf import ovh_files
from ledger.ovh.profiles import Profile, list_profiles, load_profile

KEYS = "application_key = ak\napplication_secret = as-secret\nconsumer_key = ck-secret\n"
ACME = f"[acme]\n{KEYS}"
ENVIRONMENT = {
    "OVH_APPLICATION_KEY": "env-ak",
    "OVH_APPLICATION_SECRET": "env-as",
    "OVH_CONSUMER_KEY": "env-ck",
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str, name: str = "ovh.conf", mode: int = 0o600) -> Path:
        file = tmp_path / name
        file.write_text(text)
        file.chmod(mode)
        return file

    return written


def load(
    *files: Path, name: str | None = None, environ: Mapping[str, str] | None = None
) -> Profile:
    return load_profile(name, environ=environ or {}, files=files)


def refused(kind: type[LedgerError], load: Callable[[], object]) -> str:
    with pytest.raises(kind) as caught:
        load()
    text = str(caught.value)
    for secret in ("as-secret", "ck-secret", "env-as", "env-ck"):
        assert secret not in text
    return text


# ── which section ───────────────────────────────────────────────────────────────────────────


def test_a_name_picks_its_section(write: Write) -> None:
    file = write(f"[default]\nendpoint = ovh-eu\n[ovh-eu]\n{KEYS}{ACME}nichandle = ab1-ovh\n")
    profile = load(file, name="acme")
    assert (profile.name, profile.endpoint, profile.nichandle) == ("acme", "ovh-eu", "ab1-ovh")
    assert (profile.application_key, profile.application_secret) == ("ak", "as-secret")
    assert profile.source == f"[acme] of {file}"


def test_without_a_name_the_default_section_points_to_it(write: Write) -> None:
    file = write(f"[default]\nendpoint = ovh-ca\n[ovh-ca]\n{KEYS}{ACME}")
    assert load(file).endpoint == "ovh-ca"


def test_the_endpoint_of_the_environment_picks_a_section_as_it_does_in_ovh(
    write: Write,
) -> None:
    file = write(f"[default]\nendpoint = ovh-ca\n[ovh-ca]\n{KEYS}{ACME}")
    assert load(file, environ={"OVH_ENDPOINT": "acme"}).name == "acme"


def test_the_only_profile_needs_no_name(write: Write) -> None:
    assert load(write(f"[other]\nx = 1\n{ACME}")).name == "acme"


def test_among_several_profiles_one_must_be_named(write: Write) -> None:
    text = refused(NoCredentials, lambda: load(write(f"{ACME}[beta]\n{KEYS}")))
    assert "found acme, beta: choose with `--profile NAME`" in text


def test_an_unknown_profile_names_those_that_are_there(write: Write) -> None:
    text = refused(NoCredentials, lambda: load(write(ACME), name="acne"))
    assert text == "expected the OVH profile 'acne', found acme: choose one of these"


def test_no_profile_at_all_says_where_to_write_one(write: Write, tmp_path: Path) -> None:
    text = refused(NoCredentials, lambda: load(tmp_path / "none.conf"))
    assert "expected an OVH profile, found no ovh.conf: run `sms-ledger login`, write" in text
    empty = write("[x]\n")
    text = refused(NoCredentials, lambda: load(empty, name="acme"))
    assert f"expected the OVH profile 'acme', found no section with keys in {empty}" in text


def test_all_profiles_are_the_sections_that_hold_keys(write: Write) -> None:
    first = write(f"[default]\nendpoint = acme\n{ACME}", "first")
    second = write(
        f"[oauth]\nclient_id = i\nclient_secret = s\n[web]\nport = 1\n{ACME}", "second"
    )
    assert list_profiles(environ={}, files=[first, second]) == ["acme", "oauth"]


# ── which place ─────────────────────────────────────────────────────────────────────────────


def test_a_later_file_overrides_a_section_as_a_whole(write: Write) -> None:
    home = write(f"{ACME}requests_per_minute = 7\n", "home")
    planted = write("[acme]\nendpoint_url = https://evil.example/1.0\n", "planted")
    mine = write(f"[acme]\n{KEYS.replace('ak', 'mine')}", "mine")
    text = refused(NoCredentials, lambda: load(home, planted, name="acme"))
    assert f"[acme] of {planted}: expected application_key" in text
    assert "found none: keys of two places are never mixed" in text
    assert load(home, mine).application_key == "mine"
    assert load(home, mine).requests_per_minute == 60


def test_the_environment_is_used_when_no_profile_was_named(write: Write) -> None:
    file = write(ACME)
    profile = load(file, environ=ENVIRONMENT)
    assert (profile.name, profile.consumer_key) == ("environment", "env-ck")
    assert load(file, environ=ENVIRONMENT, name="acme").consumer_key == "ck-secret"


def test_the_environment_may_name_its_endpoint() -> None:
    assert load(environ={**ENVIRONMENT, "OVH_ENDPOINT": "ovh-ca"}).endpoint == "ovh-ca"
    assert load(environ=ENVIRONMENT).endpoint == "ovh-eu"


@pytest.mark.parametrize("left_out", ENVIRONMENT)
def test_a_part_of_the_environments_keys_is_not_completed_from_a_file(
    write: Write, left_out: str
) -> None:
    part = {name: value for name, value in ENVIRONMENT.items() if name != left_out}
    text = refused(NoCredentials, lambda: load(write(ACME), environ=part))
    assert f"missing {left_out}: keys of two places are never mixed" in text


def test_keys_of_both_kinds_are_refused() -> None:
    both = {**ENVIRONMENT, "OVH_CLIENT_ID": "i", "OVH_CLIENT_SECRET": "s"}
    text = refused(NoCredentials, lambda: load(environ=both))
    assert "or OVH_CLIENT_ID, OVH_CLIENT_SECRET; found keys of both kinds" in text


def test_a_section_with_a_part_of_its_keys_is_refused(write: Write) -> None:
    file = write("[acme]\napplication_key = ak\n")
    text = refused(NoCredentials, lambda: load(file))
    assert "missing application_secret, consumer_key" in text


def test_a_service_account_has_two_keys(write: Write) -> None:
    profile = load(write("[acme]\nclient_id = i\nclient_secret = s\n"))
    assert (profile.client_id, profile.client_secret, profile.application_key) == (
        "i",
        "s",
        None,
    )


def test_a_service_account_exists_at_ovh_itself_only(write: Write) -> None:
    file = write("[kimsufi-eu]\nclient_id = i\nclient_secret = s\n")
    text = refused(InvalidValue, lambda: load(file))
    assert "expected endpoint to be one of ovh-eu, ovh-us, ovh-ca; found 'kimsufi-eu'" in text
    elsewhere = {"SMS_LEDGER_OVH_URL": "http://127.0.0.1:8899/1.0"}
    assert load(file, environ=elsewhere).endpoint == "kimsufi-eu"


def test_the_files_are_those_of_ovh_and_one_that_is_named(write: Write, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    usual = (Path("/etc/ovh.conf"), tmp_path / ".ovh.conf", Path("ovh.conf"))
    named = write(ACME, "named")
    assert ovh_files(home) == usual
    assert ovh_files({**home, "SMS_LEDGER_OVH_CONFIG": str(named)}) == (*usual, named)
    other = {**home, "SMS_LEDGER_OVH_CONFIG": "/nowhere"}
    assert ovh_files(other, config=named) == (*usual, named)
    text = refused(NoCredentials, lambda: ovh_files(other))
    assert text == (
        "expected OVH credentials in /nowhere, found no such file: correct the path"
    )


def test_without_arguments_the_real_places_are_read(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ACME, ".ovh.conf")
    write(f"[here]\n{KEYS}", "ovh.conf")
    for name in (*ENVIRONMENT, "OVH_ENDPOINT", "OVH_CLIENT_ID", "OVH_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SMS_LEDGER_OVH_CONFIG", str(write("[x]\n", "x")))
    monkeypatch.chdir(tmp_path)
    assert {"acme", "here"} <= set(list_profiles())
    assert load_profile("here").source == "[here] of ovh.conf"


# ── files as they are ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_secrets_that_others_can_read_or_change_are_refused(write: Write, mode: int) -> None:
    file = write(ACME, mode=mode)
    text = refused(UnsafeSecrets, lambda: load(file, name="acme"))
    assert text.endswith(f"run `chmod 600 {file}`")


def test_another_persons_unsafe_file_does_not_stand_in_the_way(write: Write) -> None:
    unsafe = write(f"[theirs]\n{KEYS}", "etc", mode=0o644)
    assert load(unsafe, write(ACME, "home"), name="acme").name == "acme"


def test_a_file_without_secrets_may_be_read_by_all(write: Write) -> None:
    defaults = write("[default]\nendpoint = acme\n", "etc", mode=0o644)
    assert load(defaults, write(ACME, "home")).name == "acme"


def test_a_file_that_may_not_be_read_is_named_when_nothing_else_is_found(
    write: Write, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"  # opening it fails for root, too
    folder.mkdir()
    assert load(folder, write(ACME), name="acme").name == "acme"
    text = refused(NoCredentials, lambda: load(folder))
    assert f"found no ovh.conf (and may not read {folder})" in text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("consumer_key = ck-secret\n", "line 1"),
        (f"{ACME}ck-secret\n", "line 5"),
        (f"{ACME}consumer_key = ck-secret\n", "line 5"),
        (f"{ACME}{ACME}", "line 5"),
    ],
)
def test_a_faulty_file_is_told_by_line_without_quoting_it(
    write: Write, text: str, line: str
) -> None:
    file = write(text)
    told = refused(NoCredentials, lambda: load(file))
    assert told == (
        "expected `key = value` lines under [sections], found something else in"
        f" {line} of {file}"
    )


def test_a_file_of_other_bytes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ovh.conf"
    file.write_bytes(b"\xff\xfe[acme]")
    assert "expected a text file of sections" in refused(NoCredentials, lambda: load(file))


def test_a_section_named_default_in_capitals_is_not_spread_over_the_others(
    write: Write,
) -> None:
    file = write(f"[DEFAULT]\nendpoint_url = https://evil.example/1.0\n{ACME}")
    assert load(file, name="acme").endpoint_url is None


# ── values ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "aplication_key = x",
            "unknown key 'aplication_key': expected one like 'application_key'",
        ),
        ("zzz = x", "unknown key 'zzz': expected one like"),
        ("endpoint = ovh-mars", "expected endpoint to be one of ovh-eu, ovh-us"),
        ("requests_per_minute = fast", "requests_per_minute as a whole number, 0 for no limit"),
        ("requests_per_minute = -1", "found '-1'"),
        ("timeout_s = 0", "expected timeout_s as seconds above 0, like 60; found '0'"),
        ("timeout_s = nan", "found 'nan'"),
        ("client_id = i", "found keys of both kinds"),
    ],
)
def test_a_value_that_does_not_fit_is_named(write: Write, line: str, expected: str) -> None:
    file = write(f"{ACME}{line}\n")
    text = refused(LedgerError, lambda: load(file))
    assert text.startswith(f"[acme] of {file}: ")
    assert expected in text


def test_a_key_with_a_slip_of_the_clipboard_is_refused_unseen(write: Write) -> None:
    file = write(ACME.replace("ck-secret", "ck-secret  or so"))
    text = refused(InvalidValue, lambda: load(file))
    assert "expected consumer_key in plain letters and digits" in text


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://127.0.0.1:8899/1.0", "http://127.0.0.1:8899/1.0"),
        ("http://LOCALHOST:8899/1.0/", "http://localhost:8899/1.0"),
        ("http://[::1]:8899/1.0", "http://[::1]:8899/1.0"),
        ("https://Proxy.Example:443/ovh/1.0", "https://proxy.example/ovh/1.0"),
        ("http://127.0.0.1:80/v1", "http://127.0.0.1/v1"),
    ],
)
def test_an_endpoint_url_is_kept_as_it_will_be_sent(write: Write, url: str, read: str) -> None:
    assert load(write(f"{ACME}endpoint_url = {url}\n")).endpoint_url == read
    assert load(write(ACME), environ={"SMS_LEDGER_OVH_URL": url}).endpoint_url == read


@pytest.mark.parametrize(
    "url",
    [
        "ovh-eu",
        "ftp://127.0.0.1/1.0",
        "https://me:as-secret@proxy.example/1.0",
        "https://proxy.example/1.0?x=1",
        "https://proxy.example/1.0#x",
        "https://proxy.example",
        "https://proxy.example/a/../1.0",
        "https://proxy.example:x/1.0",
        "https://[proxy/1.0",
        "https:///1.0",
        "https://prôxy.example/1.0",
    ],
)
def test_an_endpoint_url_of_another_form_is_refused_unseen(write: Write, url: str) -> None:
    file = write(f"{ACME}endpoint_url = {url}\n")
    text = refused(InvalidValue, lambda: load(file))
    assert text.endswith(
        "expected endpoint_url like https://eu.api.ovh.com/1.0, found another form"
    )


@pytest.mark.parametrize(
    "host", ["192.168.0.1", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_plain_http_leaves_this_machine_under_no_name(write: Write, host: str) -> None:
    file = write(f"{ACME}endpoint_url = http://{host}/1.0\n")
    text = refused(InvalidValue, lambda: load(file))
    assert f"would send requests unencrypted to {host}" in text


def test_a_profile_does_not_show_its_keys(write: Write) -> None:
    profile = load(write(ACME))
    assert not any(key in f"{profile!r}{profile}" for key in ("as-secret", "ck-secret"))
    assert profile.keys == ("ak", "as-secret", "ck-secret")
