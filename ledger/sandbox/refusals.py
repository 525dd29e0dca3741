"""What the fake OVH refuses, in the words and forms that the real one uses.

Refusal
├── BadRequest        400  wrong parameter
├── NotFound          404  class Client::NotFound
├── NotGranted        403  the key's rules do not cover the call
├── KeyRefused        403  application key or credential
├── Unauthorized      401  OAuth2 token
└── RuleBroken        a rule of the service: short of credits, foreign target, …
"""

from http import HTTPStatus
from typing import Literal

from ledger.sandbox.amounts import Json

Form = Literal["legacy", "iam"]


class Refusal(Exception):
    """One refused call: its status, and the facts its body shows."""

    status = HTTPStatus.BAD_REQUEST
    error_code: str | None = None
    error_class: str | None = None
    form: Form = "legacy"

    def __init__(
        self, message: str, *, status: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = HTTPStatus(status or self.status)
        self.error_code = code or self.error_code
        self.headers: dict[str, str] = {}

    def body(self) -> Json:
        if self.form == "iam":
            return {"class": self.error_class, "message": self.message}
        return legacy(self.status, self.message, self.error_code)


class BadRequest(Refusal):
    """A parameter is missing, unknown or malformed."""


class NotFound(Refusal):
    """There is nothing of this name, or it is someone else's."""

    status = HTTPStatus.NOT_FOUND
    error_class = "Client::NotFound"
    form: Form = "iam"


class NotGranted(Refusal):
    """The consumer key has no right to this call."""

    status = HTTPStatus.FORBIDDEN
    error_code = "NOT_GRANTED_CALL"

    def __init__(self, *, form: Form, action: str) -> None:
        legacy_words = "This call has not been granted"
        super().__init__(
            legacy_words if form == "legacy" else "User not granted for this request"
        )
        self.form = form
        self.action = action

    def body(self) -> Json:
        return iam(self.action) if self.form == "iam" else super().body()


class KeyRefused(Refusal):
    """The application key or the consumer key is unknown, pending or expired."""

    status = HTTPStatus.FORBIDDEN
    error_class = "Client::Forbidden"

    def __init__(self, message: str, *, code: str, form: Form) -> None:
        super().__init__(message, code=code)
        self.form = form


class Unauthorized(Refusal):
    """The OAuth2 token is unknown or has expired."""

    status = HTTPStatus.UNAUTHORIZED
    error_class = "Client::Unauthorized"
    form: Form = "iam"


class RuleBroken(Refusal):
    """The call is well formed, and the service says no."""


def legacy(status: HTTPStatus, message: str, code: str | None = None) -> Json:
    """Write the older body: `httpCode` is a string such as `403 Forbidden`."""
    body: Json = {"httpCode": f"{status.value} {status.phrase}", "message": message}
    return body if code is None else {"errorCode": code, **body}


def iam(action: str) -> Json:
    """Write the body of the rights management for a call that is not granted."""
    return {
        "class": "Client::Forbidden",
        "message": "User not granted for this request",
        "details": {
            "unauthorizedActionsByAuthentication": "",
            "unauthorizedActionsByIAM": action,
        },
    }


def bad_signature() -> BadRequest:
    return BadRequest("Invalid signature", code="INVALID_SIGNATURE")


def out_of_time() -> BadRequest:
    return BadRequest("Query out of time", code="QUERY_TIME_OUT")


def not_described() -> BadRequest:
    return BadRequest("Received not described parameters")


def no_service() -> NotFound:
    return NotFound("This service does not exist")


def no_object() -> NotFound:
    return NotFound("The requested object does not exist")


def short_of_credits(status: int) -> RuleBroken:
    return RuleBroken("Not enough credits", status=status)
