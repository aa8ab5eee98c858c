"""A build in parts: the index of one build, from any order of parts, with readers undisturbed until the last is in."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest
from team.clones import Clone, clone_of

from indexer.flux.division import Division, Shard
from indexer.git.directory import DirectoryTree
from indexer.index.location import locate
from indexer.index.writer import writing
from indexer.kustomize.loader import ParseCache

URL = "https://git.example.org/platform/fleet.git"
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.org
spec:
  group: example.org
  names: {kind: Widget, plural: widgets}
  scope: Cluster
"""
WIDGET = "apiVersion: example.org/v1\nkind: Widget\nmetadata:\n  name: w\n  namespace: dropped\n"
REGION = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: cluster-settings
  namespace: flux-system
data:
  cluster_name: from-below
"""


@pytest.fixture
def entangled(origin):
    """The generated fleet with what one part alone cannot know: scopes and variables that other applications bring."""
    base = origin / "apps"
    for name, file, text in (
        ("app-000", "crd", CRD),
        ("app-001", "widget", WIDGET),
        ("app-002", "widget", WIDGET),
        ("app-003", "settings", REGION),
    ):
        (base / name / "base" / f"{file}.yaml").write_text(text)
        listing = base / name / "base" / "kustomization.yaml"
        listing.write_text(listing.read_text().replace("- namespace.yaml", f"- namespace.yaml\n- {file}.yaml"))
        if file == "settings":
            listing.write_text(listing.read_text().replace("namespace: app-003\n", ""))
    for cluster in origin.glob("clusters/*"):
        (cluster / "settings.yaml").unlink()
        listing = cluster / "kustomization.yaml"
        listing.write_text(listing.read_text().replace("- settings.yaml\n", ""))
    clone = Clone(origin, "")
    clone.git("commit", "-q", "-a", "-m", "Entangled")
    return origin


def pods(origin, tmp_path, index, count):
    """A clone for each part, as the pods of a job have them; with an index in a file, processes in one clone."""
    if "://" not in index:
        return [clone_of(origin, tmp_path / "pod", index, URL)] * count
    return [clone_of(origin, tmp_path / f"pod-{number}", index, URL) for number in range(count)]


def test_parts_at_once_give_the_index_of_one_build(entangled, tmp_path, any_index):
    one = clone_of(entangled, tmp_path / "one", str(tmp_path / "one.db"), URL)
    one.run("build", "--rev", "main")
    shards = pods(entangled, tmp_path, any_index, 3)
    started = [pod.start("build", "--rev", "main", "--shard", f"{n}/3") for n, pod in enumerate(shards)]
    outputs = [process.communicate(timeout=900) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], outputs
    assert sum("Indexed: main" in out for out, _ in outputs) >= 1
    assert shards[0].contents() == one.contents()


def test_readers_see_the_old_index_until_the_last_part_is_in(origin, tmp_path, any_index):
    first, second, third = pods(origin, tmp_path, any_index, 3)
    first.run("build", "--rev", "main")
    old = first.contents()
    deployment = first.path / "apps" / "app-001" / "base" / "deployment.yaml"
    deployment.write_text(deployment.read_text().replace("revisionHistoryLimit: 3", "revisionHistoryLimit: 4"))
    first.git("commit", "-q", "-a", "-m", "Four")
    commit = first.git("rev-parse", "HEAD")
    for pod in (second, third):
        pod.git("fetch", "-q", str(first.path), "HEAD")
    assert "1, 2 of 3" in first.run("build", "--rev", commit, "--shard", "0/3")
    answer = json.loads(third.run("build", "--rev", commit, "--shard", "2/3", "-o", "json"))
    jsonschema.validate(answer, json.loads(files("indexer.report").joinpath("schema/build.json").read_text()))
    assert (answer["shard"]["number"], answer["shard"]["of"], answer["shard"]["missing"]) == (2, 3, [1])
    assert "handed in before" in third.run("build", "--rev", commit, "--shard", "2/3")
    assert first.contents() == old
    with writing(locate(any_index, first.path)):  # or it could have handed in its part already
        dying = second.start("build", "--rev", commit, "--shard", "1/3")
        dying.kill()
        dying.communicate()
    assert first.contents() == old
    assert f"Indexed: {commit}" in second.run("build", "--rev", commit, "--shard", "1/3")
    new = first.contents()
    assert new != old
    first.run("build", "--rev", commit, "--shard", "0/3")
    assert first.contents() == new


@pytest.mark.parametrize("shard", ["3/3", "1", "-1/3", "a/b", "1/0"])
def test_what_is_no_part_is_refused(origin, tmp_path, shard):
    assert "write I/N" in Clone(origin, str(tmp_path / "x.db")).run("build", "--shard", shard, code=2)


def owners(root, directory, count):
    """The parts that render the units of a directory."""
    tree = DirectoryTree(str(root))
    return [n for n in range(count) if Division(tree, ParseCache(), Shard(n, count)).is_mine(directory)]


def test_overlays_of_one_base_are_of_one_part(origin):
    for application in ("app-000", "app-001", "app-002", "app-003"):
        (owner,) = owners(origin, f"apps/{application}/production", 5)
        assert owners(origin, f"apps/{application}/staging", 5) == [owner]
    assert owners(origin, "apps/app-000/clusters/cluster-01", 5) == owners(origin, "apps/app-000/base", 5)


def test_what_may_deliver_units_is_of_every_part(origin):
    assert owners(origin, "clusters/cluster-00", 4) == [0, 1, 2, 3]
    assert owners(origin, "fleet/production", 4) == [0, 1, 2, 3]


def test_a_directory_that_is_not_there_is_of_one_part(origin):
    assert len(owners(origin, "apps/nowhere", 4)) == 1
