"""Building: when it happens, when it does not, and that it happens once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from indexer.errors import ExitCode, IndexMissing, NotFound
from indexer.flux.config import Config
from indexer.flux.model import UnitId, UnitState
from indexer.git.repository import Repository
from indexer.index.build import ClusterTotals, Problem, build_index
from indexer.index.ensure import answered, ensure_fresh
from indexer.index.errors import IndexStale
from indexer.index.freshness import open_fresh, target_of
from indexer.index.location import locate
from indexer.index.lock import building

pytestmark = pytest.mark.usefixtures("rendering")


@pytest.fixture
def fleet(repository):
    opened = Repository.open(repository)
    yield opened
    opened.close()


def ask(fleet, index=None, *, config=None, **options):
    """The build that a question is answered from, and what the person was told."""
    said = []
    with ensure_fresh(fleet, config or Config(), index, progress=said.append, **options) as opened:
        return opened.rows("SELECT * FROM builds")[0], said


def git(repository, *arguments):
    subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True)


def test_a_report_counts_units_and_lists_what_is_not_rendered(fleet):
    report = build_index(fleet, Config(), locate(None, fleet.git_dir))
    states = {
        UnitState.RENDERED: 2,
        UnitState.FAILED: 1,
        UnitState.UNRESOLVED: 1,
        UnitState.SUSPENDED: 0,
    }
    assert report.rendered
    assert report.clusters == (ClusterTotals("prod", states, 2), ClusterTotals("staging", states, 2))
    assert report.problems[:2] == (
        Problem(
            "prod",
            UnitId("HelmRelease", "bar", "redis"),
            UnitState.UNRESOLVED,
            "expanded by chart redis of HelmRepository bar/redis: edit the values at apps/redis.yaml:7:5",
        ),
        Problem(
            "prod",
            UnitId("Kustomization", "flux-system", "infra"),
            UnitState.FAILED,
            "infra/kustomization.yaml:3:5: no such file",
        ),
    )


def test_an_unchanged_repository_is_rendered_once(fleet, rendering):
    location = locate(None, fleet.git_dir)
    first = build_index(fleet, Config(), location)
    again = build_index(fleet, Config(), location)
    assert len(rendering) == 1
    assert (first.rendered, again.rendered) == (True, False)
    assert (again.clusters, again.problems) == (first.clusters, first.problems)


def test_a_question_builds_what_is_missing_and_says_so_in_one_line(fleet, rendering):
    build, said = ask(fleet)
    path = fleet.git_dir / "fluxidx" / "index.db"
    assert said == [f"{path}: there is no index: building it"]
    assert (build["repository"], build["root"], build["revision"], build["head"]) == (
        str(fleet.git_dir),
        str(fleet.root),
        None,
        fleet.head(),
    )
    assert ask(fleet) == (build, [])
    assert len(rendering) == 1


@pytest.mark.parametrize("change", ["edit", "untracked", "commit", "config"])
def test_a_question_builds_again_after_a_change(fleet, rendering, tmp_path, change):
    settings = tmp_path / "settings.toml"
    settings.write_text("")
    ask(fleet, config=Config(path=settings))
    if change == "edit":
        (fleet.root / "clusters" / "readme.txt").write_text("two\n")
    elif change == "untracked":
        (fleet.root / "clusters" / "new.yaml").write_text("")
    elif change == "commit":
        git(fleet.root, "commit", "-q", "--allow-empty", "-m", "two")
    else:
        settings.write_text("# another\n")
    _, said = ask(fleet, config=Config(path=settings))
    assert len(rendering) == 2
    assert [line.partition(".db: ")[2] for line in said] == ["the index is older than the repository: building it"]


def test_another_version_of_the_program_builds_again(fleet, monkeypatch):
    ask(fleet)
    monkeypatch.setattr("indexer.index.freshness.__version__", "99")
    with pytest.raises(IndexStale, match="the index was built by version"):
        ask(fleet, build=False)


def test_a_missing_or_stale_index_is_an_error_where_building_is_forbidden(fleet, rendering):
    with pytest.raises(IndexMissing, match="there is no index: run `fluxidx build`"):
        ask(fleet, build=False)
    ask(fleet)
    ask(fleet, build=False)
    (fleet.root / "clusters" / "readme.txt").write_text("two\n")
    with pytest.raises(IndexStale, match="older than the repository: run `fluxidx build`") as error:
        ask(fleet, build=False)
    assert error.value.exit_code is ExitCode.INDEX
    assert len(rendering) == 1


def test_a_revision_on_purpose_is_good_enough_where_building_is_forbidden(fleet):
    location = locate(None, fleet.git_dir)
    build_index(fleet, Config(), location, revision="main")
    build, _ = ask(fleet, build=False)
    assert build["revision"] == "main"
    build, said = ask(fleet)
    assert build["revision"] is None
    assert said == [f"{location}: the index holds main, not the working tree: building it"]


def test_a_question_about_a_revision_keeps_the_index_of_the_working_tree(fleet, rendering):
    ask(fleet)
    build, said = ask(fleet, revision="main")
    assert (build["revision"], build["head"], len(said)) == ("main", fleet.head(), 1)
    assert ask(fleet, revision="main") == (build, [])
    assert ask(fleet)[1] == []
    assert len(rendering) == 2


def test_only_the_newest_indexes_of_revisions_are_kept(fleet):
    ask(fleet)
    for number in range(10):
        git(fleet.root, "commit", "-q", "--allow-empty", "-m", f"{number}")
        ask(fleet, revision="HEAD")
    kept = list((fleet.git_dir / "fluxidx" / "revisions").glob("*.db"))
    assert len(kept) == 8
    assert f"{fleet.head()}.db" in {path.name for path in kept}


def test_a_bare_repository_is_indexed_at_head(fleet, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", str(fleet.root), "bare.git")
    bare = Repository.open(tmp_path / "bare.git")
    build, _ = ask(bare)
    assert (build["revision"], build["head"]) == ("HEAD", fleet.head())
    assert ask(bare) == (build, [])
    bare.close()


def test_a_repository_without_commits_is_indexed(tmp_path):
    git(tmp_path, "init", "-q", "empty")
    build, _ = ask(Repository.open(tmp_path / "empty"))
    assert (build["revision"], build["head"]) == (None, None)


def test_repositories_that_share_an_index_do_not_make_each_other_stale(fleet, tmp_path):
    index = str(tmp_path / "shared.db")
    git(tmp_path, "clone", "-q", str(fleet.root), "other")
    other = Repository.open(tmp_path / "other")
    ask(fleet, index)
    assert ask(other, index)[1] == [f"{index}: this repository is not in the index: building it"]
    assert ask(fleet, index)[1] == ask(other, index)[1] == []


def test_a_changed_folder_of_the_configuration_builds_again(fleet, tmp_path):
    from indexer.flux.config import SourceConfig

    folder = tmp_path / "artifact"
    folder.mkdir()
    config = Config(sources=(SourceConfig("oci://registry.example.org/apps", folder),))
    ask(fleet, config=config)
    assert ask(fleet, config=config)[1] == []
    (folder / "a.yaml").write_text("a: 1\n")
    assert len(ask(fleet, config=config)[1]) == 1


def two_builds(fleet, location, meanwhile=lambda: None):
    """A build that starts while another one holds the index, which does something; what it says and reports."""
    waiting = threading.Event()
    said, reports = [], []

    def say(message):
        said.append(message)
        waiting.set()

    second = threading.Thread(target=lambda: reports.append(build_index(fleet, Config(), location, say=say)))
    with building(location, location.name_of(fleet), lambda _said: None):
        second.start()
        assert waiting.wait(300)
        assert not reports
        meanwhile()
    second.join()
    return said, reports


def test_two_builds_are_serialised_and_the_second_says_so(fleet):
    location = locate(None, fleet.git_dir)
    said, reports = two_builds(fleet, location)
    assert said == [f"{location}: another build of this index is running: waiting for it"]
    assert reports[0].rendered


def test_a_build_that_waited_indexes_the_files_as_they_are_then(fleet):
    location = locate(None, fleet.git_dir)
    two_builds(fleet, location, lambda: (fleet.root / "clusters" / "readme.txt").write_text("two\n"))
    with open_fresh(location, target_of(fleet, Config(), None)):
        pass


def test_a_build_with_nothing_to_do_waits_for_nobody(fleet):
    location = locate(None, fleet.git_dir)
    build_index(fleet, Config(), location)
    with building(location, location.name_of(fleet), lambda _said: None):
        assert not build_index(fleet, Config(), location).rendered


def test_two_builds_of_postgresql_are_serialised(fleet, postgresql):
    said, reports = two_builds(fleet, locate(postgresql, fleet.git_dir))
    assert len(said) == len(reports) == 1


HEAVY = ("git", "kubernetes", "sqlalchemy", "ruamel", "_ruamel_yaml", "alembic", "rich")


@pytest.mark.parametrize("arguments", [["ls"], ["ls", "ns/bar"], ["units"], ["sql", "SELECT * FROM units"]])
def test_a_question_on_a_fresh_index_imports_nothing_heavy(fleet, arguments):
    build_index(fleet, Config(), locate(None, fleet.git_dir))
    script = (
        "import sys; from indexer.cli.main import run; code = run(sys.argv[1:]);"
        f"print(code, sorted({set(HEAVY)!r} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r}); {script}", *arguments],
        cwd=fleet.root,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []"
    assert "building" not in done.stderr


def answer(fleet, question, **options):
    """What a question gets of an index that is judged afterwards, and what the person was told."""
    said = []
    return answered(fleet, Config(), None, question, progress=said.append, **options), said


def head(index):
    return index.rows("SELECT head FROM builds")[0]["head"]


def test_a_question_is_asked_once_of_a_fresh_index(fleet):
    build_index(fleet, Config(), locate(None, fleet.git_dir))
    asked = []
    assert answer(fleet, lambda index: asked.append(1) or head(index)) == (fleet.head(), [])
    assert asked == [1]


def test_what_a_stale_index_said_is_forgotten(fleet):
    build_index(fleet, Config(), locate(None, fleet.git_dir))
    before = fleet.head()
    (fleet.root / "clusters" / "readme.txt").write_text("two\n")
    git(fleet.root, "commit", "-qam", "two")
    heads = []

    def question(index):
        heads.append(head(index))
        if len(heads) == 1:
            raise NotFound("nothing of that name")
        return heads[-1]

    found, said = answer(fleet, question)
    assert heads == [before, fleet.head()]
    assert found == fleet.head() != before
    assert len(said) == 1


def test_a_stale_index_answers_nothing_where_no_other_may_be_built(fleet):
    build_index(fleet, Config(), locate(None, fleet.git_dir))
    (fleet.root / "clusters" / "readme.txt").write_text("two\n")
    with pytest.raises(IndexStale, match="older than the repository"):
        answer(fleet, head, build=False)


def test_what_a_fresh_index_does_not_hold_is_not_looked_for_again(fleet):
    build_index(fleet, Config(), locate(None, fleet.git_dir))
    asked = []

    def question(_index):
        asked.append(1)
        raise NotFound("nothing of that name")

    with pytest.raises(NotFound):
        answer(fleet, question)
    assert asked == [1]


def test_each_question_is_held_against_the_files_of_its_own_moment(fleet):
    assert len(answer(fleet, head)[1]) == 1
    assert answer(fleet, head)[1] == []
    (fleet.root / "clusters" / "readme.txt").write_text("two\n")
    assert len(answer(fleet, head)[1]) == 1
