"""What real Flux deployed from a repository, set against the index and the rendering of the same files."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from servers import Flux, Object, Outcome, Refused

from indexer.cli.main import run
from indexer.flux.config import Config
from indexer.flux.model import ObjectId, Unit, UnitState
from indexer.flux.render import render_repository
from indexer.git.repository import Repository
from indexer.manifest.scalars import to_data

MANAGER = "kustomize-controller"
_OWNER = "kustomize.toolkit.fluxcd.io"
_BUILDS = "ArtifactFailed", "BuildFailed"
"""Reasons of the controller that a repository decides; others are the cluster's."""


@dataclass
class Comparison:
    """What was compared, and what differs."""

    units: list[str] = field(default_factory=list)
    """The units that the controller got ready."""
    objects: int = 0
    """Those of the units' inventories."""
    dry_runs: int = 0
    shared: int = 0
    """Objects that two units apply in turn: what is live is the one's or the other's."""
    unready: dict[str, str] = field(default_factory=dict)
    """The others, with the controller's reason."""
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{len(self.units)} units compared, {self.objects} objects, {self.dry_runs} dry runs"]
        if self.shared:
            lines[0] += f"; {self.shared} objects belong to two units"
        lines += [f"  not ready: {name}: {why}" for name, why in sorted(self.unready.items())]
        return "\n".join([*lines, *(f"  DIFFERS {one}" for one in self.differences)])


def printed(*arguments: str) -> str:
    """What a command of ours prints; its findings are none of this comparison's."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = run(arguments)
    assert status in (0, 1), err.getvalue()
    return out.getvalue()


def compare(flux: Flux, repository: Path, cluster: str, config: Path | None = None) -> Comparison:
    """All Kustomizations of ``flux`` against cluster ``cluster`` of the repository that it deploys."""
    options = ("--repo", str(repository), *(("--config", str(config)) if config else ()))
    printed("build", *options)
    listed = json.loads(printed("ls", "-o", "json", *options, "--cluster", cluster))
    states = json.loads(printed("units", "-o", "json", *options, "--cluster", cluster))
    index = {
        name_of(row["unit"]): (row["state"], row["reason"]) for row in states if row["unit"]["kind"] == "Kustomization"
    }
    objects: dict[str, set[str]] = {}
    for row in listed:
        if row["unit"]["kind"] == "Kustomization":
            objects.setdefault(name_of(row["unit"]), set()).add(entry_of(ObjectId(**row["object"])))
    outcomes = flux.kustomizations()
    result = Comparison()
    for name in index.keys() - outcomes.keys():
        result.differences.append(f"{name} is a unit of the index only")
    rendered = render(repository, cluster, config)
    owners = Counter(entry.partition(" ")[0] for outcome in outcomes.values() for entry in outcome.inventory)
    for name, outcome in sorted(outcomes.items()):
        state, reason = index.get(name, ("unknown to the index", None))
        ours = objects.get(name, set())
        if not outcome.ready:
            result.unready[name] = explained(outcome)
            result.differences += differs_unready(name, outcome, state, reason, ours)
            continue
        result.units.append(name)
        result.objects += len(outcome.inventory)
        if state != UnitState.RENDERED:
            result.differences.append(f"{name}: {state} ({reason})")
        elif ours != set(outcome.inventory):
            less, more = sorted(set(outcome.inventory) - ours), sorted(ours - set(outcome.inventory))
            result.differences.append(f"{name}: the index lacks {less} and has {more} that Flux does not")
        else:
            result.differences += dry_runs(flux, rendered[name], owners, result)
    return result


def name_of(unit: dict[str, str]) -> str:
    return f"{unit['namespace']}/{unit['name']}"


def entry_of(obj: ObjectId) -> str:
    """As the controller writes an object into its inventory."""
    name = obj.name.replace(":", "__") if obj.group == "rbac.authorization.k8s.io" else obj.name
    return f"{obj.namespace or ''}_{name}_{obj.group}_{obj.kind} {obj.version}"


def explained(outcome: Outcome) -> str:
    lines = outcome.message.splitlines() or [""]
    return f"{outcome.reason or 'suspended, or not looked at'}: {lines[0][:200]}"


def differs_unready(name: str, outcome: Outcome, state: str, reason: str | None, ours: Iterable[str]) -> Iterable[str]:
    """A unit that Flux could not build has to have failed here, with a reason; no other may hold other objects."""
    if outcome.reason in _BUILDS and not (state in (UnitState.FAILED, UnitState.UNRESOLVED) and reason):
        yield f"{name}: {state}, Flux said {explained(outcome)}"
    elif state == UnitState.RENDERED and (more := set(outcome.inventory) - set(ours)):
        yield f"{name}: the index lacks {sorted(more)}"


def render(repository: Path, cluster: str, config: Path | None) -> dict[str, Unit]:
    """The Kustomizations of a cluster as ``render unit`` prints them."""
    opened = Repository.open(repository)
    try:
        loaded = Config.load(config) if config else Config()
        clusters = render_repository(opened, opened.worktree(), loaded, only=[cluster])
    finally:
        opened.close()
    return {
        f"{unit.id.namespace}/{unit.id.name}": unit
        for one in clusters
        for unit in one.units
        if unit.id.kind == "Kustomization" and one.name == cluster
    }


def dry_runs(flux: Flux, unit: Unit, owners: Counter[str], result: Comparison) -> Iterable[str]:
    """Applies each object as the controller would, without effect, and sees what that would change."""
    for one in unit.objects:
        assert one.tree is not None
        if owners[entry_of(one.id).partition(" ")[0]] > 1:
            result.shared += 1
            continue
        obj = owned(to_data(one.tree), unit)
        result.dry_runs += 1
        try:
            live = flux.api.request("GET", flux.api.path_of(obj))
            (after,) = flux.api.apply([obj], MANAGER, dry_run=True)
        except Refused as refused:
            yield f"{unit.id}: {obj['kind']} {obj['metadata']['name']}: {refused}"
            continue
        if changes := list(changed(lasting(live), lasting(after))):
            yield f"{unit.id}: {obj['kind']} {obj['metadata']['name']}: {'; '.join(changes[:3])}"


def owned(obj: Object, unit: Unit) -> Object:
    """With the labels that the controller marks its objects with."""
    labels = {f"{_OWNER}/name": unit.id.name, f"{_OWNER}/namespace": unit.id.namespace}
    metadata = obj["metadata"]
    return {**obj, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}}


def lasting(obj: Object) -> Object:
    """Without what every write changes."""
    obj = deepcopy(obj)
    del obj["metadata"]["resourceVersion"]
    for entry in obj["metadata"].get("managedFields", ()):
        entry.pop("time", None)
    return obj


def changed(before: Any, after: Any, path: str = "") -> Iterable[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            if key not in after:
                yield f"{path}/{key} would go"
            elif key not in before:
                yield f"{path}/{key} would come"
            else:
                yield from changed(before[key], after[key], f"{path}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from changed(*pair, f"{path}/{number}")
    elif before != after:
        yield f"{path} would be {after!r}, is {before!r}"


def commit(repository: Path) -> None:
    """Commits all that a repository holds."""
    for arguments in (("add", "--all"), ("commit", "--quiet", "--message", "As the test's servers have it")):
        subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True)
