"""Builds that Kustomizations share: once for a directory, never where a Kustomization brings something of its own."""

from __future__ import annotations

from contextlib import suppress

import pytest

from indexer.flux import sharing
from indexer.flux.kustomization import UnitFailure
from indexer.flux.objects import Digests
from indexer.flux.resources import read_kustomization
from indexer.flux.sharing import SharedBuilds
from indexer.git.directory import DirectoryTree
from indexer.git.recording import RecordingTree
from indexer.kustomize.cache import BuildCache
from indexer.manifest.compose import parse

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"
KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}, namespace: flux-system}}
spec:
  path: ./{path}
  sourceRef: {{kind: GitRepository, name: flux-system}}
{more}"""


@pytest.fixture
def tree(tmp_path):
    for path, text in {
        "listed/kustomization.yaml": "resources: [a.yaml]\n",
        "listed/a.yaml": CONFIG_MAP.format(name="a"),
        "scanned/b.yaml": CONFIG_MAP.format(name="b"),
        "annotated/kustomization.yaml": "resources: [a.yaml]\nbuildMetadata: [originAnnotations]\n",
        "annotated/a.yaml": CONFIG_MAP.format(name="a"),
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return DirectoryTree(str(tmp_path))


@pytest.fixture
def built(tree, monkeypatch):
    """Builds a Kustomization as written in a file of that name; the paths that were really built."""
    really = []
    build_unit = sharing.build_unit

    def counted(spec, *arguments):
        really.append(spec.path)
        return build_unit(spec, *arguments)

    monkeypatch.setattr(sharing, "build_unit", counted)
    builds = SharedBuilds(BuildCache(), None, Digests())

    def build(name, path, more=""):
        text = KUSTOMIZATION.format(name=name, path=path, more=more)
        recording = RecordingTree(tree)
        unit = builds.build(read_kustomization(parse(text.encode(), f"{name}.yaml")[0].node), recording)
        return unit, recording

    build.really = really
    return build


def test_a_directory_is_built_once_for_all_that_add_nothing(built):
    first, read = built("one", "listed")
    second, read_again = built("two", "listed")
    assert built.really == ["./listed"]
    assert second.resources is first.resources
    assert (first.spec.name, second.spec.name) == ("one", "two")
    assert read_again.read_files == read.read_files
    assert read_again.listed == read.listed


@pytest.mark.parametrize(
    "more",
    [
        "  targetNamespace: x\n",
        "  namePrefix: x-\n",
        "  components: [../listed]\n",
        "  images: [{name: a, newTag: b}]\n",
        "  patches: [{patch: '[]'}]\n",
    ],
)
def test_a_kustomization_that_adds_something_is_built_by_itself(built, more):
    built("one", "listed")
    with suppress(UnitFailure):
        built("two", "listed", more)
    assert len(built.really) == 2


def test_the_list_that_flux_makes_points_at_each_kustomization(built):
    (first,) = built("one", "scanned")[0].resources
    (second,) = built("two", "scanned")[0].resources
    assert [resource.via[0].entry.source.file for resource in (first, second)] == ["one.yaml", "two.yaml"]


def test_annotations_of_the_origin_are_not_shared(built):
    built("one", "annotated")
    built("two", "annotated")
    assert len(built.really) == 2
