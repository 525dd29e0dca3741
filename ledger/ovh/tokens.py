"""OAuth2 by the library's own session, with what it lacks: a timeout on the token request.

Its answer is looked at before the library does, which would quote it, token and all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import requests

from ledger.ovh.library import (
    BackendApplicationClient,
    OAuth2,
    RefreshOAuth2Session,
    Still,
    base_urls,
    is_direct,
    timeouts,
)
from ledger.ovh.profiles import Profile


class _TokenSession(Still, RefreshOAuth2Session):  # type: ignore[misc]
    """Asks for no passwords of `.netrc` either: the library sees to that."""


class Tokens(OAuth2):  # type: ignore[misc]
    """Fetches a token at the first signed call, and another when it has expired."""

    def __init__(
        self, profile: Profile, on_token: Callable[[requests.Response], requests.Response]
    ) -> None:
        super().__init__(profile.client_id, profile.client_secret, base_urls(profile)[1])
        self._opened: Any = None
        self._timeouts = timeouts(profile)
        self._direct = is_direct(profile)
        self._on_token = on_token
        if self._direct:
            # oauthlib insists on TLS; profiles allow plain HTTP on this machine only
            os.environ.setdefault("OAUTHLIB_INSECURE_TRANSPORT", "1")

    @property
    def session(self) -> Any:
        """The session that `raw_call` sends through."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _open(self) -> Any:
        how = {"client_secret": self.client_secret, "timeout": self._timeouts}
        session = _TokenSession(
            token_url=self.token_url,
            client=BackendApplicationClient(client_id=self.client_id, scope=["all"]),
            token_updater=self.token_updater,
            auto_refresh_kwargs=how,
        )
        session.trust_env = not self._direct
        session.register_compliance_hook("access_token_response", self._on_token)
        session.fetch_token(token_url=self.token_url, **how)
        return session
