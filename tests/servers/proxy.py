"""A proxy in front of an API server that breaks in the ways that networks and servers break."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import urllib3
import yaml

from servers.apiserver import ApiServer


@dataclass
class Fault:
    """What is done to requests whose path and query a pattern finds something in."""

    pattern: str
    status: int | None = None
    """Answer so, instead of asking the server."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"kind": "Status", "message": "made by the proxy"}'
    cut_after: int | None = None
    """Send so many bytes of the server's answer, and close the connection."""
    silent: bool = False
    """Send nothing as long as the proxy is there."""
    times: int | None = None
    """How often; None: always."""
    skip: int = 0
    """How many of the requests are let through before."""

    def strikes(self, path: str) -> bool:
        """Whether a request is struck, which counts."""
        if not re.search(self.pattern, path) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Proxy:
    """Listens on a free port of the loopback interface, without TLS; a context manager."""

    def __init__(self, api: ApiServer, *faults: Fault) -> None:
        self.api = api
        self.faults = list(faults)
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        """Path with query, and headers, of every request, in their order."""
        self._pool = urllib3.PoolManager(ca_certs=str(api.directory / "apiserver.crt"), retries=False, maxsize=8)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._pool.clear()

    def kubeconfig(self, path: Path, name: str = "proxied", user: Mapping[str, Any] | None = None) -> Path:
        """Writes a kubeconfig whose only context leads through the proxy; its user is the admin by default."""
        config = {
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": self.url}}],
            "users": [{"name": name, "user": dict(user or {"token": "admin"})}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answers one request."""
        with self._lock:
            self.requests.append((handler.path, dict(handler.headers)))
            fault = next((one for one in self.faults if one.strikes(handler.path)), None)
        if fault is not None and fault.silent:
            self._over.wait()
            handler.close_connection = True
            return
        if fault is not None and fault.status is not None:
            _send(handler, fault.status, {"Content-Type": "application/json", **fault.headers}, fault.body.encode())
            return
        headers = {key: value for key, value in handler.headers.items() if key.lower() in _PASSED}
        answer = self._pool.request("GET", self.api.url + handler.path, headers=headers)
        kept = {"Content-Type": answer.headers.get("Content-Type", "")}
        _send(handler, answer.status, kept, answer.data, fault.cut_after if fault is not None else None)


_PASSED = {"accept", "authorization", "impersonate-user", "impersonate-group"}


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                proxy.serve(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _send(
    handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], body: bytes, cut_after: int | None = None
) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[:cut_after])
    if cut_after is not None:
        handler.close_connection = True
