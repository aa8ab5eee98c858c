"""Building small kustomizations that a test writes out."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from indexer.git.directory import DirectoryTree
from indexer.kustomize.build import Build, Options, build

BuildFiles = Callable[..., Build]


@pytest.fixture
def build_files(tmp_path: Path) -> BuildFiles:
    """Writes files (path: text) and builds a directory of them."""

    def run(files: dict[str, str | bytes], directory: str = "", options: Options = Options()) -> Build:  # noqa: B008
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else dedent(content).lstrip("\n").encode())
        return build(DirectoryTree(tmp_path), directory, options)

    return run
