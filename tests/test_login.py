"""`login` and `whoami`: the guide's first steps, with a sandbox that plays OVH and its page."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from rigs import NOW, Ran, Rig, rig

from cli.actions.granting import Draft, draft
from ledger.ovh.conf import read_sections
from ledger.ovh.library import host_of_secrets
from ledger.ovh.login import wait_for_consent

ROSSI, MARTIN = "ab12345-ovh", "cd67890-ovh"
FIRST = "sms-ab12345-1"
VARIABLE = "TEST_APPLICATION_SECRET"
WAITS = dict(wait_for_consent.__kwdefaults__)


@pytest.fixture(scope="module")
def served(tmp_path_factory, sqlite) -> Iterator[Rig]:
    with rig(tmp_path_factory.mktemp("login"), "default", store=sqlite, messages=60) as made:
        yield made


@pytest.fixture
def ovh(served: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """The sandbox as it began: no knob turned, no profile, no fault; keys are asked for."""
    served.ovh.do("clear-faults")
    served.ovh.do(
        "knobs",
        knobs="validation=person,unvalidated_key=refused,refused_key=kept,validated_for_s=0",
    )
    served.ovh.requests.clear()
    for key in served.ovh.world.credentials.values():
        if key.status == "pendingValidation":
            key.status = "expired"
    served.conf = tmp_path / "ovh.conf"
    served.conf.write_text("; ours\n")
    monkeypatch.setenv(VARIABLE, served.ovh.credentials[ROSSI].application_secret)
    return served


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look after a tenth of the second that is the shortest wait."""
    waits = {"sleep": lambda seconds: time.sleep(seconds / 10)}
    monkeypatch.setattr(wait_for_consent, "__kwdefaults__", WAITS | waits)


@pytest.fixture
def patient(hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as long as it is told to."""
    monkeypatch.setattr(wait_for_consent, "__kwdefaults__", WAITS)


def asks(ovh: Rig, *more: str, key: str = "", **options: Any) -> Ran:
    """Log in with the application's key, as profile `mine`."""
    application = key or ovh.ovh.credentials[ROSSI].application_key
    words = ["--application-key", application, "--secret-variable", VARIABLE]
    where = ["--endpoint-url", ovh.ovh.url, "--every-s", "1"]
    return ovh.sl("login", *words, *where, *more, profile="mine", **options)


def renews(ovh: Rig, *more: str) -> Ran:
    return ovh.sl("login", "--every-s", "1", *more, profile="mine")


def with_person(do: Callable[[], object], act: Callable[[], Ran], ovh: Rig) -> Ran:
    """Let a person act as soon as a key waits for its page."""

    def person() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            keys = list(ovh.ovh.world.credentials.values())
            if any(key.status == "pendingValidation" for key in keys):
                do()
                return
            time.sleep(0.01)

    thread = threading.Thread(target=person)
    thread.start()
    try:
        return act()
    finally:
        thread.join()


def granted(ovh: Rig, *more: str, **how: Any) -> Ran:
    return with_person(lambda: ovh.ovh.do("validate", **how), lambda: asks(ovh, *more), ovh)


def section(ovh: Rig, name: str = "mine") -> dict[str, str]:
    return read_sections(ovh.conf, ovh.conf.read_text()).get(name, {})


def asked_at(ovh: Rig) -> str:
    host = ovh.ovh.url.removeprefix("http://").removesuffix("/1.0")
    return f"OVH is asked at {host}.\n"


def nothing_written(ovh: Rig) -> bool:
    return ovh.conf.read_text() == "; ours\n" and list(ovh.conf.parent.iterdir()) == [ovh.conf]


# --- an application's key ------------------------------------------------------------------


def test_the_customer_grants_the_rules_on_the_page_that_is_shown(ovh):
    """The page's address is taken from the screen, and opened as a browser would."""
    process = ovh.start(
        *("--profile", "mine", "login", "--every-s", "1", "--endpoint-url", ovh.ovh.url),
        *("--application-key", ovh.ovh.credentials[ROSSI].application_key),
        *("--secret-variable", VARIABLE),
    )
    assert process.stdout is not None
    shown = ""
    while "credentialToken" not in shown and process.poll() is None:
        shown = process.stdout.readline()
    session = requests.Session()
    session.trust_env = False
    page = session.get(shown.strip(), timeout=10)
    out, err = process.communicate(timeout=30)
    assert page.text == f"validated for {ROSSI}\n"
    assert (process.returncode, err) == (0, asked_at(ovh))
    assert f"{ROSSI}: profile mine is written to {ovh.conf}" in out
    assert ovh.sl("whoami", profile="mine").status == 0


def test_the_profile_holds_a_key_with_exactly_these_rules(ovh):
    ran = granted(ovh, "--with", "recharge", "--with", "transfers")
    assert ran.status == 0, ran
    key = ovh.ovh.world.credentials[section(ovh)["consumer_key"]]
    rules = [f"{rule.method} {rule.path}" for rule in key.rules]
    assert rules == re.findall(r"^((?:GET|PUT|POST|DELETE) \S+)", ran.out, re.MULTILINE)
    assert {"PUT /sms/*", "POST /sms/*/transferCredits"} < set(rules)
    assert stat.S_IMODE(ovh.conf.stat().st_mode) == 0o600
    assert ovh.conf.read_text().startswith("; ours\n\n[mine]\n")


def test_no_secret_is_shown(ovh):
    ran = granted(ovh)
    for key in ("application_secret", "consumer_key"):
        assert section(ovh)[key] not in ran.screen


def test_a_key_that_ends_is_told_with_its_end(ovh):
    ran = granted(ovh, expires_in="1d")
    assert "The key expires on 2026-11-01 at 17:00 UTC: run login again before." in ran.out


def test_a_profile_is_renewed_with_the_secret_that_it_holds(ovh):
    granted(ovh)
    before = section(ovh)
    ran = with_person(lambda: ovh.ovh.do("validate"), lambda: renews(ovh), ovh)
    assert ran.status == 0, ran
    after = section(ovh)
    assert after.pop("consumer_key") != before.pop("consumer_key")
    assert after == before


def test_it_asks_seldom_while_it_waits(ovh, patient):
    assert asks(ovh, "--timeout-s", "2").status == 3
    counts = ovh.ovh.requests.counts
    assert counts["POST /auth/credential"] == 1
    assert counts["GET /auth/time"] == 1
    assert counts["GET /auth/currentCredential"] <= 3


@pytest.fixture
def planted(ovh: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Another's ovh.conf in the folder that login is typed in; one's own home is empty."""
    folder, home = tmp_path / "folder", tmp_path / "home"
    for one in (folder, home):
        one.mkdir()
    (folder / "ovh.conf").write_text("[mine]\nendpoint_url = http://127.0.0.1:9/1.0\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SMS_LEDGER_OVH_CONFIG", raising=False)
    return ovh


def from_folder(*words: str) -> Draft:
    return draft("mine", Path(words[0]) if words else None, {}, os.environ)


def test_an_ovh_conf_of_the_current_folder_does_not_say_where_secrets_go(planted):
    made = from_folder()
    assert made.file == Path(os.environ["HOME"]) / ".ovh.conf"
    assert host_of_secrets(made.profile({"client_id": "x"})) == "www.ovh.com"
    assert host_of_secrets(made.profile({"application_key": "x"})) == "eu.api.ovh.com"


def test_a_file_of_the_current_folder_counts_where_it_is_named(planted, monkeypatch):
    assert host_of_secrets(from_folder("ovh.conf").profile({})) == "127.0.0.1:9"
    monkeypatch.setenv("SMS_LEDGER_OVH_CONFIG", "ovh.conf")
    made = from_folder()
    assert (made.file, host_of_secrets(made.profile({}))) == (Path("ovh.conf"), "127.0.0.1:9")


def test_the_host_is_told_before_the_secret_is_sent(ovh):
    ovh.ovh.do("knobs", knobs="validation=at-once")
    ran = asks(ovh)
    assert ran.screen.startswith(asked_at(ovh) + "Open this page")


# --- what goes wrong: nothing is written -----------------------------------------------------


def test_a_page_that_nobody_opens_is_waited_for_so_long_and_no_longer(ovh):
    ran = asks(ovh, "--timeout-s", "1")
    assert ran.status == 3
    assert "expected the page to be answered within 1 s" in ran.err
    assert nothing_written(ovh)


@pytest.mark.parametrize("knobs", ["unvalidated_key=shown", "refused_key=gone"])
def test_a_customer_who_refuses_is_told_where_ovh_tells_it(ovh, knobs):
    ovh.ovh.do("knobs", knobs=knobs)
    ran = granted(ovh, refuse=True)
    assert ran.status == 3
    assert "expected the customer to grant the key, found it refused" in ran.err
    assert nothing_written(ovh)


def test_an_application_that_ovh_does_not_know_is_told(ovh):
    ran = asks(ovh, key="unknownunknown12")
    assert ran.status == 3
    assert "'This application key is invalid': correct application_key" in ran.err
    assert nothing_written(ovh)


def test_a_wrong_secret_is_told_when_the_key_is_first_used(ovh, monkeypatch):
    monkeypatch.setenv(VARIABLE, "wrong-secret")
    ran = granted(ovh)
    assert ran.status == 3
    assert "correct application_secret" in ran.err
    assert "wrong-secret" not in ran.screen
    assert nothing_written(ovh)


def test_the_key_of_another_customer_is_not_put_into_a_profile(ovh):
    ovh.conf.write_text(f"[mine]\nnichandle = {ROSSI}\n")
    before = ovh.conf.read_text()
    ran = granted(ovh, customer=MARTIN)
    assert ran.status == 5
    assert f"expected {ROSSI} to grant the key of mine, found {MARTIN}" in ran.err
    assert ovh.conf.read_text() == before


def test_without_a_network_nothing_is_written(ovh):
    where = "http://127.0.0.1:9/1.0"
    ran = ovh.sl(
        *("login", "--application-key", "k", "--secret-variable", VARIABLE),
        *("--endpoint-url", where),
        profile="mine",
    )
    assert ran.status == 3
    assert "127.0.0.1:9 cannot be reached: connection refused" in ran.err
    assert nothing_written(ovh)


def test_a_network_that_fails_while_it_waits_is_waited_out(ovh):
    ovh.ovh.do("fault", match="GET /auth/currentCredential", kind="status", status=503, times=1)
    assert granted(ovh).status == 0


def test_a_clock_that_ovh_does_not_accept_is_told(ovh):
    ovh.ovh.do("knobs", knobs="validation=at-once")
    ovh.ovh.do("fault", match="GET /auth/time", kind="skew", seconds=-900, times=9)
    ran = asks(ovh)
    assert ran.status == 3
    assert "OVH does not accept the time of the signature" in ran.err
    assert nothing_written(ovh)


def test_a_local_clock_that_is_off_does_no_harm(ovh):
    """The sandbox's clock is weeks away from this machine's."""
    assert abs(time.time() - NOW) > 86_400
    ovh.ovh.do("knobs", knobs="validation=at-once")
    assert asks(ovh).status == 0


def test_ctrl_c_while_it_waits_leaves_everything_as_it_was(ovh, patient):
    def interrupt() -> None:
        while not ovh.ovh.requests.counts["GET /auth/currentCredential"]:
            time.sleep(0.01)
        time.sleep(0.3)  # it looked, and sleeps now: connections are at rest
        os.kill(os.getpid(), signal.SIGINT)

    ran = with_person(interrupt, lambda: asks(ovh), ovh)
    assert ran.status == 130
    assert nothing_written(ovh)


def test_without_a_terminal_the_secret_is_not_asked_for(ovh):
    ran = ovh.sl("login", "--application-key", "k", profile="mine")
    assert (ran.status, ran.out) == (2, "")
    assert (
        ran.err == "OVH is asked at eu.api.ovh.com.\n"
        "sms-ledger: expected the application secret, found no terminal to ask for"
        " it: type `login --secret-variable NAME`\n"
    )
    ran = ovh.sl("login", profile="mine")
    assert "found no terminal to ask for it: type `login --application-key …`" in ran.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--secret-variable", "NO_SUCH"), "in the variable NO_SUCH, found none"),
        (("--client-id", "x"), "--client-id goes with --oauth2"),
        (("--oauth2", "--application-key", "x"), "--application-key without it"),
        (("--application-key", "a b", "--secret-variable", VARIABLE),
         "application_key in plain"),
        (("--application-key", "a", "--secret-variable", VARIABLE, "--account", "a/b"),
         "expected an account like sms-ab12345-1, found 'a/b'"),
        (("--file", "/no/such/folder/ovh.conf"), "there is no such folder"),
        (("--with", "everything"), "'everything' is not one of 'transfers', 'recharge'"),
        (("--application-key", "a", "--secret-variable", VARIABLE, "--endpoint-url", "ftp://x"),
         "expected endpoint_url like"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_misuse(ovh, words, told):
    more = (
        []
        if "--application-key" in words or "--client-id" in words
        else ["--application-key", "k"]
    )
    ran = ovh.sl("login", *more, *words, profile="mine")
    assert ran.status == 2, ran
    assert told in ran.err
    assert nothing_written(ovh)


def test_a_section_that_cannot_be_written_is_told_before_a_key_is_granted(ovh):
    """`configparser` reads indented lines; written into, they would continue one another."""
    ovh.conf.write_text("[mine]\n  application_key = old\n  consumer_key = old\n")
    before = ovh.conf.read_text()
    ran = asks(ovh)
    assert ran.status == 2
    assert "that it cannot be (its form is not understood): name another file" in ran.err
    assert ovh.conf.read_text() == before
    assert not ovh.ovh.requests.counts


def test_secrets_that_others_can_read_are_not_reused(ovh):
    ovh.conf.write_text("[mine]\napplication_key = k\napplication_secret = s\n")
    ovh.conf.chmod(0o644)
    ran = renews(ovh)
    assert ran.status == 5
    assert "chmod 600" in ran.err


def test_a_file_that_is_not_read_by_itself_is_told_how_to_be(ovh, tmp_path):
    other = tmp_path / "other.conf"
    ran = granted(ovh, "--file", str(other))
    assert ran.status == 0
    assert f"export SMS_LEDGER_OVH_CONFIG={other}" in ran.err
    assert "consumer_key" in other.read_text()


def test_at_a_terminal_the_secret_is_typed_without_an_echo(ovh):
    """On a pseudo-terminal, as a person would: nothing of the secret comes back."""
    secret = ovh.ovh.credentials[ROSSI].application_secret
    ovh.ovh.do("knobs", knobs="validation=at-once")
    screen, terminal = os.openpty()
    words = ovh.words(
        "login", "--application-key", ovh.ovh.credentials[ROSSI].application_key,
        "--endpoint-url", ovh.ovh.url, profile="mine",
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", "from cli import main; main()", *words],
        env={**os.environ, "SMS_LEDGER_OVH_CONFIG": str(ovh.conf)},
        stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while b"Application secret: " not in shown:
        shown += os.read(screen, 1024)
    os.write(screen, f"{secret}\n".encode())
    try:
        while more := os.read(screen, 1024):
            shown += more
    except OSError:
        pass  # the terminal is gone with its last program
    os.close(screen)
    assert process.wait(30) == 0, shown
    assert secret.encode() not in shown
    assert section(ovh)["application_secret"] == secret


# --- a service account ---------------------------------------------------------------------


def service_account(ovh: Rig, monkeypatch: Any, rules: str = "") -> Ran:
    made = ovh.ovh.do("service-account", rules=rules)
    monkeypatch.setenv(VARIABLE, str(made["client_secret"]))
    return ovh.sl(
        *("login", "--oauth2", "--client-id", str(made["client_id"])),
        *("--secret-variable", VARIABLE, "--endpoint-url", ovh.ovh.url),
        profile="mine",
    )


def test_a_service_account_is_tried_and_written(ovh, monkeypatch):
    ran = service_account(ovh, monkeypatch)
    assert (ran.status, ran.err) == (0, asked_at(ovh)), ran
    assert ran.out == f"{ROSSI}: profile mine is written to {ovh.conf}\n"
    assert section(ovh).keys() == {"client_id", "client_secret", "endpoint_url"}
    assert ovh.sl("whoami", profile="mine").status == 0


def test_a_service_account_takes_the_place_of_an_applications_key(ovh, monkeypatch):
    granted(ovh)
    service_account(ovh, monkeypatch)
    assert "consumer_key" not in section(ovh)
    assert ovh.sl("whoami", profile="mine").status == 0


def test_what_a_service_accounts_policy_lacks_is_named(ovh, monkeypatch):
    ran = service_account(ovh, monkeypatch, "GET /me;GET /me/*;GET /sms;GET /sms/*/outgoing")
    assert ran.status == 1
    assert "add the rule `GET /sms/*`" in ran.err
    (who,) = ovh.sl("whoami", "-O", "json", profile="mine").rows
    assert who["access"] == "service account"
    assert (who["customer"], who["expires_at"]) == (ROSSI, None)
    lacking = {one["path"]: one["text"] for one in who["rules"] if one["standing"] == "missing"}
    assert lacking["/sms/*/incoming"] == "replies (IAM: sms:apiovh:incoming/get)"
    assert "/sms/*/outgoing" not in lacking


def test_a_service_account_with_a_wrong_secret_is_told(ovh, monkeypatch):
    made = ovh.ovh.do("service-account")
    monkeypatch.setenv(VARIABLE, "wrong")
    ran = ovh.sl(
        *("login", "--oauth2", "--client-id", str(made["client_id"])),
        *("--secret-variable", VARIABLE, "--endpoint-url", ovh.ovh.url),
        profile="mine",
    )
    assert ran.status == 3
    assert "OVH gives no token (HTTP 401): correct client_id and client_secret" in ran.err
    assert nothing_written(ovh)


# --- whoami ----------------------------------------------------------------------------------


def who(ovh: Rig, *words: str) -> tuple[int, dict[str, Any]]:
    ran = ovh.sl("whoami", *words, "-O", "json", profile="mine")
    return ran.status, ran.rows[0]


def with_key(ovh: Rig, rules: str, **how: Any) -> None:
    keys = ovh.ovh.do("grant", rules=rules, **how)
    lines = [
        "[mine]",
        f"endpoint_url = {ovh.ovh.url}",
        *(f"{k} = {v}" for k, v in keys.items()),
    ]
    ovh.conf.write_text("\n".join([*lines, ""]))
    ovh.conf.chmod(0o600)


def test_a_key_that_login_asked_for_lacks_nothing_and_holds_nothing_more(ovh):
    granted(ovh)
    status, row = who(ovh)
    assert (status, row["customer"], row["missing"], row["more"]) == (0, ROSSI, 0, 0)
    assert (row["access"], row["expires_at"]) == ("application key", None)


def test_what_is_missing_and_what_is_more_than_needed_is_shown(ovh):
    with_key(ovh, "GET /auth/*;GET /me;GET /me/bill/*;GET /sms/*;GET /sms;DELETE /sms/*")
    ran = ovh.sl("whoami", profile="mine")
    assert ran.status == 1
    assert re.search(r"^GET /me/bill +MISSING +bills$", ran.out, re.MULTILINE)
    assert re.search(r"^DELETE /sms/\* +granted, more than needed", ran.out, re.MULTILINE)
    assert re.search(r"^GET /me/payment/method +missing, optional", ran.out, re.MULTILINE)
    assert "note: 1 rule is missing that the ledger needs: run login again" in ran.err


def test_a_rule_for_a_feature_is_missing_when_it_is_asked_for(ovh):
    granted(ovh)
    assert who(ovh)[0] == 0
    status, row = who(ovh, "--with", "recharge")
    assert (status, row["missing"]) == (1, 1)


@pytest.mark.parametrize(
    ("lasts", "days", "status"), [("10d", "14", 1), ("20d", "14", 0), ("20d", "30", 1)]
)
def test_a_key_that_expires_soon_is_a_finding(ovh, lasts, days, status):
    granted(ovh, expires_in=lasts)
    found, row = who(ovh, "--warn-days", days)
    assert (found, row["expires_soon"]) == (status, bool(status))
    assert row["days_left"] == int(lasts[:-1]) - (1 if found is None else 0)


def test_a_key_that_has_expired_is_told_with_what_to_type(ovh):
    granted(ovh, expires_in="1m")
    ovh.ovh.do("advance", by="2m")
    ran = ovh.sl("whoami", profile="mine")
    assert ran.status == 3
    assert "run `sms-ledger --profile mine login`" in ran.err


def test_a_key_that_may_not_look_at_itself_is_tried(ovh):
    with_key(ovh, "GET /me;GET /me/bill;GET /me/bill/*;GET /sms;GET /sms/*")
    status, row = who(ovh)
    assert (status, row["customer"], row["missing"]) == (0, ROSSI, 0)
    assert "/me/payment/method" in {
        o["path"] for o in row["rules"] if o["standing"] == "optional"
    }


def test_whoami_needs_no_ledger(ovh, tmp_path):
    granted(ovh)
    missing = tmp_path / "none.db"
    ran = ovh.run(["--database", str(missing), "--profile", "mine", "whoami"])
    assert ran.status == 0
    assert not missing.exists()
    assert "log position" not in ran.out
