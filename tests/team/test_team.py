"""A team's index as docs/team.md sets it up: one job a repository writes, everyone reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from team.clones import Clone, clone_of, generate

DOCUMENTATION = (Path(__file__).parents[2] / "docs" / "team.md").read_text(encoding="utf-8")
URL = "https://git.example.org/platform/fleet.git"
SAME_URL = "ssh://git@git.example.org/platform/fleet"


@pytest.fixture
def url_of(postgresql_server):
    """The database and the roles as the documentation makes them; a user's URL by name and password."""
    before = set(postgresql_server.rows("SELECT rolname FROM pg_roles"))
    (statements,) = re.findall(r"```sql\n(.*?)```", DOCUMENTATION, re.DOTALL)
    first, _, second = statements.replace("…", "secret-of-writer").partition("\\c fluxidx\n")
    for database, text in (("postgres", first), ("fluxidx", second)):
        text = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
        postgresql_server.run(*(one for one in text.split(";\n") if one.strip()), database=database)
    login = re.search(r"`(CREATE ROLE ada [^`]*)`", DOCUMENTATION)
    assert login is not None
    postgresql_server.run(login[1].replace("…", "secret-of-ada"))
    yield lambda user: postgresql_server.url("fluxidx", user, f"secret-of-{user.removeprefix('fluxidx_')}")
    made = set(postgresql_server.rows("SELECT rolname FROM pg_roles")) - before
    postgresql_server.run("DROP DATABASE fluxidx WITH (FORCE)", *(f"DROP ROLE {name}" for (name,) in made))


def test_a_job_writes_and_everyone_reads_from_their_own_clone(origin, tmp_path, url_of):
    job = clone_of(origin, tmp_path / "job", url_of("fluxidx_writer"), URL)
    ada = clone_of(origin, tmp_path / "ada", url_of("ada"), SAME_URL, no_build=True)
    assert "there is no index" in ada.run("ls", code=3)
    job.run("build", "--rev", "main")
    (ada.path / "new.yaml").write_text("a: 1\n")
    assert "apps/app-000/base/deployment.yaml:1-53" in ada.run("where", "deployment/app-000")
    assert "Deployment app-001/app-001" in ada.run("what", "apps/app-001/base/deployment.yaml:35")
    assert ada.run("sql", "SELECT repository FROM builds").split()[-1] == "git.example.org/platform/fleet"


def test_a_reader_cannot_write(origin, tmp_path, url_of):
    clone_of(origin, tmp_path / "job", url_of("fluxidx_writer"), URL).run("build", "--rev", "main")
    ada = clone_of(origin, tmp_path / "ada", url_of("ada"), URL)
    (ada.path / "clusters" / "cluster-00" / "settings.yaml").unlink()
    message = ada.run("build", code=2)
    assert re.fullmatch(r"fluxidx: .*the index cannot be written: permission denied for \w+ \w+\n", message)
    assert "secret-of-ada" not in message


def test_repositories_are_built_at_once(tmp_path, postgresql):
    """Each finds in the shared index what it finds in one of its own, whoever makes the tables."""
    clones, alone = [], []
    for number, (clusters, applications) in enumerate([(1, 5), (3, 3), (2, 4)]):
        generate(tmp_path / f"{number}", clusters, applications)
        own = Clone(tmp_path / f"{number}", str(tmp_path / f"{number}.db"))
        own.run("build")
        alone.append(own)
        clones.append(Clone(own.path, postgresql))
    for _ in range(2):
        for process in [clone.start("build") for clone in clones]:
            assert process.communicate(timeout=900)[1] == ""
            assert process.returncode == 0
        for clone, own in zip(clones, alone, strict=True):
            assert clone.run("ls") == own.run("ls")
            assert clone.run("units") == own.run("units")
            assert clone.run("what", "apps/app-001/base/service.yaml") == own.run(
                "what", "apps/app-001/base/service.yaml"
            )
            settings = clone.path / "clusters" / "cluster-00" / "settings.yaml"
            settings.write_text(settings.read_text().replace("cluster-00.example.org", "moved.example.org"))
            own.run("build")
