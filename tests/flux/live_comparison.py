"""Repositories that real Flux deploys: what it made of them against the index and the rendering of the same files."""

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Self

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


def published(flux: Flux, files: Path, to: Path, remote: str, *, branch: str = "main", tags: Iterable[str] = ()) -> str:
    """Makes ``to`` a Git repository of ``files`` whose GitRepositories of ``remote`` (``host/path``) are read from the
    servers' Git, and serves it there; gives its URL.
    """
    shutil.copytree(files, to, symlinks=True, ignore=shutil.ignore_patterns(".corpus.json"))
    url = flux.git.url_of(to.name)
    own = re.compile(rf"(?m)^([ -]*url: [\"']?)(?:https|ssh)://(?:git@)?{re.escape(remote)}(?:\.git)?(?=[\"']?[ ]*$)")
    for path in to.rglob("*.y*ml"):
        text = path.read_text(errors="surrogateescape")
        if remote in text:
            path.write_text(own.sub(rf"\g<1>{url}", text), errors="surrogateescape")
    for arguments in (
        ("init", "--quiet", f"--initial-branch={branch}"),
        ("add", "--all", "--force"),
        ("commit", "--quiet", "--message", "Import"),
        *(("tag", tag) for tag in tags),
        ("remote", "add", "origin", url),
    ):
        subprocess.run(["git", *arguments], cwd=to, check=True, capture_output=True)
    return flux.publish(to)


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


@dataclass(frozen=True)
class Index:
    """What ours says of the units of one kind of a cluster, by ``namespace/name``."""

    states: dict[str, tuple[str, str | None]]
    """State and reason."""
    objects: dict[str, set[str]]
    """As the controllers write them into inventories."""

    @classmethod
    def of(cls, repository: Path, cluster: str, config: Path | None, kind: str) -> Self:
        options = ("--repo", str(repository), *(("--config", str(config)) if config else ()))
        printed("build", *options)
        units, objects = (
            [
                row
                for row in json.loads(printed(answer, "-o", "json", "--cluster", cluster, *options))
                if row["unit"]["kind"] == kind
            ]
            for answer in ("units", "ls")
        )
        listed: dict[str, set[str]] = {}
        for row in objects:
            listed.setdefault(name_of(row["unit"]), set()).add(entry_of(ObjectId(**row["object"])))
        return cls({name_of(row["unit"]): (row["state"], row["reason"]) for row in units}, listed)


def compare(flux: Flux, repository: Path, cluster: str, config: Path | None = None) -> Comparison:
    """All Kustomizations of ``flux`` against cluster ``cluster`` of the repository that it deploys."""
    outcomes = flux.kustomizations()
    rendered = render(repository, cluster, config)
    owners = Counter(entry.partition(" ")[0] for outcome in outcomes.values() for entry in outcome.inventory)
    result = Comparison()
    for name in inventories_equal(outcomes, Index.of(repository, cluster, config, "Kustomization"), result):
        result.differences += dry_runs(flux, rendered[name], owners, result)
    return result


def compare_releases(flux: Flux, repository: Path, cluster: str) -> Comparison:
    """All HelmReleases of ``flux`` against those of a cluster of the repository that it deploys: their inventories."""
    result = Comparison()
    list(inventories_equal(flux.releases(), Index.of(repository, cluster, None, "HelmRelease"), result))
    return result


def inventories_equal(outcomes: dict[str, Outcome], index: Index, result: Comparison) -> Iterable[str]:
    """Compares which objects each unit has, and gives the ready ones that have the same in both."""
    result.differences += [f"{name} is a unit of the index only" for name in index.states.keys() - outcomes.keys()]
    for name, outcome in sorted(outcomes.items()):
        state, reason = index.states.get(name, ("unknown to the index", None))
        ours, theirs = index.objects.get(name, set()), set(outcome.inventory)
        if not outcome.ready:
            result.unready[name] = explained(outcome)
            result.differences += differs_unready(name, outcome, state, reason, ours)
            continue
        result.units.append(name)
        result.objects += len(theirs)
        if state != UnitState.RENDERED:
            result.differences.append(f"{name}: {state} ({reason})")
        elif ours != theirs:
            less, more = sorted(theirs - ours), sorted(ours - theirs)
            result.differences.append(f"{name}: the index lacks {less} and has {more} that Flux does not")
        else:
            yield name


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
        if changes := list(change_by_write(live, after)):
            yield f"{unit.id}: {obj['kind']} {obj['metadata']['name']}: {'; '.join(changes[:3])}"


def owned(obj: Object, unit: Unit) -> Object:
    """With the labels that the controller marks its objects with."""
    labels = {f"{_OWNER}/name": unit.id.name, f"{_OWNER}/namespace": unit.id.namespace}
    metadata = obj["metadata"]
    return {**obj, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}}


def change_by_write(before: Object, after: Object) -> Iterable[str]:
    """What a write of the controller would change, in the object and in what the controller owns of it."""
    here, there = owned_fields(before), owned_fields(after)
    yield from changed(lasting(before), lasting(after))
    yield from (f"{'/'.join(path)} would not be owned any more" for path in sorted(here - there))
    yield from (f"{'/'.join(path)} would be owned" for path in sorted(there - here))


def owned_fields(obj: Object) -> set[tuple[str, ...]]:
    """The paths of the fields that the controller has applied."""
    entries = [
        entry["fieldsV1"]
        for entry in obj["metadata"].get("managedFields", ())
        if (entry["manager"], entry["operation"]) == (MANAGER, "Apply") and "subresource" not in entry
    ]
    return {path for fields in entries for path in leaves(fields)}


def leaves(fields: dict[str, Any], path: tuple[str, ...] = ()) -> Iterable[tuple[str, ...]]:
    """``fields`` is a set as managedFields spell it."""
    if not fields:
        yield path
    for step, below in fields.items():
        yield from leaves(below, (*path, step))


def lasting(obj: Object) -> Object:
    """Without what every write changes."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return {**obj, "metadata": metadata}


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
