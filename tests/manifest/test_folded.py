import subprocess
from pathlib import Path

import pytest
import yaml

from indexer.manifest.compose import parse
from indexer.manifest.folded import refolded
from indexer.manifest.scalars import to_data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c", "a b c"),
        ("a\nb\n", "a\nb\n"),
        ("f(\n  x\n)", "f(\n\n  x\n)"),
        ("a\n\n  b\nc", "a\n\n\n  b\nc"),
        (" a\nb", " a\nb"),
        ("a\nb\n\n", "a\nb\n\n\n"),
        ("a \n  b", "a \n  b"),
        ("a\n  b \U0001f600", "a\n  b \U0001f600"),
    ],
)
def test_a_round_through_go_yaml(text: str, expected: str) -> None:
    assert refolded(text) == expected


FOLDED = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  a: >-
    f(
      x
    )
  b: >
    one
    two

    three
      four


    five
  c: >+
    one
      two

    three


  d: >-

    one
     two
  e: >2-
      one
    two
  f: >-
    tail \n
      indented
"""


def test_kustomize_says_the_same(tmp_path: Path, kustomize: str) -> None:
    (tmp_path / "c.yaml").write_text(FOLDED)
    (tmp_path / "kustomization.yaml").write_text("resources: [c.yaml]\n")
    printed = subprocess.run([kustomize, "build", tmp_path], check=True, capture_output=True, text=True).stdout
    node = parse(FOLDED.encode(), "c.yaml")[0].node
    assert node is not None
    assert to_data(node)["data"] == yaml.safe_load(printed)["data"]
