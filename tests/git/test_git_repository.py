from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from indexer.git.blame import Commit, Uncommitted
from indexer.git.command import GitError
from indexer.git.place import NoRepository
from indexer.git.repository import Repository, UnknownRevision, Upstream
from indexer.git.tree import EntryKind, Unreadable


def test_it_is_found_from_a_sub_directory_and_from_a_file(sandbox: Any) -> None:
    file = sandbox.write("a/b/c.yaml", "x")
    for place in (sandbox.root, file.parent, file):
        repository = sandbox.open(place)
        assert repository.root == sandbox.root
        assert repository.git_dir == sandbox.root / ".git"


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(NoRepository, match="not a git repository"):
        Repository.open(tmp_path)
    with pytest.raises(NoRepository, match="no such directory"):
        Repository.open(tmp_path / "nowhere")


def test_before_the_first_commit(sandbox: Any) -> None:
    sandbox.write("a.yaml", "x\n")
    repository = sandbox.open()
    assert repository.head() is None
    assert repository.branch() == "main"
    assert repository.worktree().read("a.yaml") == b"x\n"
    assert repository.status().fingerprint
    assert repository.last_commit("a.yaml", 1, 1) == Uncommitted()
    with pytest.raises(UnknownRevision, match="no commits yet"):
        repository.revision("HEAD")


def test_a_linked_worktree(sandbox: Any, tmp_path: Path) -> None:
    sandbox.write("a.yaml", "main")
    first = sandbox.commit()
    linked = tmp_path / "linked"
    sandbox.git("worktree", "add", "--quiet", "-b", "topic", str(linked))
    (linked / "a.yaml").write_text("topic")
    repository = sandbox.open(linked)
    assert repository.root == linked
    assert repository.git_dir == sandbox.root / ".git"
    assert repository.branch() == "topic"
    assert repository.head() == first
    assert repository.worktree().read("a.yaml") == b"topic"
    assert repository.revision("main").read("a.yaml") == b"main"


def test_a_bare_repository(sandbox: Any, tmp_path: Path) -> None:
    sandbox.write("a.yaml", "x\n")
    sandbox.commit("First")
    bare = tmp_path / "bare.git"
    sandbox.git("clone", "--quiet", "--bare", ".", str(bare))
    repository = sandbox.open(bare)
    assert repository.root is None
    assert repository.git_dir == bare
    assert repository.revision("main").read("a.yaml") == b"x\n"
    assert repository.blame("a.yaml", 1, 1)[0].subject == "First"
    assert repository.status().fingerprint
    with pytest.raises(NoRepository, match="name a revision"):
        repository.worktree()


def test_a_shallow_clone(sandbox: Any, tmp_path: Path) -> None:
    sandbox.write("a.yaml", "old\n")
    old = sandbox.commit("First")
    sandbox.write("b.yaml", "new\n")
    sandbox.commit("Second")
    clone = tmp_path / "shallow"
    sandbox.git("clone", "--quiet", "--depth", "1", f"file://{sandbox.root}", str(clone))
    repository = sandbox.open(clone)
    assert repository.shallow
    assert repository.revision("HEAD").read("a.yaml") == b"old\n"
    assert repository.blame("a.yaml", 1, 1)[0].commit.boundary
    with pytest.raises(UnknownRevision, match="shallow"):
        repository.revision(old)
    assert not sandbox.open().shallow


def test_a_detached_head(sandbox: Any) -> None:
    sha = sandbox.commit()
    sandbox.git("checkout", "--quiet", "--detach")
    repository = sandbox.open()
    assert repository.branch() is None
    assert repository.upstream() is None
    assert repository.head() == sha


def test_git_dir_of_the_environment(sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.write("a.yaml", "x")
    sandbox.commit()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("GIT_DIR", str(sandbox.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(sandbox.root))
    repository = sandbox.open(elsewhere)
    assert repository.root == sandbox.root
    assert repository.worktree().read("a.yaml") == b"x"
    assert repository.revision("HEAD").read("a.yaml") == b"x"


def test_a_revision_is_not_the_working_tree(sandbox: Any) -> None:
    sandbox.write("a/file.yaml", "one")
    first = sandbox.commit()
    sandbox.git("tag", "v1")
    sandbox.write("a/file.yaml", "two")
    sandbox.write("b.yaml", "new")
    sandbox.commit()
    sandbox.write("a/file.yaml", "three")
    repository = sandbox.open()
    tree = repository.revision("v1")
    assert tree.commit == first
    assert tree.read("a/file.yaml") == b"one"
    assert tree.kind("b.yaml") is None
    assert repository.revision("HEAD").read("a/file.yaml") == b"two"
    assert repository.worktree().read("a/file.yaml") == b"three"


def test_a_revision_is_read_by_one_process(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        sandbox.write(f"d{number}/file.yaml", str(number))
    sandbox.commit()
    tree = sandbox.open().revision("HEAD")
    started: list[Any] = []
    start = subprocess.Popen.__init__
    monkeypatch.setattr(subprocess.Popen, "__init__", lambda *a, **k: started.append(a) or start(*a, **k))
    for number in range(20):
        assert tree.read(f"d{number}/file.yaml") == str(number).encode()
    assert started == []


def test_unknown_revisions_are_explained(sandbox: Any) -> None:
    sandbox.commit()
    sandbox.git("branch", "feature/login")
    repository = sandbox.open()
    with pytest.raises(UnknownRevision, match=r"mian names no commit of this repository: is main meant\?"):
        repository.revision("mian")
    with pytest.raises(UnknownRevision, match=r"is feature/login meant\?"):
        repository.revision("login")
    sandbox.git("tag", "files", "HEAD^{tree}")
    with pytest.raises(UnknownRevision, match="what it points at is no commit, or is missing in this clone"):
        repository.revision("files")
    for rev in ("", "--all", "a\nb", "a\0b", "f" * 40, "main..main"):
        with pytest.raises(UnknownRevision):
            repository.revision(rev)


def test_a_missing_object_is_unreadable_and_the_next_read_works(sandbox: Any) -> None:
    sandbox.write("a.yaml", "a")
    sandbox.write("b.yaml", "b")
    sandbox.commit()
    blob = sandbox.git("rev-parse", "HEAD:a.yaml")
    (sandbox.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    tree = sandbox.open().revision("HEAD")
    with pytest.raises(Unreadable, match=f"object {blob} is not in this clone"):
        tree.read("a.yaml")
    assert tree.read("b.yaml") == b"b"


def test_a_partial_clone_fetches_nothing(sandbox: Any, tmp_path: Path) -> None:
    sandbox.write("a.yaml", "a")
    sandbox.commit()
    sandbox.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "partial"
    sandbox.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{sandbox.root}", str(clone))
    tree = sandbox.open(clone).revision("HEAD")
    assert tree.kind("a.yaml") is EntryKind.FILE
    for _ in range(2):
        with pytest.raises(Unreadable, match="not in this clone"):
            tree.read("a.yaml")


def _read_in_worker(tree: Any) -> bytes:
    return tree.read("a.yaml")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_read_revisions_beside_their_parent(sandbox: Any, method: str) -> None:
    sandbox.write("a.yaml", "x")
    sandbox.commit()
    tree = sandbox.open().revision("HEAD")
    assert tree.read("a.yaml") == b"x"
    if method == "spawn":
        copy = pickle.loads(pickle.dumps(tree))  # noqa: S301 our own pickle
        assert copy.read("a.yaml") == b"x"
        copy._objects.close()
    else:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(_read_in_worker, [tree] * 4) == [b"x"] * 4
            pool.close()
            pool.join()
    assert tree.read("a.yaml") == b"x"


def test_remotes_and_upstream(sandbox: Any) -> None:
    sandbox.commit()
    sandbox.git("remote", "add", "origin", "https://user:secret@git.example.org/team/apps.git")
    sandbox.git("remote", "add", "mirror", "short:team/apps")
    sandbox.git("config", "url.ssh://git@example.org/.insteadOf", "short:")
    sandbox.git("config", "branch.main.remote", "origin")
    sandbox.git("config", "branch.main.merge", "refs/heads/release/1.0")
    repository = sandbox.open()
    assert repository.remotes() == {
        "origin": "https://git.example.org/team/apps.git",
        "mirror": "ssh://git@example.org/team/apps",
    }
    assert repository.upstream() == Upstream("origin", "release/1.0")


def test_blame(sandbox: Any) -> None:
    sandbox.write("a.yaml", "one\ntwo\nthree\n")
    first = sandbox.commit("First", when=1_700_000_000)
    sandbox.write("a.yaml", "one\nTWO\nthree\n")
    second = sandbox.commit("Second", when=1_700_000_100)
    sandbox.write("a.yaml", "one\nTWO\nthree\nfour\n")
    repository = sandbox.open()
    lines = repository.blame("a.yaml", 1, 4)
    assert [(line.line, line.sha) for line in lines] == [(1, first), (2, second), (3, first), (4, None)]
    assert (lines[0].author, lines[0].date, lines[0].subject) == ("Ada", "2023-11-14T23:43:20+01:30", "First")
    assert lines[3].commit == Uncommitted()
    assert lines[3].author is None
    assert [line.sha for line in repository.blame("a.yaml", 2, 3, rev=first)] == [first, first]


def test_the_last_commit_of_a_range(sandbox: Any) -> None:
    sandbox.write("a.yaml", "one\ntwo\nthree\n")
    first = sandbox.commit("First", when=1_700_000_000)
    sandbox.write("a.yaml", "one\nTWO\nthree\n")
    second = sandbox.commit("Second", when=1_700_000_100)
    sandbox.write("a.yaml", "one\nTWO\nthree\nfour\n")
    repository = sandbox.open()
    last = repository.last_commit("a.yaml", 1, 3)
    assert isinstance(last, Commit)
    assert (last.sha, last.subject, last.date) == (second, "Second", "2023-11-14T23:45:00+01:30")
    alone = repository.last_commit("a.yaml", 3, 3)
    assert isinstance(alone, Commit)
    assert alone.sha == first
    assert repository.last_commit("a.yaml", 3, 4) == Uncommitted()


def test_ancestry_breaks_a_tie_of_times(sandbox: Any) -> None:
    sandbox.write("a.yaml", "1\n2\n3\n")
    sandbox.commit("First")
    for number, text in enumerate(["1\n2\nx\n", "y\n2\nx\n"]):
        sandbox.write("a.yaml", text)
        newest = sandbox.commit(f"Change {number}")
    last = sandbox.open().last_commit("a.yaml", 1, 3)
    assert isinstance(last, Commit)
    assert last.sha == newest


def test_lines_of_a_file_that_git_does_not_know_are_uncommitted(sandbox: Any) -> None:
    sandbox.commit()
    sandbox.write("new.yaml", "a\nb\n")
    repository = sandbox.open()
    assert [line.sha for line in repository.blame("new.yaml", 1, 2)] == [None, None]
    with pytest.raises(GitError):
        repository.blame("nowhere.yaml", 1, 1)


def test_blame_beyond_the_end(sandbox: Any) -> None:
    sandbox.write("a.yaml", "one\n")
    sandbox.commit()
    with pytest.raises(GitError, match="has only 1 line"):
        sandbox.open().blame("a.yaml", 5, 6)


def test_the_fingerprint_changes_with_what_is_on_disk(sandbox: Any) -> None:
    sandbox.write(".gitignore", "ignored\n")
    sandbox.write("a.yaml", "one\n")
    sandbox.commit()
    repository = sandbox.open()
    seen = [repository.status().fingerprint]
    assert repository.status().fingerprint == seen[0]

    def changed() -> bool:
        seen.append(repository.status().fingerprint)
        return seen[-1] not in seen[:-1]

    sandbox.write("ignored", "x")
    assert not changed()
    sandbox.write("a.yaml", "two\n")
    assert changed()
    sandbox.write("a.yaml", "three\n")
    assert changed()
    sandbox.git("add", "a.yaml")
    assert changed()
    sandbox.write("untracked", "1")
    assert changed()
    sandbox.write("untracked", "12")
    assert changed()
    sandbox.commit()
    assert changed()
    (sandbox.root / "a.yaml").unlink()
    assert changed()
    sandbox.git("checkout", "--quiet", "a.yaml")
    sandbox.git("checkout", "--quiet", "-b", "other")
    assert changed()


def test_a_look_that_was_asked_for_beforehand_is_the_one_that_counts(sandbox: Any) -> None:
    sandbox.write("a.yaml", "one\n")
    sandbox.commit()
    repository = sandbox.open()
    repository.look()
    repository.look()
    assert repository.status().changed == frozenset()
    sandbox.write("a.yaml", "two\n")
    assert repository.status().changed == {"a.yaml"}


def test_lines_that_were_looked_at_beforehand_are_blamed_once(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.write("a.yaml", "one\ntwo\n")
    first = sandbox.commit()
    repository = sandbox.open()
    started: list[Any] = []
    spawn = os.posix_spawnp
    monkeypatch.setattr(os, "posix_spawnp", lambda *a, **k: started.append(a) or spawn(*a, **k))
    repository.look_at("a.yaml", 1, 2)
    repository.look_at("a.yaml", 1, 2)
    assert [line.sha for line in repository.blame("a.yaml", 1, 2)] == [first, first]
    assert len(started) == 1
    sandbox.write("a.yaml", "one\n2\n")
    assert [line.sha for line in repository.blame("a.yaml", 1, 2)] == [first, None]


def test_questions_do_not_import_gitpython(sandbox: Any) -> None:
    sandbox.write("a.yaml", "one\n")
    sandbox.commit()
    code = (
        "import sys; from indexer.git.repository import Repository; r = Repository.open('.');"
        "r.status().fingerprint; r.last_commit('a.yaml', 1, 1); r.remotes(); r.head(); r.worktree().read('a.yaml');"
        "assert 'git' not in sys.modules and 'gitdb' not in sys.modules"
    )
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code], cwd=sandbox.root, env=here, check=True)
