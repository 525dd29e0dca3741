"""The wire: the API as an ASGI application, down to broken connections.

Some faults are below HTTP. For them the application needs the connection's transport,
which ASGI hides; `Protocol` keeps it by the client's address.
"""

import asyncio
import socket
import struct
from typing import Any, ClassVar

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ledger.sandbox import operations, spoil
from ledger.sandbox.exchange import Answer, Request
from ledger.sandbox.faults import Fault
from ledger.sandbox.service import Service

RESET_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time
MISSING_BYTES = 64
TOO_MANY = 429


class Protocol(H11Protocol):
    """Uvicorn's HTTP/1.1, with the transport of each client at hand."""

    transports: ClassVar[dict[Any, asyncio.Transport]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transports[transport.get_extra_info("peername")] = transport
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transports.pop(self.transport.get_extra_info("peername"), None)
        super().connection_lost(exc)


class Api:
    """Serves the API: reads a request, lets the service answer, spoils it if it must."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._answered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        route = self.service.gate.route(request)
        self.service.requests.note(request, route)
        fault = self.service.faults.take(request.method, request.path)
        if fault is None:
            await self._send(send, self.service.answer(request))
        elif fault.kind in spoil.UNPERFORMED:
            await self._refuse(fault, request, scope, receive, send)
        else:
            await self._spoil(fault, request, scope, receive, send)

    async def _refuse(
        self, fault: Fault, request: Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault.kind == "hung":
            await asyncio.sleep(fault.seconds)
        if fault.kind in ("reset", "hung"):
            await _reset(scope, receive)
            return
        if fault.code == TOO_MANY and fault.retry_after is None:
            fault.retry_after = self.service.world.knobs.retry_after_s or None
        found = self.service.gate.directory.find(request.method, request.path)
        action = operations.action(found[0]) if found else ""
        await self._send(send, spoil.instead(fault, action))

    async def _spoil(
        self, fault: Fault, request: Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        answer = self.service.answer(request)
        if fault.kind in ("slow", "lost"):
            await asyncio.sleep(fault.seconds)
        match fault.kind:
            case "lost":
                await _reset(scope, receive)
            case "truncated":
                await self._part(answer, scope, receive)
            case "cut":
                await self._part(answer, scope, receive, reset=True)
            case _:
                await self._send(send, spoil.changed(fault, request, answer))

    async def _send(self, send: Send, answer: Answer) -> None:
        headers = self._headers(answer, len(answer.body))
        start: Message = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [
                (name.lower().encode(), value.encode()) for name, value in headers.items()
            ],
        }
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    async def _part(
        self, answer: Answer, scope: Scope, receive: Receive, *, reset: bool = False
    ) -> None:
        """Announce more than is sent, then close: with an end, or with a reset."""
        transport = _transport(scope)
        headers = self._headers(answer, len(answer.body) + MISSING_BYTES)
        lines = [f"HTTP/1.1 {answer.status} OK", *(f"{k}: {v}" for k, v in headers.items())]
        head = "\r\n".join([*lines, "", ""]).encode()
        transport.write(head + answer.body[: len(answer.body) // 2])
        if reset:
            # Give the bytes time to leave: a reset throws away what is still queued.
            await asyncio.sleep(0.05)
            await _reset(scope, receive)
        else:
            transport.close()
            await _gone(receive)

    def _headers(self, answer: Answer, length: int) -> dict[str, str]:
        self._answered += 1
        number = self._answered
        mark = (self.service.world.seed * 1_000_003 + number) & 0xFFFFFFFF
        query_id = f"EU.ext-1.{mark:08x}.{number}.{mark * 2_654_435_761 & 0xFFFFFFFF:08x}"
        return {
            "Content-Type": answer.content_type,
            "Content-Length": str(length),
            "X-OVH-QUERYID": query_id,
            **answer.headers,
        }


async def _read(scope: Scope, receive: Receive) -> Request:
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
    }
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return Request(
        method=scope["method"],
        origin=f"{scope['scheme']}://{headers.get('host', '')}",
        target=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
    )


def _transport(scope: Scope) -> asyncio.Transport:
    return Protocol.transports[scope["client"]]


async def _reset(scope: Scope, receive: Receive) -> None:
    """Break a connection off: the client sees "connection reset by peer"."""
    transport = _transport(scope)
    raw: socket.socket = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
    transport.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    """Wait until the server knows that the connection is gone; it then answers nothing."""
    while (await receive())["type"] != "http.disconnect":
        pass
