"""`login`: a profile with the least rights, granted by the customer on a page of OVH."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli.session import Session, pass_session
from ledger.errors import Misuse, OvhRightMissing

if TYPE_CHECKING:
    from cli.actions.granting import Draft
    from ledger.ovh.rights import Rule

ENDPOINTS: Final = (
    "ovh-eu", "ovh-us", "ovh-ca", "kimsufi-eu", "kimsufi-ca", "soyoustart-eu", "soyoustart-ca",
)  # fmt: skip
FEATURES: Final = ("transfers", "recharge", "quotes", "logs")

profile_option = click.option(
    "--profile",
    "own_profile",
    metavar="NAME",
    help="The section of ovh.conf, also in front of the command.",
)
with_option = click.option(
    "--with", "features", type=click.Choice(FEATURES), multiple=True,
    help="Rules to change something too; may be repeated.",
)  # fmt: skip
accounts_option = click.option(
    "--account", "accounts", metavar="ACCOUNT", multiple=True,
    help="Only this SMS account; may be repeated. Default: all.",
)  # fmt: skip


@click.command(short_help="Write a profile whose key has the least rights.")
@profile_option
@click.option("--application-key", metavar="KEY", help="The application; its secret is asked.")
@click.option("--oauth2", is_flag=True, help="A service account instead of an application.")
@click.option("--client-id", metavar="ID", help="The service account, with --oauth2.")
@click.option(
    "--secret-variable", metavar="NAME", help="The environment variable that holds the secret."
)
@click.option("--endpoint", type=click.Choice(ENDPOINTS), help="Default: ovh-eu.")
@click.option("--endpoint-url", metavar="URL", help="Another address: the sandbox, a proxy.")
@with_option
@accounts_option
@click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Where to write. Default: where the profile stands, else ~/.ovh.conf.",
)  # fmt: skip
@click.option(
    "--timeout-s", type=click.IntRange(1, 86_400), default=600, show_default=True,
    help="How long to wait for the page to be answered.",
)  # fmt: skip
@click.option(
    "--every-s", type=click.IntRange(1, 60), default=3, show_default=True,
    help="How often to look whether it was.",
)  # fmt: skip
@pass_session
def login(
    session: Session,
    *,
    own_profile: str | None,
    application_key: str | None,
    oauth2: bool,
    client_id: str | None,
    secret_variable: str | None,
    endpoint: str | None,
    endpoint_url: str | None,
    features: tuple[str, ...],
    accounts: tuple[str, ...],
    file: Path | None,
    timeout_s: int,
    every_s: int,
) -> int:
    """Ask OVH for a key with exactly the rules that are needed, and write its profile.

    Shows the page on which the customer grants them, waits for it, and writes the section to
    ovh.conf, readable by its owner only; the rest of the file stays. The application's secret
    is asked for without an echo, taken from --secret-variable, or from the profile when it is
    renewed; never from the command line.

    With --oauth2, a service account's token is tried and its profile written. Its rights are
    those of its IAM policy. Status 1: it was written, but something required is missing.

    Example: sms-ledger --profile acme login --application-key 7kbG7Bk7S9Nt7ZSV
    """
    from cli.actions.granting import draft

    if (client_id and not oauth2) or (application_key and oauth2):
        msg = "--client-id goes with --oauth2, --application-key without it"
        raise click.UsageError(msg)
    told = {
        "application_key": application_key,
        "client_id": client_id,
        "endpoint": endpoint,
        "endpoint_url": endpoint_url,
    }
    given = {key: text for key, text in told.items() if text}
    made = draft(own_profile or session.profile, file, given, os.environ)
    if oauth2:
        return _service_account(made, secret_variable)
    return _application(
        made,
        secret_variable,
        features,
        accounts,
        timeout_s=timeout_s,
        every_s=every_s,
    )


def _application(
    made: Draft,
    variable: str | None,
    features: tuple[str, ...],
    accounts: tuple[str, ...],
    *,
    timeout_s: int,
    every_s: int,
) -> int:
    from cli.actions.granting import names
    from ledger.ovh.client import connect
    from ledger.ovh.login import request_key, wait_for_consent, with_key
    from ledger.ovh.rights import FEATURES as KNOWN
    from ledger.ovh.rights import rules_for

    keys = {"application_key": _public(made, "application_key", "application key")}
    _tell_host(made, keys)
    keys["application_secret"] = _secret(
        made, "application_key", "application_secret", variable
    )
    rules = rules_for([one for one in KNOWN if one in features], names(accounts))
    profile = made.profile(keys)
    asked = request_key(profile, [rule for rule, _ in rules])
    _show_page(asked.validationUrl, rules, timeout_s)
    profile = with_key(profile, asked)
    wait_for_consent(profile, timeout_s=timeout_s, every_s=every_s)
    with connect(profile) as client:
        customer = client.me().nichandle
        made.check_customer(customer)
        until = client.credential().expiration
    _tell(made, customer, made.write({**keys, "consumer_key": asked.consumerKey}))
    if until is not None:
        click.echo(f"The key expires on {until:%Y-%m-%d at %H:%M} UTC: run login again before.")
    return 0


def _service_account(made: Draft, variable: str | None) -> int:
    from ledger.ovh.access import look
    from ledger.ovh.client import connect

    keys = {"client_id": _public(made, "client_id", "client id")}
    _tell_host(made, keys)
    keys["client_secret"] = _secret(made, "client_id", "client_secret", variable)
    with connect(made.profile(keys)) as client:
        access = look(client)
    if access.customer is not None:
        made.check_customer(access.customer)
    _tell(made, access.customer or "a service account", made.write(keys))
    missing = [rule for rule in access.rules if rule.standing == "missing"]
    for rule in missing:
        click.echo(f"sms-ledger: {OvhRightMissing(rule.method, rule.path)}", err=True)
    return 1 if missing else 0


# --- what is asked, and what is told ---------------------------------------------------------


def _public(made: Draft, key: str, words: str) -> str:
    """Give the name that the keys go by: given, of the section, or typed by a person."""
    known = made.known(key)
    if known:
        return known
    option = f"--{key.replace('_', '-')}"
    _require_terminal(f"an {words}" if words[0] in "aeiou" else f"a {words}", f"{option} …")
    if key == "application_key":
        click.echo("An application is made on https://eu.api.ovh.com/createApp/.", err=True)
    return str(click.prompt(words.capitalize(), err=True)).strip()


def _tell_host(made: Draft, keys: Mapping[str, str]) -> None:
    """Say who is asked, before a secret is typed or sent."""
    from ledger.ovh.library import host_of_secrets

    click.echo(f"OVH is asked at {host_of_secrets(made.profile(keys))}.", err=True)


def _secret(made: Draft, public: str, secret: str, variable: str | None) -> str:
    from cli.actions.granting import secret_from

    if variable is not None:
        return secret_from(variable, os.environ)
    held = made.secret_of(public, secret)
    if held is not None:
        return held
    words = secret.replace("_", " ")
    _require_terminal(f"the {words}", "--secret-variable NAME")
    return str(click.prompt(words.capitalize(), hide_input=True, err=True)).strip()


def _require_terminal(what: str, option: str) -> None:
    if not sys.stdin.isatty():
        msg = f"expected {what}, found no terminal to ask for it: type `login {option}`"
        raise Misuse(msg)


def _show_page(url: str, rules: list[tuple[Rule, str]], timeout_s: int) -> None:
    from cli.tables import draw, printable

    click.echo(
        "Open this page as the customer, choose how long the key shall be good for, and allow"
        f" what is listed below:\n\n    {printable(url)}\n"
    )
    click.echo(
        draw(("rule", "what it reads or does"), [(str(one), what) for one, what in rules])
    )
    click.echo(f"\nWaiting for it, at most {timeout_s} s …")


def _tell(made: Draft, customer: str, note: str | None) -> None:
    click.echo(f"{customer}: profile {made.name} is written to {made.file}")
    if note:
        click.echo(f"note: {note}", err=True)
