"""The official `ovh` client, told to look nowhere but at the profile.

On its own it reads `OVH_*`, `/etc/ovh.conf`, `~/.ovh.conf` and a `./ovh.conf` of whichever
folder it is started in, for every key that it was not given. This module is the only one that
imports `ovh`, and is itself imported when a connection is made.
"""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import Final
from urllib.parse import urlsplit

import requests

from ledger.ovh.profiles import Profile


class _NoConfiguration:
    """What `ovh.config` offers, with nothing in it."""

    def get(self, section: str, name: str) -> None:
        """No key is known but those of the profile."""

    def read(self, file: str) -> None:
        """No file is read."""


# `ovh.config` reads `./ovh.conf` while it is being imported, so it must not be.
_stand_in = ModuleType("ovh.config")
vars(_stand_in).update(ConfigurationManager=_NoConfiguration, config=_NoConfiguration())
sys.modules.setdefault("ovh.config", _stand_in)

import ovh.client  # noqa: E402
from ovh.exceptions import APIError  # noqa: E402
from ovh.oauth2 import (  # noqa: E402
    BackendApplicationClient,
    OAuth2,
    OAuth2Error,
    RefreshOAuth2Session,
)

# It may have been imported by others before.
vars(ovh.client).update(config=_stand_in)

# These log tokens and secrets in full at DEBUG.
for _talker in ("requests_oauthlib", "oauthlib"):
    logging.getLogger(_talker).setLevel(logging.WARNING)

__all__ = [
    "APIError",
    "BackendApplicationClient",
    "OAuth2",
    "OAuth2Error",
    "RefreshOAuth2Session",
    "SigningClient",
    "Still",
    "base_urls",
    "host_of_secrets",
    "is_direct",
    "timeouts",
]

TOKEN_PATH: Final = "/auth/oauth2/token"  # noqa: S105
_CONNECT_S: Final = 10.0


class Still:
    """A session that follows no redirection: a signature holds for one URL only."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _Session(Still, requests.Session):
    """Proxies as `requests` finds them, but no passwords out of `.netrc`."""

    def __init__(self, *, direct: bool) -> None:
        super().__init__()
        self.trust_env = not direct
        self.auth = _unchanged


class SigningClient(ovh.client.Client):  # type: ignore[misc]
    """Signs with the clock's delta that it was given, and never asks for it on its own."""

    delta_s = 0

    def __init__(self, profile: Profile) -> None:
        super().__init__(
            endpoint=_endpoint(profile),
            application_key=profile.application_key,
            application_secret=profile.application_secret,
            consumer_key=profile.consumer_key,
            timeout=timeouts(profile),
            client_id=profile.client_id,
            client_secret=profile.client_secret,
        )
        self._session = _Session(direct=is_direct(profile))

    @property
    def time_delta(self) -> int:
        return self.delta_s

    def use_tokens(self, oauth2: OAuth2) -> None:
        self._oauth2 = oauth2

    def close(self) -> None:
        self._session.close()


def timeouts(profile: Profile) -> tuple[float, float]:
    """For connecting and for each wait on an answer."""
    return min(_CONNECT_S, profile.timeout_s), profile.timeout_s


def is_direct(profile: Profile) -> bool:
    """Whether to go past all proxies: plain HTTP is for this machine only."""
    return base_urls(profile)[0].startswith("http:")


def base_urls(profile: Profile) -> tuple[str, str]:
    """Where routes start, and where OAuth2 tokens are fetched (empty: nowhere)."""
    url = profile.endpoint_url
    if url is None:
        token = ovh.client.OAUTH2_TOKEN_URLS.get(profile.endpoint, "")
        return str(ovh.client.ENDPOINTS[profile.endpoint]), str(token)
    parts = urlsplit(url)
    return url, f"{parts.scheme}://{parts.netloc}{TOKEN_PATH}"


def host_of_secrets(profile: Profile) -> str:
    """Where a profile's key is used first: tokens are fetched with a service account's."""
    route, token = base_urls(profile)
    return urlsplit(token if profile.client_id and token else route).netloc


def _endpoint(profile: Profile) -> str:
    """The library's name for where to call; a URL of the profile's own is its own name."""
    url = profile.endpoint_url
    if url is None:
        return profile.endpoint
    ovh.client.ENDPOINTS[url], ovh.client.OAUTH2_TOKEN_URLS[url] = base_urls(profile)
    return url


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
