"""kustomize's own test-suite, as data: `fluxidx render dir` prints the same bytes, or the same error."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from indexer.cli.main import run

SUITE = Path(__file__).parents[3] / "shared" / "conformance" / "kustomize"
CASES = sorted(path.parent for path in SUITE.glob("*/case.json"))


@pytest.mark.skipif(not CASES, reason=f"no suite at {SUITE}")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    meta = json.loads((case / "case.json").read_text())
    root = (case / "input").resolve()
    target = (root / meta["build_dir"]).resolve()
    status = run(["render", "dir", str(target), *meta.get("cli_args", [])])
    printed = capsys.readouterr()
    if meta["expect"] == "error":
        assert status != 0
        check_error(printed.err, meta, str(root))
    else:
        assert status == 0, printed.err
        check_output(printed.out, meta, (case / "expected.yaml").read_text())


def check_error(said: str, meta: dict[str, Any], root: str) -> None:
    for text in meta.get("error_contains", []):
        assert text.replace("{ROOT}", root) in said
    if anyof := meta.get("error_contains_any"):
        assert any(text.replace("{ROOT}", root) in said for text in anyof), said
    if pattern := meta.get("error_regexp"):
        assert re.search(pattern.replace("{ROOT}", re.escape(root)), said), said


def check_output(got: str, meta: dict[str, Any], want: str) -> None:
    for pattern, replacement in meta.get("normalize", []):
        got, want = re.sub(pattern, replacement, got), re.sub(pattern, replacement, want)
    if meta.get("compare") == "structural":
        assert list(yaml.safe_load_all(got)) == list(yaml.safe_load_all(want))
    else:
        assert clean(got) == clean(want)


def clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
