"""Every claim is tried: the text at a leaf's span is edited, and the real kustomize has to change this leaf.

``FLUXIDX_PROVE`` is how many leaves are tried, over all repositories (``make prove``).
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from edits import edited
from proof import Leaf, Repository, Verdict

from indexer.manifest.node import Scalar, pack

CHECKOUT = Path(__file__).parents[2]
SHARED = CHECKOUT.parent / "shared"
COUNT = int(os.environ.get("FLUXIDX_PROVE", "200"))


def directories(place: Path) -> Iterator[str]:
    """What can be built below a place: its kustomizations, or the cases of the conformance suite."""
    cases = sorted(place.glob("*/case.json"))
    for case in cases:
        told = json.loads(case.read_text())
        if told["expect"] != "error":
            yield (case.parent / "input" / told["build_dir"]).relative_to(place).as_posix()
    if not cases:
        found = {file.parent for file in place.rglob("kustomization.y*ml")}
        yield from sorted(directory.relative_to(place).as_posix().removeprefix(".") for directory in found)


PLACES = sorted(
    place
    for place in [*(CHECKOUT / "fixtures").glob("*/"), *SHARED.glob("corpus/*/"), SHARED / "conformance/kustomize"]
    if any(directories(place))
)


def sample(repository: Repository, count: int) -> Iterator[Leaf]:
    """Leaves by chance: every operation, and of each every directory, has the same."""
    chance = random.Random(20_260_101)  # noqa: S311  # the same leaves every time
    pools: defaultdict[str, defaultdict[str, list[Leaf]]] = defaultdict(lambda: defaultdict(list))
    for leaf in repository.leaves():
        pools[leaf.operation][leaf.directory].append(leaf)
    for _ in range(count):
        if not pools:
            return
        operation = chance.choice(sorted(pools))
        directory = chance.choice(sorted(pools[operation]))
        pool = pools[operation][directory]
        yield pool.pop(chance.randrange(len(pool)))
        if not pool:
            del pools[operation][directory]
        if not pools[operation]:
            del pools[operation]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_claims_hold(place: Path, tmp_path: Path, kustomize: str) -> None:
    root = tmp_path / place.name
    shutil.copytree(place, root, symlinks=True)
    repository = Repository(root, directories(place), kustomize)
    findings = [repository.prove(leaf) for leaf in sample(repository, -(-COUNT // len(PLACES)))]
    assert findings
    assert [str(finding) for finding in findings if finding.verdict is Verdict.WRONG] == []
    unresolved = [str(finding) for finding in findings if finding.verdict is Verdict.UNRESOLVED]
    assert len(unresolved) <= max(1, len(findings) // 100), unresolved


@pytest.fixture
def small(tmp_path: Path, kustomize: str) -> Repository:
    (tmp_path / "kustomization.yaml").write_text("resources: [cm.yaml]\nnamespace: shop\n")
    (tmp_path / "cm.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {a: x, b: y}\n")
    return Repository(tmp_path, [""], kustomize)


def at(leaf: Leaf, other: Leaf) -> Leaf:
    """A leaf that claims the text of another one."""
    assert isinstance(leaf.node, Scalar)
    return Leaf(
        leaf.directory, leaf.index, leaf.path, Scalar(leaf.node.text, source=other.node.source, pos=other.node.pos)
    )


def test_a_false_claim_is_found_out(small: Repository) -> None:
    found = {leaf.path: leaf for leaf in small.leaves()}
    a, b, namespace = found["data", "a"], found["data", "b"], found["metadata", "namespace"]
    assert small.prove(a).verdict is Verdict.HOLDS
    assert small.prove(namespace).verdict is Verdict.HOLDS
    assert small.prove(at(a, b)).reason == "the leaf does not change"
    assert small.prove(at(a, namespace)).verdict is Verdict.WRONG


@pytest.mark.parametrize(
    ("text", "value", "new"),
    [
        ("a: xy", (3, 5), "a: xyzq7"),
        ("a: 'x'", (3, 6), "a: 'xzq7'"),
        ("a: 12", (3, 5), "a: 124177"),
        ("a: true", (3, 7), "a: false"),
        ("a: {}", (3, 5), "a: {zq7: zq7}"),
        ("[k=v]", (1, 4), "[k=vzq7]"),
        ("a:", (2, 2), 'a: "zq7"'),
    ],
)
def test_an_edit_keeps_type_and_style(text: str, value: tuple[int, int], new: str) -> None:
    assert next(edited(text, pack(0, value[0], 0, value[1]))) == new
