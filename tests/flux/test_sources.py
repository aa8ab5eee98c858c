"""Trees behind sources: sparse checkouts, includes, generated artifacts."""

import io
import tarfile

import pytest

from indexer.flux.artifacts import ArtifactSpec, GeneratorError, artifacts_of, build_artifact
from indexer.flux.clones import GitRef, RefKind, git_ref
from indexer.flux.config import Config
from indexer.flux.doublestar import doublestar
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
    (tmp_path / "bad.tgz").write_text("no archive")
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


@pytest.mark.parametrize("path", ["none", "/apps", "././apps", "app"])
def test_a_sparse_checkout_of_nothing_fails(tree, path):
    with pytest.raises(
        UnresolvedSource, match=rf"{path} of spec\.sparseCheckout of GitRepository ns/s0 does not exist"
    ):
        resolve(tree, f"sparseCheckout: [{path}]")


def test_an_include_puts_files_of_one_source_into_another(tree):
    include = "ignore: '/*', include: [{repository: {name: s1}, fromPath: apps/a, toPath: lib}]"
    with_include = resolve(tree, include.replace("'/*'", '"/*\\n!/lib"'), "ignore: '*.md'")
    assert with_include == {"lib/x.yaml"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("fromPath: one.yaml, toPath: two.yaml", {"infra/z.yaml", "two.yaml"}),
        ("fromPath: ../one.yaml, toPath: /infra/../../infra/z.yaml", {"infra/z.yaml"}),
        ("fromPath: apps/b, toPath: infra/b", {"infra/z.yaml", "infra/b/y.yaml"}),
        ("fromPath: infra", {"infra/z.yaml", "s1/z.yaml"}),
    ],
)
def test_an_include_of_a_sparse_checkout_is_whole(tree, more, expected):
    include = f"sparseCheckout: [infra], include: [{{repository: {{name: s1}}, {more}}}]"
    assert resolve(tree, include, "") == expected


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("fromPath: none", "fromPath none does not exist in the artifact of the other"),
        ("fromPath: infra, toPath: apps/a", "toPath apps/a exists already"),
        ("fromPath: infra, toPath: one.yaml", r"toPath one\.yaml exists already"),
        ("fromPath: one.yaml, toPath: apps", "toPath apps exists already"),
        ("fromPath: infra, toPath: one.yaml/x", r"toPath one\.yaml/x leads through a file"),
        ("toPath: ..", r"toPath \.\. exists already"),
    ],
)
def test_an_include_neither_finds_nothing_nor_replaces_a_folder(tree, more, message):
    with pytest.raises(UnresolvedSource, match=rf"f\.yaml:4:\d+: spec\.include of GitRepository ns/s0: {message}"):
        resolve(tree, f"include: [{{repository: {{name: s1}}, {more}}}]", "")


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


def built(tree, *operations, more="alias: r"):
    text = f"spec:\n  sources: [{{{more}, kind: GitRepository, name: s}}]\n  artifacts:\n  - name: a\n    copy:\n"
    generator = node(
        "metadata: {name: g, namespace: ns}\n" + text + "".join(f"    - {{{operation}}}\n" for operation in operations)
    )
    (entry,) = items_of(find(generator, "spec", "artifacts"))
    return build_artifact(ArtifactSpec(generator, "a", entry), lambda _: tree)


def copied(tree, *operations):
    return files(built(tree, *operations))


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ('from: "@r/one.yaml", to: "@artifact/"', {"one.yaml"}),
        ('from: "@r/one.yaml", to: "@artifact/two.yaml"', {"two.yaml"}),
        ('from: "@r/apps/a", to: "@artifact/d"', {"d/a/x.yaml", "d/a/README.md"}),
        ('from: "@r/apps/**", to: "@artifact/d/"', {"d/a/x.yaml", "d/a/README.md", "d/b/y.yaml"}),
        ('from: "@r/apps/*", to: "@artifact/d/"', {"d/apps/a/x.yaml", "d/apps/a/README.md", "d/apps/b/y.yaml"}),
        ('from: "@r/apps/**", to: "@artifact/", exclude: ["*.md", "b/**"]', {"a/x.yaml"}),
        ('from: "@r/apps", to: "@artifact/", exclude: ["*.md", "b"]', {"apps/a/x.yaml"}),
        ('from: "@r/apps", to: "@artifact/", exclude: ["a/**"]', {"apps/b/y.yaml"}),
        ('from: "@r/*.yaml", to: "@artifact/"', {"one.yaml", "appsettings.yaml"}),
        ('from: "@r/one.yaml", to: "@artifact/", exclude: ["one.*"]', set()),
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
        ('from: "@r/one.yaml", to: "@artifact/", strategy: Mix', "unknown copy strategy Mix: use Overwrite, Merge,"),
        ('from: "@r/one.yaml", to: "@artifact/", strategy: Extract', "one.yaml is no .tar.gz or .tgz to extract"),
        ('from: "@r/bad.tgz", to: "@artifact/", strategy: Extract', "bad.tgz cannot be extracted: not a gzip file"),
        ('from: "@r/apps", to: "@artifact/", strategy: Extract', "apps is no .tar.gz or .tgz to extract"),
    ],
)
def test_generators_that_fail(tree, operation, message):
    with pytest.raises(GeneratorError, match=message):
        copied(tree, operation)


def test_merge_puts_the_values_of_a_file_over_those_of_the_one_before(tmp_path):
    (tmp_path / "base.yaml").write_text("a: {x: 1, l: [1, 2]}\n---\nb: yes\n")
    (tmp_path / "prod.yaml").write_text("a: {z: 2, l: [3]}\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/values.yaml").write_text("c: 3\n")
    operations = [
        f'from: "@r/{name}.yaml", to: "@artifact/d/values.yaml", strategy: Merge' for name in ("base", "prod")
    ]
    made = built(DirectoryTree(tmp_path), *operations)
    assert made.read("d/values.yaml").decode() == "a:\n  l:\n  - 3\n  x: 1\n  z: 2\nb: true\n"
    # Nobody wrote these lines: they belong to no file of the repository.
    assert made.origin("d/values.yaml") == ("made by ArtifactGenerator ns/g", "d/values.yaml")
    # Files of a directory overwrite.
    whole = built(DirectoryTree(tmp_path), *operations, 'from: "@r/d/", to: "@artifact/", strategy: Merge')
    assert whole.read("d/values.yaml") == b"c: 3\n"


@pytest.mark.parametrize("pattern", ["dist/app.tgz", "**/*.tgz", "dist/*"])
def test_extract_unpacks_archives(tmp_path, pattern):
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/README.md").write_text("x")
    with tarfile.open(tmp_path / "dist/app.tgz", "w:gz") as archive:
        for name in ("deploy/a.yaml", "../outside.yaml"):
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"a: 1"))
    made = built(DirectoryTree(tmp_path), f'from: "@r/{pattern}", to: "@artifact/in", strategy: Extract')
    assert files(made) == {"in/deploy/a.yaml"}
    assert made.read("in/deploy/a.yaml") == b"a: "
    assert made.origin("in/deploy/a.yaml") == ("packed in dist/app.tgz", "deploy/a.yaml")


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        ("**/*.md", ["a.md", "x/y/a.md"], ["a.mdx"]),
        ("a/**", ["a", "a/b/c"], ["ab"]),
        ("a/*/c", ["a/b/c"], ["a/b/b/c"]),
        ("a**", ["abc"], ["a/b"]),
        ("{a,b*}/[!x]?", ["a/yz", "bc/yz"], ["c/yz", "a/xz", "a/y"]),
        (r"a\*", ["a*"], ["ab"]),
        ("**", ["a", "a/b"], []),
    ],
)
def test_patterns_of_any_depth(pattern, matches, others):
    expression = doublestar(pattern)
    assert [path for path in (*matches, *others) if expression.fullmatch(path)] == matches


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
