"""One HTTP request at a time to OVH, signed anew each time, and what came back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import requests

from ledger.errors import OvhUnreachable
from ledger.ovh.answers import Answer, CutShort
from ledger.ovh.library import TOKEN_PATH, APIError, OAuth2Error, SigningClient, base_urls
from ledger.ovh.profiles import Profile
from ledger.ovh.refusals import Refusals
from ledger.ovh.routes import Route, route
from ledger.ovh.tokens import Tokens

_TOKEN: Final = route(TOKEN_PATH)
_LONGEST_QUERY_ID: Final = 128

# Name of an exception somewhere in the chain -> what a person reads. The first one counts.
_CAUSES: Final = (
    ("ConnectTimeoutError", "no connection in time"),
    ("ReadTimeoutError", "no answer in time"),
    ("ProxyError", "the proxy lets nothing through"),
    ("gaierror", "its name is not known (DNS)"),
    ("SSLError", "no trusted TLS connection"),
    ("ConnectionRefusedError", "connection refused"),
    ("ConnectionResetError", "connection cut off"),
    ("BrokenPipeError", "connection cut off"),
    ("RemoteDisconnected", "connection cut off"),
)
_CUT_SHORT: Final = frozenset({"IncompleteRead", "InvalidChunkLength", "DecodeError"})


class Wire:
    """Sends and counts; knows nothing of what the answers mean."""

    def __init__(self, profile: Profile, refusals: Refusals) -> None:
        self._refusals = refusals
        self._host = urlsplit(base_urls(profile)[0]).netloc
        self._client = SigningClient(profile)
        self._tokens = Tokens(profile, self._token_came) if profile.client_id else None
        if self._tokens:
            self._client.use_tokens(self._tokens)
        self.sent = 0

    @property
    def needs_clock(self) -> bool:
        """Whether requests are signed with OVH's time; tokens are not."""
        return self._tokens is None

    def sign_with(self, delta_s: int) -> None:
        """`delta_s`: by how much OVH's clock is ahead of the local one."""
        self._client.delta_s = delta_s

    def send(
        self,
        method: str,
        at: Route,
        *,
        body: object = None,
        signed: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Raises OvhUnreachable, CutShort, or what fetching a token raises."""
        self.sent += 1
        try:
            response = self._client.raw_call(
                method, at.target, body, need_auth=signed, headers=dict(headers or {})
            )
        except (OSError, OAuth2Error, APIError) as error:
            # the chain would carry addresses and, for a token, its body
            raise self._failure(method, at, error) from None
        return _answer(response)

    def close(self) -> None:
        self._client.close()
        if self._tokens:
            self._tokens.close()

    def _token_came(self, response: requests.Response) -> requests.Response:
        self.sent += 1
        self._refusals.check_token(_TOKEN, _answer(response))
        return response

    def _failure(self, method: str, at: Route, error: Exception) -> OvhUnreachable | CutShort:
        names = [type(one).__name__ for one in _chain(error)]
        asked = f"{method} {at.shown}"
        if _CUT_SHORT & set(names):
            msg = f"{asked}: expected a whole answer of {self._host}, found a part of it"
            return CutShort(f"{msg}; what was read before is recorded, run it again")
        why = next((text for name, text in _CAUSES if name in names), names[0])
        msg = f"{asked}: {self._host} cannot be reached: {why}"
        return OvhUnreachable(f"{msg}; check the network and the proxy, then run it again")


def _answer(response: requests.Response) -> Answer:
    headers = response.headers
    return Answer(
        status=response.status_code,
        body=response.content,
        ends="Content-Length" in headers or "chunked" in headers.get("Transfer-Encoding", ""),
        media=headers.get("Content-Type", ""),
        query_id=_query_id(headers.get("X-OVH-QUERYID", "")),
        retry_after_s=_retry_after_s(headers.get("Retry-After", "")),
        redirect_host=_host(headers.get("Location", "")),
    )


def _query_id(text: str) -> str | None:
    plain = text.isascii() and text.isprintable() and len(text) <= _LONGEST_QUERY_ID
    return text if text and plain else None


def _retry_after_s(text: str) -> float | None:
    """From seconds or from a date."""
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _host(location: str) -> str | None:
    try:
        return urlsplit(location).hostname
    except ValueError:
        return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
