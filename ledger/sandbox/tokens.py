"""OAuth2: a service account asks for a token, and calls with it."""

from base64 import b64decode

from ledger.sandbox.amounts import Json
from ledger.sandbox.records import Credential, Token
from ledger.sandbox.refusals import Unauthorized
from ledger.sandbox.world import World

PATH = "/auth/oauth2/token"
LETTERS_IN_TOKEN = 64
BEARER = "bearer "


def give(world: World, authorization: str, form: dict[str, list[str]]) -> tuple[int, Json]:
    """Answer a request for a token: its status and its body."""
    if form.get("grant_type") != ["client_credentials"]:
        return 400, _error("unsupported_grant_type", "expected client_credentials")
    account = _account(world, *_basic(authorization))
    if account is None:
        return 401, _error("invalid_client", "client authentication failed")
    text = world.secret(LETTERS_IN_TOKEN)
    world.tokens[text] = Token(account, world.now + world.knobs.token_s)
    return 200, {
        "access_token": text,
        "token_type": "Bearer",
        "expires_in": world.knobs.token_s,
        "scope": "all",
    }


def is_bearer(authorization: str) -> bool:
    return authorization.lower().startswith(BEARER)


def authenticate(world: World, authorization: str) -> Credential:
    """Find who calls with a token."""
    found = world.tokens.get(authorization[len(BEARER) :].strip())
    if found is None or found.expires_at <= world.now:
        raise Unauthorized("This token is not valid")
    return found.credential


def _account(world: World, client_id: str, secret: str) -> Credential | None:
    for one in world.credentials.values():
        if one.is_service and (one.application_key, one.application_secret) == (
            client_id,
            secret,
        ):
            return one
    return None


def _basic(authorization: str) -> tuple[str, str]:
    try:
        text = b64decode(authorization.partition(" ")[2]).decode()
    except ValueError:
        return "", ""
    name, _, secret = text.partition(":")
    return name, secret


def _error(error: str, text: str) -> Json:
    return {"error": error, "error_description": text}
