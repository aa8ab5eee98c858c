"""A pull request in a real repository, and a forge that takes comments."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

SYNC = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec:
  interval: 1m
  ref: {branch: main}
  url: https://github.com/acme/fleet.git
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec:
  interval: 10m
  path: ./clusters/NAME
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: api
        image: example.org/api:1.0
"""


@dataclass(frozen=True)
class PullRequest:
    """Two clusters that share a deployment, and a branch that changes it."""

    root: Path
    base: str
    head: str

    def env(self, bin_dir: Path, **more: str) -> dict[str, str]:
        """A job's environment, with the program of this checkout on its path."""
        path = f"{bin_dir}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "BASE": self.base, "HEAD": self.head, **more}


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def pull_request(tmp_path: Path) -> PullRequest:
    root = tmp_path / "fleet"
    for cluster in ("prod", "staging"):
        folder = root / "clusters" / cluster
        (folder / "flux-system").mkdir(parents=True)
        (folder / "flux-system" / "gotk-sync.yaml").write_text(SYNC.replace("NAME", cluster))
        (folder / "kustomization.yaml").write_text("resources: [flux-system/gotk-sync.yaml, ../../apps]\n")
    (root / "apps").mkdir()
    (root / "apps" / "kustomization.yaml").write_text("resources: [api.yaml, namespace.yaml]\n")
    (root / "apps" / "namespace.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    (root / "apps" / "api.yaml").write_text(DEPLOYMENT)
    _git(root, "init", "-q", "-b", "main")
    _git(root, "add", ".")
    _git(root, "commit", "-qm", "The shop")
    base = _git(root, "rev-parse", "HEAD")
    (root / "apps" / "api.yaml").write_text(DEPLOYMENT.replace("app: api}}\n  template", "app: web}}\n  template"))
    _git(root, "commit", "-qam", "Rename the app, in one place only")
    return PullRequest(root, base, _git(root, "rev-parse", "HEAD"))


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    """A folder with ``fluxidx`` and ``python3`` as an installation has them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, command in (("fluxidx", "-m indexer"), ("python3", "")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        script.chmod(0o755)
    return folder


@dataclass
class Forge:
    """The comments of pull request 7, and how they are changed, as GitHub and GitLab serve them."""

    url: str = ""
    comments: dict[int, str] = field(default_factory=lambda: {1: "Looks good to me"})
    calls: list[str] = field(default_factory=list)
    token: str = "secret-token"  # noqa: S105 - a word that the tests look for

    def answer(self, method: str, path: str, headers: Any, body: dict[str, str]) -> tuple[int, Any]:
        if self.token not in (headers.get("Authorization", "") + headers.get("PRIVATE-TOKEN", "")):
            return 403, {"message": "Resource not accessible by integration"}
        self.calls.append(method)
        page = re.search(r"[?&]page=(\d+)", path)
        if method == "GET":
            assert page is not None
            listed = [{"id": key, "body": text} for key, text in self.comments.items()]
            return 200, listed[int(page[1]) - 1 : int(page[1])]
        key = len(self.comments) + 1 if method == "POST" else int(path.rsplit("/", 1)[1])
        self.comments[key] = body["body"]
        return 200, {"id": key}


@pytest.fixture
def forge() -> Iterator[Forge]:
    state = Forge()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            code, data = state.answer(self.command, self.path, self.headers, body)
            content = json.dumps(data).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield state
        server.shutdown()
        thread.join()
