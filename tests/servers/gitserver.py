"""Git repositories over smart HTTP, as source-controller fetches them."""

from __future__ import annotations

import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self


class GitServer:
    """Serves bare repositories of a folder on a free port of the loopback interface; a context manager."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = ""
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serves from now on, from a thread."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.root))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}).start()

    def stop(self) -> None:
        """Ends the server; stopping what does not run is no error."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def url_of(self, name: str) -> str:
        """Where the repository of that name is, or will be."""
        return f"{self.url}/{name}.git"

    def publish(self, repository: Path, name: str | None = None) -> str:
        """Serves the branches and tags of a repository, or those that it has now; gives its URL."""
        name = name or repository.name
        bare = self.root / f"{name}.git"
        if not bare.exists():
            _git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
        refs = "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"
        _git("-C", str(bare), "fetch", "--quiet", "--prune", str(repository), *refs)
        return self.url_of(name)


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def _handler(root: Path) -> type[BaseHTTPRequestHandler]:
    own = dict(os.environ)  # of now, and not of the test that runs when somebody fetches

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """The tests' output is no access log."""

        def answer(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            environment = own | {
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            done = subprocess.run(
                ["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE, check=False
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815 - the names that http.server looks for

    return Handler
