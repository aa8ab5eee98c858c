"""A build in several processes: the index of one, also where some of them die."""

from __future__ import annotations

import os
import signal

import pytest
from team.clones import Clone, generate

from indexer.flux.config import Config
from indexer.flux.sharing import SharedBuilds
from indexer.git.repository import Repository
from indexer.index import jobs
from indexer.index.build import build_index
from indexer.index.freshness import target_of
from indexer.index.location import at_path


@pytest.fixture
def origin(tmp_path):
    generate(tmp_path / "origin", 2, 4)
    return tmp_path / "origin"


@pytest.fixture
def build(origin, tmp_path):
    """Builds an index from nothing: what all of its views show, and what was said meanwhile."""

    def call(name, count, revision=None):
        for file in (origin / ".git" / "fluxidx").glob("cache.db*"):
            file.unlink()
        said = []
        repository = Repository.open(origin)
        try:
            location = at_path(tmp_path / f"{name}.db")
            build_index(repository, Config(), location, revision=revision, jobs=count, say=said.append)
        finally:
            repository.close()
        return Clone(origin, str(tmp_path / f"{name}.db"), no_build=True).contents(), said

    return call


@pytest.fixture
def rendered_here(monkeypatch):
    """The paths of the Kustomizations that this process built, since it did not find them in the store."""
    paths = []
    own = SharedBuilds.build

    def noted(self, spec, recording):
        paths.append(spec.path)
        return own(self, spec, recording)

    monkeypatch.setattr(SharedBuilds, "build", noted)
    return paths


@pytest.mark.parametrize("revision", [None, "HEAD"])
def test_the_index_is_that_of_one_process(build, rendered_here, revision):
    one = build("one", 1, revision)
    assert rendered_here
    rendered_here.clear()
    assert build("three", 3, revision) == one
    assert rendered_here == []
    assert one[1] == []


def test_a_process_that_is_killed_is_named_and_its_part_is_rendered_after_all(build, rendered_here, monkeypatch):
    expected, _ = build("one", 1)
    rendered_here.clear()
    render = jobs._render

    def mortal(target, config, shard):
        if shard.number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        render(target, config, shard)

    monkeypatch.setattr(jobs, "_render", mortal)
    found, said = build("killed", 3)
    assert found == expected
    assert said == [
        "the process that renders part 1/3 was killed by signal 9: its part is rendered by this one instead"
    ]
    assert rendered_here


def test_processes_that_cannot_be_started_are_done_without(build, monkeypatch):
    def refuse():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    expected, _ = build("one", 1)
    monkeypatch.setattr(os, "fork", refuse)
    found, said = build("refused", 3)
    assert found == expected
    assert said == ["no further process can be started: Resource temporarily unavailable: lower --jobs"]


def test_what_is_wrong_is_said_once(origin, tmp_path):
    (origin / ".fluxidx.toml").write_text('[[cluster]]\nname = "a"\nentry = ["nowhere.yaml"]\n')
    error = Clone(origin, str(tmp_path / "x.db")).run("build", "--jobs", "2", code=2)
    assert error.count("nowhere.yaml") == error.count("\n") == 1


def test_a_part_is_of_one_process(origin, tmp_path):
    error = Clone(origin, str(tmp_path / "x.db")).run("build", "--jobs", "2", "--shard", "0/2", code=2)
    assert "leave --jobs out" in error


@pytest.mark.parametrize(
    ("cores", "load", "share", "expected"),
    [(8, 0.2, 20, 8), (8, 5.1, 20, 3), (8, 0.2, 50, 3), (2, 0.4, 20, 2), (2, 1.0, 20, 1), (8, 0.2, 1000, 1)],
)
def test_processes_are_as_many_as_pay(origin, monkeypatch, cores, load, share, expected):
    """Two clusters, 87 YAML files."""
    monkeypatch.setattr(jobs, "_SHARE", share)
    monkeypatch.setattr(jobs, "_cores", lambda: cores)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert jobs.processes(target_of(Repository.open(origin), Config(), None), Config()) == expected


def test_a_repository_that_was_built_before_needs_no_further_process(build, origin, monkeypatch):
    monkeypatch.setattr(jobs, "_SHARE", 1)
    monkeypatch.setattr(jobs, "_cores", lambda: 4)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    target = target_of(Repository.open(origin), Config(), None)
    assert jobs.processes(target, Config()) == 4
    build("one", 1)
    assert jobs.processes(target, Config()) == 1
