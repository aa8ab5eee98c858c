"""Which modules a command may load: what a command imports is most of the time that it takes."""

import pytest

HEAVY = frozenset(
    {"git", "sqlalchemy", "alembic", "ruamel", "_ruamel_yaml", "kubernetes", "re2", "helm_python", "rich", "psycopg"}
)
"""Libraries that no question on a built SQLite index loads."""
SLOW = frozenset(
    {"hashlib", "shutil", "tempfile", "tomllib", "difflib", "importlib.resources", "random", "json", "dataclasses"}
)
"""Modules of Python that take milliseconds, and that these commands have no use for."""
ROOMS = frozenset(
    {"indexer.kustomize", "indexer.helm", "indexer.cluster", "indexer.index.build", "indexer.index.write"}
)
ENGINE = ROOMS | {"indexer.manifest.node", "indexer.flux.model", "indexer.flux.render"}

QUESTIONS = (
    ("where", "ns/bar"),
    ("what", "flux/apps/staging/patch.yaml"),
    ("ls",),
    ("ls", "configmap"),
)
LOADED = """
import sys
sys.modules.pop("pathlib", None)  # an editable installation has it loaded before
from indexer.cli.main import run
code = run(sys.argv[1:])
print(code or 0, *sys.modules)
"""


def loaded(fleet, *arguments: str) -> set[str]:
    """The modules in the process after a command that has to succeed."""
    done = fleet.python("-c", LOADED, *arguments)
    assert done.returncode == 0, done.stderr
    code, *modules = done.stdout.splitlines()[-1].split()
    assert code == "0", done.stderr
    return set(modules)


def among(prefixes: frozenset[str], modules: set[str]) -> set[str]:
    """Those of ``modules`` that are in the list, or below one that is."""
    return {name for name in modules if any(name == one or name.startswith(f"{one}.") for one in prefixes)}


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_question_loads_neither_the_engine_nor_a_database_library(fleet, question) -> None:
    assert fleet.run("build", "-q").returncode == 0
    assert among(HEAVY | SLOW | ENGINE, loaded(fleet, *question, "--no-build")) == set()


def test_units_load_no_engine(fleet) -> None:
    assert fleet.run("build", "-q").returncode == 0
    assert among(HEAVY | SLOW | ENGINE, loaded(fleet, "units", "--no-build")) == set()


def test_blame_renders_and_loads_no_database_library(fleet) -> None:
    assert fleet.run("build", "-q").returncode == 0
    modules = loaded(fleet, "blame", "ns/bar", "--no-build")
    assert among(frozenset({"git", "sqlalchemy", "alembic", "kubernetes", "rich", "psycopg"}), modules) == set()


def test_a_build_with_nothing_to_do_loads_no_engine(fleet) -> None:
    assert fleet.run("build", "-q").returncode == 0
    # click imports difflib to read a short option.
    modules = loaded(fleet, "build", "--quiet")
    engine = ENGINE - {"indexer.index.build"}
    assert among(HEAVY | SLOW | engine | {"indexer.sqlite", "pathlib"}, modules) == set()


def test_a_build_loads_no_library_of_databases_or_clusters(fleet) -> None:
    modules = loaded(fleet, "build", "-q")
    assert among(frozenset({"git", "sqlalchemy", "alembic", "kubernetes", "rich", "psycopg"}), modules) == set()
    assert among(frozenset({"indexer.manifest.emit", "tarfile", "importlib.resources"}), modules) == set()


def test_a_build_loads_no_template_language_and_no_versions_that_nothing_asks_for(fleet) -> None:
    modules = loaded(fleet, "build", "-q")
    rare = {"indexer.flux.gotokens", "indexer.flux.inputs", "indexer.flux.semver", "fractions", "decimal", "re2"}
    rare |= {"indexer.flux.artifacts", "indexer.flux.helmobjects", "indexer.helm.engine", "subprocess", "dataclasses"}
    fields = {"configurations", "crds", "plugins", "replacements", "replicas", "vars"}
    assert among(frozenset(rare | {f"indexer.kustomize.{field}" for field in fields}), modules) == set()


def test_a_question_about_clusters_is_all_that_loads_them(fleet) -> None:
    assert fleet.run("build", "-q").returncode == 0
    modules = loaded(fleet, "where", "ns/bar", "--no-build")
    assert among(frozenset({"indexer.cluster", "indexer.query.live", "indexer.report.text_live"}), modules) == set()


def test_a_complaint_loads_no_database(fleet) -> None:
    done = fleet.python("-c", LOADED, "where", "ns/bar", "--repo", "nowhere")
    assert "fluxidx: " in done.stderr
    assert "no such directory" in done.stderr
    assert "sqlite3" not in done.stdout.split()


def test_help_loads_no_room(fleet) -> None:
    modules = loaded(fleet, "--help")
    assert {name for name in modules if name.startswith("indexer")} == {
        "indexer",
        "indexer.cli",
        "indexer.cli.main",
        "indexer.errors",
    }
    assert among(HEAVY | SLOW - {"shutil"}, modules) == set()
