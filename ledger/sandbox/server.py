"""The server: one port on loopback for the API and the control surface."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from types import FrameType
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from ledger.sandbox import exposed, tokens, validating
from ledger.sandbox.action import CannotDo
from ledger.sandbox.amounts import TooFine
from ledger.sandbox.clock import Clock
from ledger.sandbox.exchange import JSON, VERSIONS, encode
from ledger.sandbox.knobs import UnknownKnob
from ledger.sandbox.records import Credential
from ledger.sandbox.refusals import Refusal
from ledger.sandbox.service import Requests, Service
from ledger.sandbox.wire import Api, Protocol
from ledger.sandbox.world import World

HOST = "127.0.0.1"
BACKLOG = 128
IDLE_S = 75
STOP_WITHIN_S = 1
STOP_STEP_S = 0.005


class PortInUse(OSError):
    """Another program listens on the port that was asked for."""


class Control:
    """The control surface: what no real OVH offers."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def do(self, request: Request) -> Response:
        name = request.path_params["action"]
        try:
            body = await request.body()
            parameters = json.loads(body or b"{}", parse_float=Decimal)
            return _json(self.service.do(name, **parameters))
        except Refusal as refused:
            return _json({"error": refused.message}, status=409)
        except (CannotDo, UnknownKnob, TooFine, ValueError, TypeError) as wrong:
            return _json({"error": str(wrong)}, status=400)

    async def state(self, _: Request) -> Response:
        return _json(self.service.state())

    async def requests(self, request: Request) -> Response:
        shown = _json(self.service.requests.show())
        if request.query_params.get("reset") in ("true", "1"):
            self.service.requests.clear()
        return shown

    async def secrets(self, _: Request) -> Response:
        return _json(exposed.secrets(self.service.world))

    async def dump(self, _: Request) -> Response:
        return Response(self.service.world.dump(), media_type=JSON)

    async def validate(self, request: Request) -> Response:
        """Validate a pending key, as its owner does on a page of OVH."""
        token = request.query_params.get("credentialToken", "")
        refuse = request.query_params.get("answer") == "refuse"
        with self.service.lock:
            key = validating.waiting(self.service.world, token) if token else None
            if key is None:
                return PlainTextResponse("no key waits for this token\n", status_code=404)
            told = validating.answer(self.service.world, key, refuse=refuse)
        return PlainTextResponse(f"{told}\n")

    async def token(self, request: Request) -> Response:
        """Give a service account its token, as OVH's token address does."""
        form = parse_qs((await request.body()).decode("latin-1"))
        with self.service.lock:
            status, told = tokens.give(
                self.service.world, request.headers.get("authorization", ""), form
            )
        return _json(told, status=status)


def application(service: Service) -> Starlette:
    control, api = Control(service), Api(service)
    app = Starlette(
        routes=[
            *(Mount(version, app=api) for version in VERSIONS),
            Route("/sandbox/do/{action}", control.do, methods=["POST"]),
            Route("/sandbox/state", control.state),
            Route("/sandbox/requests", control.requests, methods=["GET"]),
            Route("/sandbox/secrets", control.secrets),
            Route("/sandbox/dump", control.dump),
            Route("/sandbox/validate", control.validate),
            Route(tokens.PATH, control.token, methods=["POST"]),
        ]
    )
    app.router.redirect_slashes = False
    return app


class Listener(uvicorn.Server):
    """Ends as soon as it is told to; uvicorn's own looks ten times a second, and waits then."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Tell it, from whichever thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._told.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.end()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers that are on their way arrive, for a second."""
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        until = time.monotonic() + STOP_WITHIN_S
        state = self.server_state
        while (state.connections or state.tasks) and time.monotonic() < until:
            if self.force_exit:
                break
            await asyncio.sleep(STOP_STEP_S)
        for task in state.tasks:
            task.cancel()


class Server:
    """A service that listens: bound at once, answering while it runs."""

    def __init__(self, service: Service, *, port: int = 0) -> None:
        self.service = service
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            application(service),
            http=Protocol,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_S,
        )
        self._server = Listener(config)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/1.0"

    def run(self) -> None:
        """Serve until the process is told to end."""
        self._server.run(sockets=[self._socket])

    @property
    def is_started(self) -> bool:
        return self._server.started

    def stop(self) -> None:
        self._server.end()

    def close(self) -> None:
        self._socket.close()


class Serving:
    """A running sandbox, as tests hold it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.service = server.service
        self.url = server.url
        self.port = server.port

    @property
    def world(self) -> World:
        return self.service.world

    @property
    def clock(self) -> Clock:
        return self.service.clock

    @property
    def requests(self) -> Requests:
        return self.service.requests

    @property
    def credentials(self) -> dict[str, Credential]:
        """Tell each customer's key with all rights, by nichandle."""
        return self.service.credentials

    @property
    def secrets(self) -> dict[str, list[str]]:
        return exposed.secrets(self.world)

    def do(self, action: str, **parameters: Any) -> dict[str, object]:
        """Make something happen, as `sandbox do` does."""
        return self.service.do(action, **parameters)


@contextmanager
def serving(world: World, *, port: int = 0, frozen: bool = False) -> Iterator[Serving]:
    """Serve a world on loopback from a thread of this process."""
    service = Service(world, Clock(world.now, frozen=frozen))
    server = Server(service, port=port)
    thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
    thread.start()
    try:
        while not server.is_started and thread.is_alive():
            thread.join(0.001)
        if not server.is_started:
            raise RuntimeError("the sandbox did not start")
        yield Serving(server)
    finally:
        server.stop()
        thread.join(STOP_WITHIN_S * 5)
        server.close()


def _bound(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it, every
    # answer waits 40 ms for the client's delayed ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as taken:
        listener.close()
        raise PortInUse(f"port {port} of {HOST} is taken") from taken
    listener.setblocking(False)
    return listener


def _json(value: object, *, status: int = 200) -> Response:
    return Response(encode(value), status_code=status, media_type=JSON)
