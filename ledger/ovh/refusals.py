"""What an answer that is not a success means, and what a person can do about it.

OVH speaks two forms: `{"errorCode", "message", "httpCode"}` and, since IAM, `{"class",
"message"}`; gateways before it speak HTML. The status decides where the body says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from ledger.errors import (
    OvhBadAnswer,
    OvhClockOff,
    OvhError,
    OvhKeyRefused,
    OvhNotFound,
    OvhOverloaded,
    OvhRefused,
    OvhRightMissing,
)
from ledger.ovh.answers import Answer, document
from ledger.ovh.profiles import Profile
from ledger.ovh.routes import Route

_LONGEST_MESSAGE: Final = 200

# `[country] Given data (xx) is not valid`
_NOT_VALID: Final = re.compile(r"\[(?P<parameter>\w+)\]")

# Bodies without a code say it in words.
_CODE_OF_MESSAGE: Final = {
    "invalid application key": "INVALID_KEY",
    "this application key is invalid": "INVALID_KEY",
    "this credential is not valid": "INVALID_CREDENTIAL",
    "this credential does not exist": "NOT_CREDENTIAL",
    "this call has not been granted": "NOT_GRANTED_CALL",
    "user not granted for this request": "NOT_GRANTED_CALL",
    "invalid signature": "INVALID_SIGNATURE",
    "query out of time": "QUERY_TIME_OUT",
}
_RIGHT_CODES: Final = frozenset({"NOT_GRANTED_CALL", "FORBIDDEN", "CLIENT::FORBIDDEN"})
_DENIED: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
)
_CURES: Final = {
    "INVALID_KEY": "correct application_key in {source}",
    "INVALID_CREDENTIAL": "the consumer key has expired or was never validated: {login}",
    "NOT_CREDENTIAL": "the consumer key does not exist (any more): {login}",
    "INVALID_SIGNATURE": "correct application_secret and consumer_key in {source}",
}


class Refusals:
    """Answers turned into errors, for one profile, whose keys no message shows."""

    def __init__(self, profile: Profile) -> None:
        self._keys = profile.keys
        self._source = profile.source
        self._cure = f"correct the keys in {profile.source}"
        self._login = f"run `sms-ledger --profile {profile.name} login`"

    def check(self, method: str, at: Route, answer: Answer) -> None:
        """Raise what the answer means unless it is a success."""
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES and not answer.is_page:
            return
        raise self._error(method, at, answer)

    def check_token(self, at: Route, answer: Answer) -> None:
        """The same for the request of an OAuth2 token, whose refusals look different."""
        if answer.status >= HTTPStatus.BAD_REQUEST and not _is_overload(answer):
            msg = (
                f"POST {at.shown}: OVH gives no token (HTTP {answer.status}):"
                f" correct client_id and client_secret in {self._source}"
            )
            raise OvhKeyRefused(msg, query_id=answer.query_id)
        self.check("POST", at, answer)
        said = document(answer, at, method="POST")
        if not (isinstance(said, Mapping) and isinstance(said.get("access_token"), str)):
            msg = f"POST {at.shown}: expected a token, found another answer: run it again later"
            raise OvhBadAnswer(msg, query_id=answer.query_id)

    def clock_off(self, at: Route, ahead_s: int, query_id: str | None = None) -> OvhClockOff:
        """`ahead_s`: by how much OVH's clock is ahead of the local one."""
        side = "behind" if ahead_s > 0 else "ahead of"
        off = f"{abs(ahead_s)} s {side} OVH's" if ahead_s else "equal to OVH's"
        msg = (
            f"{at.shown}: OVH does not accept the time of the signature; the local clock is"
            f" {off}: set it by NTP and run it again"
        )
        return OvhClockOff(msg, query_id=query_id)

    def _error(self, method: str, at: Route, answer: Answer) -> OvhError:
        if _is_overload(answer):
            return _overloaded(method, at, answer)
        if answer.status < HTTPStatus.BAD_REQUEST:
            return _redirected(method, at, answer)
        said = document(answer, at, method=method)
        body = said if isinstance(said, Mapping) else {}
        return self._refusal(method, at, answer, body)

    def _refusal(
        self, method: str, at: Route, answer: Answer, body: Mapping[object, object]
    ) -> OvhError:
        message = self._legible(body.get("message"))
        code = _code(body, message) if answer.status in _DENIED else ""
        if code == "QUERY_TIME_OUT":
            return self.clock_off(at, 0, answer.query_id)
        if code in _RIGHT_CODES:
            return OvhRightMissing(method, at.rule, query_id=answer.query_id)
        asked = f"{method} {at.shown}: OVH answered {answer.status}"
        asked += f" {message!r}" if message else " without a reason"
        if code in _CURES or answer.status == HTTPStatus.UNAUTHORIZED:
            advised = f"{asked}: {self._advice(code)}"
            return OvhKeyRefused(advised, query_id=answer.query_id, code=code)
        if answer.status == HTTPStatus.NOT_FOUND:
            cure = "check the name, or run `sms-ledger sync` later"
            return OvhNotFound(f"{asked}: {cure}", query_id=answer.query_id)
        cure = "correct what was asked, or show OVH's support this line"
        named = _NOT_VALID.match(message) if answer.status == HTTPStatus.BAD_REQUEST else None
        parameter = named["parameter"] if named else ""
        return OvhRefused(f"{asked}: {cure}", query_id=answer.query_id, parameter=parameter)

    def _advice(self, code: str) -> str:
        return _CURES.get(code, self._cure).format(source=self._source, login=self._login)

    def _legible(self, message: object) -> str:
        """OVH's own words: printable, short, our keys masked."""
        if not isinstance(message, str):
            return ""
        for key in self._keys:
            message = message.replace(key, "***")
        line = " ".join(message.split())
        return "".join(char for char in line if char.isprintable())[:_LONGEST_MESSAGE]


def _code(body: Mapping[object, object], message: str) -> str:
    """OVH's code for a refusal, by its code, its words, or its class."""
    stated = body.get("errorCode")
    if isinstance(stated, str) and stated:
        return stated.upper()
    by_words = _CODE_OF_MESSAGE.get(message.lower().rstrip("."))
    return by_words or str(body.get("class", "")).upper()


def _is_overload(answer: Answer) -> bool:
    status = answer.status
    busy = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
    return answer.is_page or status in busy or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _overloaded(method: str, at: Route, answer: Answer) -> OvhOverloaded:
    page = " and an HTML page" if answer.is_page else ""
    wait_s = answer.retry_after_s
    cure = f"wait {wait_s:.0f} s" if wait_s else "wait a minute"
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        cure += ", lower requests_per_minute of the profile,"
    msg = f"{method} {at.shown}: OVH is overloaded (HTTP {answer.status}{page}): {cure}"
    return OvhOverloaded(
        f"{msg} and run it again", query_id=answer.query_id, retry_after_s=wait_s
    )


def _redirected(method: str, at: Route, answer: Answer) -> OvhBadAnswer:
    to = f" to {answer.redirect_host}" if answer.redirect_host else ""
    msg = (
        f"{method} {at.shown}: expected an answer, found a redirection{to}"
        f" (HTTP {answer.status}), which is not followed: check endpoint_url and the proxy"
    )
    return OvhBadAnswer(msg, query_id=answer.query_id)
