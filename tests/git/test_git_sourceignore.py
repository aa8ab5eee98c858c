from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.git.directory import DirectoryTree
from indexer.git.sourceignore import NOTHING, Ignore, IgnoreRule, RuleOrigin, load


def from_lines(root: Path, *lines: str) -> Ignore:
    (root / ".sourceignore").write_text("\n".join(lines) + "\n")
    return load(DirectoryTree(root))


@pytest.mark.parametrize(
    ("lines", "path", "ignored"),
    [
        # The outcomes that flux-semantics.md §3.2 lists.
        (["/*", "!/deploy"], "deploy/a.yaml", False),
        (["/*", "!/deploy"], "other/a.yaml", True),
        (["*", "!*.yaml"], "a/b/c.yaml", False),
        (["*", "!*.yaml"], "a/b/c.json", True),
        (["foo/bar"], "z/foo/bar/q.yaml", False),
        (["foo/bar"], "foo/bar/q.yaml", True),
        (["/**"], "a/b.yaml", False),
        (["**"], "a/b.yaml", True),
        (["apps/**/*.md"], "apps/r.md", True),
        (["apps/**/*.md"], "apps/a/b/r.md", True),
        # Names match any component.
        (["skip"], "a/skip/b.yaml", True),
        (["b.yaml"], "a/b.yaml", True),
        (["b.yaml"], "b.yaml/c", True),
        # A directory-only pattern, on a file's own name and on one above it.
        (["skip/"], "a/skip/b.yaml", True),
        (["b.yaml/"], "a/b.yaml", False),
        (["/a/b.yaml/"], "a/b.yaml", False),
        (["/a/skip/"], "a/skip/b.yaml", True),
        # Elements of paths.
        (["a/*/c"], "a/b/c", True),
        (["a/*/c"], "a/b/b/c", False),
        (["a/**/c"], "a/b/b/c", True),
        (["a/**"], "a/b", True),
        (["a/**"], "b/a", False),
        (["x**/y"], "xx/y", False),
        (["a/x**"], "a/xx", False),
        (["x**"], "a/xx", True),
        (["**/a/b"], "a/x/a/b", False),
        # Later patterns win.
        (["!a.yaml", "a.yaml"], "a.yaml", True),
        (["a.yaml", "!a.yaml"], "a.yaml", False),
        # How lines are read.
        (["# a.yaml"], "# a.yaml", False),
        (["\\#a.yaml"], "#a.yaml", True),
        ([" # a.yaml"], " # a.yaml", True),
        (["a.yaml   "], "a.yaml", True),
        ([" a.yaml"], "a.yaml", False),
        (["a\\ "], "a ", True),
        (["a.yaml\r"], "a.yaml", True),
        # Globs of one component, as Go reads them.
        (["?.yaml"], "é.yaml", True),
        (["[a-c].yaml"], "b.yaml", True),
        (["[^a-c].yaml"], "b.yaml", False),
        (["[!b].yaml"], "b.yaml", True),
        (["[!b].yaml"], "c.yaml", False),
        (["[b.yaml"], "[b.yaml", False),
        (["[]a]"], "a", False),
        (["[^]"], "^", False),
        (["[a-]"], "a", False),
        (["[c-a]"], "b", False),
        (["[\\]]"], "]", True),
        (["a\\"], "a\\", False),
        (["a*b*c"], "aXbYc", True),
        (["a*b*c"], "acb", False),
        (["*a*a*a*a*a*a*a*a*b"], "a" * 250, False),
        # What version control keeps is never in an artifact.
        (["nothing"], ".gitignore", True),
        (["nothing"], "sub/.gitattributes", True),
        (["nothing"], ".git/config", True),
    ],
)
def test_outcomes(tmp_path: Path, lines: list[str], path: str, ignored: bool) -> None:
    assert from_lines(tmp_path, *lines).ignored(path) is ignored


def test_a_directory_only_pattern_matches_directories(tmp_path: Path) -> None:
    ignore = from_lines(tmp_path, "skip/", "/a/b/")
    assert ignore.ignored("x/skip", is_dir=True)
    assert ignore.ignored("a/b", is_dir=True)
    assert not ignore.ignored("x/skip")
    assert not ignore.ignored("", is_dir=True)


@pytest.mark.parametrize(
    "path",
    ["a.jpg", "d/a.png", "a.tar.gz", "a.zip", ".github/workflows/ci.yaml", ".circleci/c.yml", "x/.travis.yml",
     ".gitlab-ci.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml", ".goreleaser.yml", "deep/er/.sops.yaml",
     ".flux.yaml"],
)  # fmt: skip
def test_the_defaults_hold_while_there_are_no_patterns(tmp_path: Path, path: str) -> None:
    assert load(DirectoryTree(tmp_path)).ignored(path)
    assert from_lines(tmp_path, "# only a comment", "", "   ").ignored(path)
    assert load(DirectoryTree(tmp_path), "# only a comment\n").ignored(path)
    assert not load(DirectoryTree(tmp_path), "other\n").ignored(path)
    assert not from_lines(tmp_path, "other").ignored(path)
    assert not NOTHING.ignored(path)


def test_nested_files_hold_for_their_directory(tmp_path: Path) -> None:
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    (below / ".sourceignore").write_text("x.yaml\n/y.yaml\nb/c\n")
    ignore = load(DirectoryTree(tmp_path))
    assert ignore.ignored("a/b/x.yaml")
    assert ignore.ignored("a/b/d/x.yaml")
    assert not ignore.ignored("x.yaml")
    assert ignore.ignored("a/b/y.yaml")
    assert not ignore.ignored("a/b/d/y.yaml")
    assert not ignore.ignored("a/b/c")
    assert not ignore.ignored(".sops.yaml"), "any pattern anywhere switches the defaults off"


def test_priorities_and_where_a_rule_stands(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / ".sourceignore").write_text("# first\n*.yaml\n")
    (tmp_path / "b/.sourceignore").write_text("!keep.yaml\n")
    (tmp_path / "a/.sourceignore").write_text("!keep.yaml\n")
    ignore = load(DirectoryTree(tmp_path), "\n/b/keep.yaml")
    assert ignore.rule("x.yaml") == IgnoreRule(RuleOrigin.FILE, ".sourceignore", 2, "*.yaml")
    assert ignore.rule("a/keep.yaml") == IgnoreRule(RuleOrigin.FILE, "a/.sourceignore", 1, "!keep.yaml")
    assert ignore.rule("b/keep.yaml") == IgnoreRule(RuleOrigin.SPEC, None, 2, "/b/keep.yaml")
    assert ignore.rule(".gitignore") == IgnoreRule(RuleOrigin.VCS, None, 0, ".gitignore")
    assert ignore.rule("x.json") is None
    assert [ignore.ignored(p) for p in ("x.yaml", "a/keep.yaml", "b/keep.yaml")] == [True, False, True]
    own = [rule.file for rule in ignore.rules if rule.origin is RuleOrigin.FILE]
    assert own == [".sourceignore", "a/.sourceignore", "b/.sourceignore"]


def test_the_digest_tells_patterns_apart(tmp_path: Path) -> None:
    tree = DirectoryTree(tmp_path)
    assert load(tree, "a").digest == load(tree, "a\n# more\n").digest
    assert load(tree, "a\nb").digest != load(tree, "b\na").digest
    assert load(tree, "a").digest != load(tree).digest


def test_a_base_is_the_root_of_what_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "base/sub").mkdir(parents=True)
    (tmp_path / ".sourceignore").write_text("*\n")
    (tmp_path / "base/sub/.sourceignore").write_text("/x\n")
    ignore = load(DirectoryTree(tmp_path), base="base")
    assert ignore.ignored("sub/x")
    assert not ignore.ignored("y")
    assert ignore.rule("sub/x") == IgnoreRule(RuleOrigin.FILE, "base/sub/.sourceignore", 1, "/x")


_TEXT = st.text(alphabet="ab*?[]^-!\\/ .", max_size=10)
_PATHS = st.lists(st.text(alphabet="ab. -]", min_size=1, max_size=4), min_size=1, max_size=4).map("/".join)
_EMPTY = DirectoryTree(Path(__file__).parent / "no-such-directory")


@given(st.lists(_TEXT, max_size=4), _PATHS, st.booleans())
def test_a_last_include_of_everything_keeps_everything(lines: list[str], path: str, is_dir: bool) -> None:
    assert not load(_EMPTY, "\n".join([*lines, "!*"])).ignored(path, is_dir)
    assert load(_EMPTY, "\n".join([*lines, "*"])).ignored(path, is_dir)


@given(st.lists(_TEXT, max_size=4), _PATHS, st.booleans())
def test_the_rule_says_what_was_decided(lines: list[str], path: str, is_dir: bool) -> None:
    ignore = load(_EMPTY, "\n".join(lines))
    rule = ignore.rule(path, is_dir)
    assert ignore.ignored(path, is_dir) is (rule is not None and not rule.pattern.startswith("!"))
