"""What the engine builds for the units of the corpus is what the real kustomize builds of the same files."""

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from indexer.git.tree import EntryKind
from indexer.kustomize.kustomization import FILE_NAMES

OFFLINE = {
    "PATH": os.devnull,
    "HOME": os.devnull,
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "",
}
"""The environment of a kustomize that finds no git, and no way out for its own requests."""


class Checkouts:
    """Trees of the Flux room as directories on the disk, each made once."""

    def __init__(self, top):
        self._top = top
        self._made = {}

    def of(self, tree):
        if id(tree) not in self._made:
            self._made[id(tree)] = self._top / str(len(self._made))
            self._copy(tree, "", self._made[id(tree)])
        return self._made[id(tree)]

    def _copy(self, tree, directory, to):
        to.mkdir()
        for entry in tree.list(directory):
            path = f"{directory}/{entry.name}" if directory else entry.name
            if entry.kind is EntryKind.DIRECTORY:
                self._copy(tree, path, to / entry.name)
            elif entry.kind is EntryKind.FILE:
                (to / entry.name).write_bytes(tree.read(path))


def built_by(kustomize, directory, kustomization):
    """What the real kustomize makes of a directory whose kustomization file is as Flux leaves it."""
    own = next((directory / name for name in FILE_NAMES if (directory / name).exists()), None)
    file = own or directory / FILE_NAMES[0]
    before = own and own.read_bytes()
    file.write_text(kustomization)
    try:
        return subprocess.run(
            [kustomize, "build", "--load-restrictor", "LoadRestrictionsNone", "--reorder", "none", directory],
            env=OFFLINE,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)


def identity(document):
    group, _, version = document["apiVersion"].rpartition("/")
    metadata = document["metadata"]
    return group, version, document["kind"], metadata.get("namespace"), metadata.get("name")


def difference(call, real):
    """How a build of the engine differs from that of kustomize; None where it is equal."""
    if call.error is not None or real.returncode:
        if call.error is not None and real.returncode:
            return None
        return f"kustomize: {real.stderr.strip() or 'builds it'}\nfluxidx: {call.error or 'builds it'}"
    ours = "---\n".join(call.documents)
    if ours == real.stdout:
        return None
    mine, theirs = (list(yaml.load_all(text, yaml.CSafeLoader)) for text in (ours, real.stdout))
    if (one := Counter(map(identity, mine))) != (other := Counter(map(identity, theirs))):
        return f"missing: {list(other - one)}\nextra: {list(one - other)}"
    unequal = [identity(document) for document in theirs if document not in mine]
    return f"other content: {unequal}" if unequal else None


def test_units_are_built_as_by_kustomize(indexed, kustomize, tmp_path) -> None:
    checkouts = Checkouts(tmp_path)
    compared = failed = identical = 0
    differences = []
    for call in indexed.calls:
        real = built_by(kustomize, checkouts.of(call.tree) / Path(call.directory), call.kustomization)
        if found := difference(call, real):
            differences.append(f"{call.directory}: {found}")
        compared += real.returncode == 0
        failed += real.returncode != 0
        identical += call.error is None and "---\n".join(call.documents) == real.stdout
    print(  # noqa: T201 - the figure is part of what this test is for
        f"\n{indexed.name}: {compared} builds compared, {identical} of them byte for byte; {failed} fail in both"
    )
    assert differences == []
    if not compared:
        pytest.fail("kustomize could build no unit, so nothing was compared")
