"""A PostgreSQL server of the tests' own, on a free port, with its data in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from servers.process import SECONDS, Failed, free_ports

PASSWORD = "tell-nobody"  # noqa: S105 - of a server that lives for the tests alone
_FOLDERS = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
_SETTINGS = ("fsync=off", "max_connections=40", "listen_addresses=127.0.0.1", "shared_buffers=32MB")


_ATTEMPTS = 3
"""A free port may be taken by another process before the server listens on it."""


class Missing(Exception):
    """PostgreSQL cannot be run here; the message says why."""


def _program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *_FOLDERS]))
    if found is None:
        raise Missing(f"{name} of PostgreSQL is not installed")
    return found


def _unprivileged() -> list[str]:
    """What a command begins with, since PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    known = subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode == 0
    if setpriv is None or not known:
        raise Missing("PostgreSQL does not run as root, and there is no user postgres (or no setpriv) to run it as")
    return [setpriv, "--reuid=postgres", "--regid=postgres", "--clear-groups"]


class PostgreSQL:
    """One server. The user ``fluxidx`` owns it and logs in with a password. Raises Missing, Failed."""

    def __init__(self) -> None:
        self._as_user = _unprivileged()
        self._postgres, initdb = _program("postgres"), _program("initdb")
        # Not in pytest's folder, which no other user may enter.
        self.directory = Path(tempfile.mkdtemp(prefix="fluxidx-postgresql-"))
        self._environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.directory)}
        self._numbers = count(1)
        self._child: subprocess.Popen[bytes] | None = None
        self.port = 0
        try:
            password = self.directory / "password"
            password.write_text(PASSWORD)
            if self._as_user:
                shutil.chown(self.directory, "postgres", "postgres")
                shutil.chown(password, "postgres", "postgres")
            options = ["-U", "fluxidx", "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--no-sync"]
            done = subprocess.run(
                [*self._as_user, initdb, "-D", str(self.directory / "data"), *options],
                env=self._environment, cwd=self.directory, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise Failed(f"initdb: {done.stderr}")
            self._begin()
        except BaseException:
            self.remove()
            raise

    def _begin(self) -> None:
        """Starts on a port that stays this server's."""
        for left in reversed(range(_ATTEMPTS)):
            (self.port,) = free_ports(1)
            try:
                self.start()
                break
            except Failed:
                self.stop()
                if not left:
                    raise

    def start(self) -> None:
        """Starts the server and waits until it answers. Raises Failed."""
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        tied = [self._as_user[0], "--pdeathsig=KILL", *self._as_user[1:]] if self._as_user else []
        with (self.directory / "log").open("ab") as log:
            self._child = subprocess.Popen(
                [
                    *tied, self._postgres, "-D", str(self.directory / "data"), "-k", str(self.directory),
                    "-p", str(self.port), *settings,
                ],
                env=self._environment, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + SECONDS
        while not self._answers():
            if self._child.poll() is not None or time.monotonic() > end:
                raise Failed(f"PostgreSQL is not ready: {(self.directory / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends the server and every session at once, as a crash does."""
        if self._child is not None:
            self._child.send_signal(signal.SIGQUIT)
            self._child.wait(SECONDS)
            self._child = None

    def remove(self) -> None:
        """Ends the server for good."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        import psycopg

        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Runs SQL as the owner of the server, each statement by itself."""
        import psycopg

        with psycopg.connect(self._dsn(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query of the owner of the server gives."""
        import psycopg

        with psycopg.connect(self._dsn("postgres")) as connection:
            return connection.execute(query).fetchall()

    def _dsn(self, database: str) -> str:
        # By its socket: on the port, another server could answer while this one fails to have it.
        place = f"host={self.directory} port={self.port}"
        return f"{place} user=fluxidx password={PASSWORD} dbname={database} connect_timeout=30"

    def database(self) -> str:
        """The name of a new, empty database."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def url(self, database: str, user: str = "fluxidx", password: str = PASSWORD) -> str:
        return f"postgresql+psycopg://{user}:{password}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """A server that only this test run knows; skipped where PostgreSQL is missing, except in CI."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        _unavailable("psycopg, the driver, is not installed")
    try:
        server = PostgreSQL()
    except Missing as missing:
        _unavailable(str(missing))
    yield server
    server.remove()


def _unavailable(why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"PostgreSQL is required in CI: {why}")
    pytest.skip(why)


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL) -> str:
    """The URL of an empty database."""
    return postgresql_server.url(postgresql_server.database())


@pytest.fixture(params=["sqlite", "postgresql"])
def any_index(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What ``--index`` says, for an index that is still to be made: on each of the databases that are supported."""
    if request.param == "sqlite":
        return str(tmp_path / "any.db")
    url: str = request.getfixturevalue("postgresql")
    return url
