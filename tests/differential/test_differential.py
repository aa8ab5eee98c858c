"""Generated kustomizations, built by the real kustomize and by this project: equal bytes, or both fail.

``FLUXIDX_EXAMPLES=20000 pytest tests/differential`` is the long run, with other examples each time.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, note, settings
from oracle import ours, theirs, write
from strategies import Files, repositories

EXAMPLES = os.environ.get("FLUXIDX_EXAMPLES")


@settings(
    max_examples=int(EXAMPLES or 400),
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(files=repositories())
def test_a_generated_repository_builds_alike(kustomize: str, files: Files) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write(directory, files)
        wanted, got = theirs(kustomize, directory / "top"), ours(directory / "top")
    for path, content in files.items():
        note(f"--> {path}\n{content}")
    note(f"kustomize: {wanted.error}\nhere: {got.error}")
    assert got.text == wanted.text
