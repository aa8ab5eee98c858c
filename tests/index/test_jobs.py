"""A build in several processes: the index of one, also where some of them die, and what fails is told as always."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from tempfile import mkdtemp

import pytest
from team.clones import Clone, generate

from indexer.flux import crew
from indexer.flux.cluster import ClusterRun
from indexer.flux.config import Config
from indexer.flux.sharing import SharedBuilds
from indexer.git.repository import Repository
from indexer.index.build import build_index
from indexer.index.location import at_path

HERE = os.getpid()
BROKEN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken\n"
UNSET = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unset}\ndata: {a: '${NOWHERE:?is missing}'}\n"


@pytest.fixture(autouse=True)
def is_alone(monkeypatch):
    """What runs the tests may have threads, which do nothing that matters here."""
    monkeypatch.setattr(crew, "can_fork", lambda: True)


@pytest.fixture(autouse=True)
def all_help(monkeypatch, tmp_path):
    """This process begins when each other one has taken a piece: on a busy machine it could be done before."""
    spread = crew.spread

    def together(pieces, work, processes, *more):
        taken = Path(mkdtemp(dir=tmp_path))
        others = min(processes, pieces) - 1

        def waiting(piece):
            if os.getpid() != HERE:
                (taken / str(os.getpid())).touch()
            while len(list(taken.iterdir())) < others:
                time.sleep(0.001)
            return work(piece)

        return spread(pieces, waiting, processes, *more)

    monkeypatch.setattr(crew, "spread", together)


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
            report = build_index(repository, Config(), location, revision=revision, jobs=count, say=said.append)
        finally:
            repository.close()
        return Clone(origin, str(tmp_path / f"{name}.db"), no_build=True).contents(), said, report.problems

    return call


@pytest.fixture
def rendered(tmp_path, monkeypatch):
    """The ids of the processes that rendered, by what they did."""
    directory = tmp_path / "rendered"
    directory.mkdir()
    ahead, build = ClusterRun.render_ahead, SharedBuilds.build

    def noted_ahead(self, job):
        (directory / f"ahead {job.spec.path.replace('/', '_')} {os.getpid()}").touch()
        return ahead(self, job)

    def noted_build(self, spec, recording):
        (directory / f"built {spec.path.replace('/', '_')} {os.getpid()}").touch()
        return build(self, spec, recording)

    def take():
        found = [file.name.split() for file in directory.iterdir()]
        for file in directory.iterdir():
            file.unlink()
        return found

    monkeypatch.setattr(ClusterRun, "render_ahead", noted_ahead)
    monkeypatch.setattr(SharedBuilds, "build", noted_build)
    return take


@pytest.mark.parametrize("revision", [None, "HEAD"])
def test_the_index_is_that_of_one_process(build, rendered, revision):
    one = build("one", 1, revision)
    assert {(what, int(pid)) for what, _, pid in rendered()} == {("built", HERE)}
    for count in (2, 3):
        assert build(f"{count}", count, revision) == one
        found = rendered()
        assert any(int(pid) != HERE for what, _, pid in found if what == "ahead")
        built = [path for what, path, _ in found if what == "built"]
        # Nothing twice: the directories of all units are different, or their units are rendered by one process.
        assert len(built) == len(set(built))
    assert one[1] == []


def test_a_process_that_is_killed_is_named_and_its_part_is_rendered_after_all(build, monkeypatch):
    expected, _, problems = build("one", 1)
    ahead = ClusterRun.render_ahead

    def mortal(self, job):
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return ahead(self, job)

    monkeypatch.setattr(ClusterRun, "render_ahead", mortal)
    found, said, told = build("killed", 3)
    assert found == expected
    assert told == problems
    assert set(said) == {"a process that helped was killed by signal 9: this one does its part"}


@pytest.mark.parametrize("error", [MemoryError, RecursionError, ZeroDivisionError])
def test_what_only_others_cannot_do_is_done_here(build, monkeypatch, error):
    expected = build("one", 1)
    ahead = ClusterRun.render_ahead

    def wrong(self, job):
        if os.getpid() != HERE:
            raise error
        return ahead(self, job)

    monkeypatch.setattr(ClusterRun, "render_ahead", wrong)
    assert build("wrong", 3) == expected


def die(_run, _clusters):
    os.kill(os.getpid(), signal.SIGKILL)


def fail(_run, _clusters):
    raise ZeroDivisionError


def finish(run, clusters):
    return clusters(run)


def finish_on_sand(run, clusters):
    """What rests on more than files of the repository is not handed over."""
    run.ground.give_way("elsewhere")
    return clusters(run)


@pytest.mark.parametrize("theirs", [finish, die, fail, finish_on_sand])
def test_clusters_are_finished_by_others_as_by_this_process(build, monkeypatch, tmp_path, theirs):
    expected, _, problems = build("one", 1)
    clusters = ClusterRun.clusters

    def noted(self):
        (tmp_path / f"finishing {self.name} {os.getpid()}").touch()
        return clusters(self) if os.getpid() == HERE else theirs(self, clusters)

    monkeypatch.setattr(ClusterRun, "clusters", noted)
    found, said, told = build("two", 2)
    assert found == expected
    assert told == problems
    assert said == (["a process that helped was killed by signal 9: this one does its part"] if theirs is die else [])
    by = [file.name.split()[1:] for file in tmp_path.glob("finishing *")]
    assert any(int(pid) != HERE for _, pid in by)
    # What nobody hands over is done here, and nothing else twice.
    assert len({name for name, _ in by}) == 2
    assert len(by) == 2 or theirs is not finish


def test_an_error_of_the_program_is_raised_as_in_one_process(build, monkeypatch):
    own = SharedBuilds.build

    def wrong(self, spec, recording):
        if spec.path == "./apps/app-001/production":  # of which there is one: others may be met in another order
            raise ZeroDivisionError(spec.path)
        return own(self, spec, recording)

    monkeypatch.setattr(SharedBuilds, "build", wrong)
    with pytest.raises(ZeroDivisionError) as one:
        build("one", 1)
    with pytest.raises(ZeroDivisionError) as three:
        build("three", 3)
    assert str(three.value) == str(one.value)


def test_units_that_fail_are_told_as_by_one_process(build, origin):
    for application, text in (("app-000", BROKEN), ("app-002", UNSET)):
        (origin / "apps" / application / "base" / "deployment.yaml").write_text(text)
    nested = "a: " + "[" * 3000 + "]" * 3000
    deep = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: deep}}\ndata: {{{nested}}}\n"
    (origin / "apps" / "app-001" / "base" / "deployment.yaml").write_text(deep)
    one = build("one", 1)
    assert {problem.unit.name for problem in one[2]} >= {"app-000", "app-001"}
    assert build("three", 3) == one


def test_large_units_come_through(build, origin):
    for application in ("app-000", "app-001", "app-002", "app-003"):
        lines = "\n".join(f"  line-{number}: {'x' * 40} ${{cluster_name}}" for number in range(4_000))
        file = origin / "apps" / application / "base" / "large.yaml"
        file.write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: large}}\ndata:\n{lines}\n")
        listing = file.with_name("kustomization.yaml")
        listing.write_text(listing.read_text().replace("- namespace.yaml", "- namespace.yaml\n- large.yaml"))
    one = build("one", 1)
    assert build("two", 2) == one


def test_what_is_wrong_is_said_once(origin, tmp_path):
    (origin / ".fluxidx.toml").write_text('[[cluster]]\nname = "a"\nentry = ["nowhere.yaml"]\n')
    error = Clone(origin, str(tmp_path / "x.db")).run("build", "--jobs", "2", code=2)
    assert error.count("nowhere.yaml") == error.count("\n") == 1


@pytest.mark.parametrize(("cores", "share", "others"), [(4, 1, True), (4, 10_000, False), (1, 1, False)])
def test_other_processes_help_where_it_pays(build, rendered, monkeypatch, cores, share, others):
    monkeypatch.setattr(crew, "cores", lambda: cores)
    monkeypatch.setattr(crew, "_SHARE", share)
    build("some", None)
    assert any(int(pid) != HERE for *_, pid in rendered()) == others


def test_what_is_known_needs_no_further_process(build, origin, tmp_path, rendered):
    build("one", 1)
    rendered()
    (origin / "apps" / "app-001" / "production" / "note.yaml").write_text("")
    (origin / "untracked.yaml").write_text("a: b\n")
    repository = Repository.open(origin)
    build_index(repository, Config(), at_path(Path(tmp_path / "one.db")), jobs=3)
    repository.close()
    assert {int(pid) for *_, pid in rendered()} <= {HERE}
