"""One request as it was received, and one answer as it will be sent."""

import msgspec

ENCODER = msgspec.json.Encoder(decimal_format="number")
JSON = "application/json; charset=utf-8"
HTML = "text/html"
VERSIONS = ("/1.0", "/v1")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request, raw: what is signed is what was received, byte for byte."""

    method: str
    origin: str  # scheme and Host header
    target: str  # raw path, with its version
    query: str  # raw, without the question mark
    headers: dict[str, str]  # names in lower case
    body: bytes = b""

    @property
    def url(self) -> str:
        return f"{self.origin}{self.target}" + (f"?{self.query}" if self.query else "")

    @property
    def path(self) -> str:
        """Tell the raw path below the version."""
        for version in VERSIONS:
            if self.target.startswith(f"{version}/"):
                return self.target.removeprefix(version)
        return self.target


class Answer(msgspec.Struct, kw_only=True):
    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = {}


def encode(value: object) -> bytes:
    """Write JSON; decimals become numbers with their exact digits."""
    return ENCODER.encode(value)


def json_answer(value: object, *, status: int = 200) -> Answer:
    return Answer(status=status, body=encode(value))
