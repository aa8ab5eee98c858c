"""What the real controllers did to some hundreds of small repositories, in one process."""

import importlib.machinery
import importlib.util
import json
import shutil
import subprocess

import pytest
import yaml

from indexer.flux.config import Config
from indexer.flux.model import UnitState
from indexer.flux.render import render_repository
from indexer.git.repository import Repository
from indexer.manifest.scalars import to_data

# Cases whose outcome cannot be had from the repository, each with the reason.
BEYOND_REACH = {
    "scan-symlinked-file": "the shared material lost its symbolic links",
    "two-units-same-object": "shows what the unit that was applied last left of the other's object",
}
IDENTITY = ("-c", "user.name=case", "-c", "user.email=case@example.org")


@pytest.fixture(scope="module")
def judge(shared):
    loader = importlib.machinery.SourceFileLoader("check_flux", str(shared / "conformance" / "check-flux"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_flux", loader))
    loader.exec_module(module)
    return module


def prepare(case, meta, folder):
    repo = folder / "repo"
    shutil.copytree(case / "repo", repo, symlinks=True)
    url = f"https://git.example.org/{meta['id']}.git"
    for args in (
        ("init", "-q", "-b", "main"),
        ("add", "-Af"),
        ("commit", "-qm", "x"),
        ("remote", "add", "origin", url),
    ):
        subprocess.run(["git", *IDENTITY, *args], cwd=repo, check=True, capture_output=True)
    config = [f'[[cluster]]\nname = "case"\nentry = ["{meta["entry"]}"]']
    if meta.get("cluster_objects"):
        (folder / "objects.yaml").write_text(yaml.safe_dump_all(meta["cluster_objects"]))
        config.append('objects = ["objects.yaml"]')
    if "StrictPostBuildSubstitutions=false" in meta.get("controller", {}).get("feature_gates", ""):
        config.append("strict = false")
    (folder / "fluxidx.toml").write_text("\n".join(config))
    return Repository.open(repo), Config.load(folder / "fluxidx.toml")


def differences(case, meta, units, judge):
    for name, want in meta["units"].items():
        unit = units.get(name)
        if unit is None:
            yield f"{name} is no unit"
        elif want["ready"] is None:
            if unit.state is not UnitState.SUSPENDED:
                yield f"{name} is {unit.state}, was suspended"
        elif not want["ready"]:
            broken = unit.state in (UnitState.FAILED, UnitState.UNRESOLVED) and unit.reason
            if want.get("reason") in ("BuildFailed", "ArtifactFailed") and not broken:
                yield f"{name} is {unit.state}, the controller said: {want['message']}"
        elif unit.state is not UnitState.RENDERED:
            yield f"{name} is {unit.state} ({unit.reason}), the controller applied it"
        else:
            yield from object_differences(case, name, want, unit, judge)


def object_differences(case, name, want, unit, judge):
    inventory = {
        judge.inventory_id(
            {
                "namespace": o.id.namespace,
                "name": o.id.name,
                "group": o.id.group,
                "kind": o.id.kind,
                "version": o.id.version,
            }
        )
        for o in unit.objects
    }
    if inventory != set(want["inventory"]):
        yield f"{name}: {inventory ^ set(want['inventory'])}"
        return
    documents = [to_data(o.tree) for o in unit.objects]
    ours = {judge.identity(document): judge.plain(document) for document in documents}
    if len(ours) < len(documents):
        return
    expected = (case / "expected" / f"{name.replace('/', '__')}.yaml").read_text()
    for document in filter(None, yaml.load_all(expected, judge.LOADER)):
        key, theirs = judge.identity(document), judge.plain(document)
        mine = ours[key]
        if key[3] == "Secret":
            mine, theirs = ({k: v for k, v in d.items() if k not in ("data", "stringData")} for d in (mine, theirs))
        found = judge.within(mine, theirs)
        custom = "." in key[2] and not key[2].endswith(".k8s.io")
        if not found and (custom or (key[2], key[3]) in judge.EXACT):
            found = judge.within(theirs, mine)
        if found:
            yield f"{name}: {key[3]} {key[1]}: {found}"


def test_the_suite(shared, judge, tmp_path, record_property):
    cases = sorted(path.parent for path in (shared / "conformance" / "flux").glob("*/case.json"))
    failed = {}
    for case in cases:
        meta = json.loads((case / "case.json").read_text())
        repository, config = prepare(case, meta, tmp_path / case.name)
        clusters = render_repository(repository, repository.worktree(), config)
        units = {f"{u.id.namespace}/{u.id.name}": u for c in clusters for u in c.units if u.id.kind == "Kustomization"}
        found = list(differences(case, meta, units, judge))
        if found:
            failed[case.name] = found
    record_property("passed", f"{len(cases) - len(failed)} of {len(cases)}")
    assert len(cases) > 200
    assert {name: why for name, why in failed.items() if name not in BEYOND_REACH} == {}
