"""Real programs and servers. Where they cannot be had, a test is skipped with the reason; in CI it fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

from servers.apiserver import ApiServer
from servers.binaries import Unavailable, binary, find, sarif_schema
from servers.flux import Flux

_Server = TypeVar("_Server", ApiServer, Flux)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests record with ``record_property``, how many things were compared for one, is said in the end."""
    reports = [one for many in terminalreporter.stats.values() for one in many if isinstance(one, pytest.TestReport)]
    lines = [
        f"{one.nodeid}: {name}: {value}" for one in reports if one.when == "call" for name, value in one.user_properties
    ]
    if lines:
        terminalreporter.section("recorded")
        terminalreporter.write_line("\n".join(lines))


@pytest.fixture(scope="session")
def kustomize() -> str:
    """The real kustomize."""
    return str(_program("kustomize"))


@pytest.fixture(scope="session")
def flux_cli() -> str:
    """The real flux."""
    return str(_program("flux"))


@pytest.fixture(scope="session")
def helm() -> str:
    """The real helm, where there happens to be one."""
    found = find("helm")
    if found is None:
        pytest.skip("no helm binary")
    return str(found)


@pytest.fixture(scope="session")
def official_sarif() -> Any:
    """The official JSON schema of SARIF 2.1.0."""
    try:
        return sarif_schema()
    except Unavailable as why:
        _give_up(why)


def _program(name: str) -> Path:
    try:
        return binary(name)
    except Unavailable as why:
        _give_up(why)


def _give_up(why: Unavailable) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"CI needs the real programs: {why}", pytrace=False)
    pytest.skip(str(why))


def _starting(kind: type[_Server], directory: Path, stack: ExitStack) -> Callable[..., _Server]:
    def start(name: str = "test", **options: Any) -> _Server:
        server = kind(directory / name, name, **options)
        try:
            return stack.enter_context(server)
        except Unavailable as why:
            _give_up(why)

    return start


@pytest.fixture(scope="module")
def start_api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ApiServer]]:
    """Starts an API server of a name (also of its context); it ends with the module's tests."""
    with ExitStack() as stack:
        yield _starting(ApiServer, tmp_path_factory.mktemp("servers"), stack)


@pytest.fixture(scope="module")
def start_flux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Flux]]:
    """Starts a cluster with Flux, of a name (also of its context); it ends with the module's tests.

    ``helm=True`` for helm-controller too, ``gates`` as in ``Flux``.
    """
    with ExitStack() as stack:
        yield _starting(Flux, tmp_path_factory.mktemp("servers"), stack)


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server that all tests of the session share."""
    with ExitStack() as stack:
        yield _starting(ApiServer, tmp_path_factory.mktemp("servers"), stack)("shared")


@pytest.fixture(scope="session")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flux]:
    """A cluster with Flux, helm-controller among it, that all tests of the session share."""
    with ExitStack() as stack:
        yield _starting(Flux, tmp_path_factory.mktemp("servers"), stack)("shared", helm=True)
