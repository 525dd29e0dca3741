"""A TCP proxy that does to a connection what networks do: delay, stall, cut, refuse.

It can also cut in the moment that hurts most: when the server has the client's bytes and has
answered, and the client has not heard it.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close is a reset


class Proxy:
    """Stands before a server on loopback; its knobs may be turned at any moment."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._open: set[socket.socket] = set()
        self._untold: set[socket.socket] = set()  # servers whose answer is kept from the client
        self._listener: socket.socket | None = None
        self._flows = threading.Event()
        self._flows.set()
        self.port = 0
        self.latency_s = 0.0
        self.sent = 0  # chunks from clients so far
        # Asked with each chunk of a client: cut when its answer is there, and untold?
        self.swallows: Callable[[bytes], bool] = lambda chunk: False
        self.accept()

    def accept(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Cut what there is and refuse new connections, as a server that is gone."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Reset every connection."""
        for one in list(self._open):
            self._reset(one)

    def stall(self) -> None:
        """Let nothing through, without a word."""
        self._flows.clear()

    def resume(self) -> None:
        self._flows.set()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                self._open |= {client, server}
                for pump in (self._to_server, self._to_client):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while chunk := self._take(client):
                self.sent += 1
                if self.swallows(chunk):
                    self._untold.add(server)
                server.sendall(chunk)
        self._reset(client)
        self._reset(server)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while (chunk := self._take(server)) and server not in self._untold:
                client.sendall(chunk)
        self._reset(client)
        self._reset(server)

    def _take(self, source: socket.socket) -> bytes:
        chunk = source.recv(65536)
        time.sleep(self.latency_s)
        self._flows.wait()
        return chunk

    def _reset(self, one: socket.socket) -> None:
        self._open.discard(one)
        self._untold.discard(one)
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            one.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            one.close()


@contextmanager
def before(port: int) -> Iterator[Proxy]:
    """Stand before a port while the test needs it."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.resume()
        proxy.refuse()
