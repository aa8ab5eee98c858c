"""Builds a repository twice: with the real kustomize, and with this project."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from indexer.git.directory import DirectoryTree
from indexer.kustomize import KustomizeError, build
from indexer.manifest.emit import emit
from indexer.manifest.errors import EmitError, ManifestError
from indexer.manifest.scalars import to_data

SECONDS = 300


@dataclass(frozen=True)
class Outcome:
    """What a build printed, or why it failed."""

    text: str | None
    error: str = ""


def write(directory: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode("utf-8", "surrogateescape"))


def theirs(binary: str, directory: Path) -> Outcome:
    """What ``kustomize build`` says; it cannot reach any other host."""
    closed = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:1")
    environment = {**os.environ, **closed, "GIT_TERMINAL_PROMPT": "0", "PATH": ""}
    done = subprocess.run(
        [binary, "build", str(directory)], capture_output=True, env=environment, timeout=SECONDS, check=False
    )
    if done.returncode:
        return Outcome(None, done.stderr.decode())
    return Outcome(done.stdout.decode())


def ours(directory: Path) -> Outcome:
    try:
        built = build(DirectoryTree("/"), directory.resolve().as_posix().lstrip("/"))
        return Outcome("---\n".join(emit(to_data(resource.root)) for resource in built.resources))
    except (KustomizeError, ManifestError, EmitError) as error:
        return Outcome(None, str(error))


def parse(text: str) -> dict[str, str]:
    """The files of a text that has a line ``--> path`` before each."""
    files: dict[str, str] = {}
    for part in text.split("--> ")[1:]:
        path, _, content = part.partition("\n")
        files[path] = content
    return files
