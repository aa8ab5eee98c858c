"""Trees behind sources: sparse checkouts, includes, generated artifacts."""

import pytest

from indexer.flux.artifacts import ArtifactSpec, GeneratorError, artifacts_of, build_artifact
from indexer.flux.clones import GitRef, RefKind, git_ref
from indexer.flux.config import Config
from indexer.flux.kustomization import clamped
from indexer.flux.resources import ReferenceSpec, items_of
from indexer.flux.sources import Registry, Sources, UnresolvedSource, describe
from indexer.git.directory import DirectoryTree
from indexer.git.tree import EntryKind
from indexer.kustomize.nodes import find
from indexer.manifest.compose import parse


def node(text):
    return parse(text.encode(), "f.yaml")[0].node


def files(tree, directory=""):
    found = set()
    for entry in tree.list(directory):
        path = f"{directory}/{entry.name}" if directory else entry.name
        found |= files(tree, path) if entry.kind is EntryKind.DIRECTORY else {path}
    return found


@pytest.fixture
def tree(tmp_path):
    for name in ("apps/a/x.yaml", "apps/a/README.md", "apps/b/y.yaml", "appsettings.yaml", "infra/z.yaml", "one.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return DirectoryTree(tmp_path)


def resolve(tree, *specs, name="s0"):
    registry = Registry(home=GitRef(RefKind.BRANCH, "main"), home_url="https://x.org/r")
    for index, spec in enumerate(specs):
        metadata = (
            f"apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: s{index}, namespace: ns}}"
        )
        registry.add(node(f"{metadata}\nspec: {{url: 'https://x.org/r', ref: {{branch: main}}, {spec}}}"))
    reference = ReferenceSpec("GitRepository", "ns", name, node("a: b"))
    return files(Sources(None, tree, Config()).resolve(reference, registry).tree)


def test_a_sparse_checkout_takes_paths_by_prefix(tree):
    assert resolve(tree, "sparseCheckout: [./apps]") == {
        "apps/a/x.yaml", "apps/a/README.md", "apps/b/y.yaml", "appsettings.yaml",
    }  # fmt: skip


def test_a_sparse_checkout_of_nothing_fails(tree):
    with pytest.raises(UnresolvedSource, match=r"none of spec\.sparseCheckout of GitRepository ns/s0 does not exist"):
        resolve(tree, "sparseCheckout: [none]")


def test_an_include_puts_files_of_one_source_into_another(tree):
    include = "ignore: '/*', include: [{repository: {name: s1}, fromPath: apps/a, toPath: lib}]"
    with_include = resolve(tree, include.replace("'/*'", '"/*\\n!/lib"'), "ignore: '*.md'")
    assert with_include == {"lib/x.yaml"}


def test_sources_in_a_circle(tree):
    include = "include: [{repository: {name: s0}}]"
    with pytest.raises(UnresolvedSource, match="made from itself"):
        resolve(tree, include)


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("{}", "branch master"),
        ("{branch: b, tag: t, semver: '>1', name: n, commit: c}", "commit c"),
        ("{branch: b, tag: t, semver: '>1'}", "tag t"),
        ("{branch: b, semver: '>1'}", "semver >1"),
    ],
)
def test_what_a_git_repository_checks_out(ref, expected):
    source = node(f"kind: GitRepository\nspec: {{url: 'https://u:p@x.org/r', ref: {ref}}}")
    assert str(git_ref(source)) == expected
    assert describe(source).url == "https://x.org/r"


def copied(tree, *operations, more="alias: r"):
    text = f"spec:\n  sources: [{{{more}, kind: GitRepository, name: s}}]\n  artifacts:\n  - name: a\n    copy:\n"
    generator = node(text + "".join(f"    - {{{operation}}}\n" for operation in operations))
    (entry,) = items_of(find(generator, "spec", "artifacts"))
    return files(build_artifact(ArtifactSpec(generator, "a", entry), lambda _: tree))


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ('from: "@r/one.yaml", to: "@artifact/"', {"one.yaml"}),
        ('from: "@r/one.yaml", to: "@artifact/two.yaml"', {"two.yaml"}),
        ('from: "@r/apps/a", to: "@artifact/d"', {"d/a/x.yaml", "d/a/README.md"}),
        ('from: "@r/apps/**", to: "@artifact/d/"', {"d/a/x.yaml", "d/a/README.md", "d/b/y.yaml"}),
        ('from: "@r/apps/*", to: "@artifact/d/"', {"d/apps/a/x.yaml", "d/apps/a/README.md", "d/apps/b/y.yaml"}),
        ('from: "@r/apps/**", to: "@artifact/", exclude: ["*.md", "b/**"]', {"a/x.yaml"}),
        ('from: "@r/*.yaml", to: "@artifact/"', {"one.yaml", "appsettings.yaml"}),
    ],
)
def test_copy_operations(tree, operation, expected):
    assert copied(tree, operation) == expected


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ('from: "@r/none", to: "@artifact/"', "matches nothing"),
        ('from: "@q/apps", to: "@artifact/"', "@q is none of spec.sources"),
        ('from: "@r/apps/**", to: "@artifact/", exclude: ["**"]', "matches nothing"),
        ('from: "@r/one.yaml", to: "@artifact/", strategy: Merge', "strategy Merge"),
    ],
)
def test_generators_that_fail(tree, operation, message):
    with pytest.raises(GeneratorError, match=message):
        copied(tree, operation)


def test_a_path_pattern_makes_an_artifact_for_each_match(tree):
    text = (
        'metadata: {namespace: ns}\nspec:\n  pathPattern: "@r/apps/{app}"\n'
        "  sources: [{alias: r, kind: GitRepository, name: s}]\n"
        '  artifacts: [{name: "app-{app}", copy: [{from: "@r/apps/{app}/**", to: "@artifact/"}]}]\n'
    )
    found = {a.name: files(build_artifact(a, lambda _: tree)) for a in artifacts_of(node(text), lambda _: tree)}
    assert found == {"app-a": {"x.yaml", "README.md"}, "app-b": {"y.yaml"}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", ""),
        (".", ""),
        ("./", ""),
        ("/", ""),
        ("./a/", "a"),
        ("/a", "a"),
        ("../../a", "a"),
        ("a/../b", "b"),
        ("//a", "a"),
    ],
)
def test_paths_stop_at_the_root(path, expected):
    assert clamped(path) == expected
