"""A real cluster with Flux that runs the fleet of ``livefleet``, and the program as a person would ask it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from servers import Flux
from servers.livefleet import Fleet, deploy, make_fleet

from indexer.cli.main import run

SCHEMAS = Path(__file__).parent.parent.parent / "indexer" / "report" / "schema"


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def live(self) -> dict[str, Any]:
        """``live`` of the only object that a cluster was asked about, whether code defines it or not."""
        (only,) = [match["live"] for match in self.json["matches"] if match["live"]] + self.json["live_only"]
        return only


Ask = Callable[..., Said]


@pytest.fixture(scope="module")
def prod(start_flux: Callable[..., Flux], tmp_path_factory: pytest.TempPathFactory) -> tuple[Flux, Fleet]:
    """A cluster whose context is prod-admin and that runs clusters/prod, and the clone."""
    flux = start_flux("prod-admin", helm=True)
    fleet = make_fleet(tmp_path_factory.mktemp("clone") / "fleet", flux.git.url_of("fleet"), "prod", "staging")
    deploy(flux, fleet, "prod")
    return flux, fleet


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs the program on a repository; an answer in JSON is held against its schema."""

    def asked(repository: Path, *words: str, output: str = "json") -> Said:
        capsys.readouterr()
        code = run([words[0], "--repo", str(repository), "-o", output, *words[1:]])
        said = Said(code, *capsys.readouterr())
        schema = SCHEMAS / f"{words[0]}.json"
        if output == "json" and said.out and words[0] != "sql":
            jsonschema.validate(said.json, json.loads(schema.read_text()))
        return said

    return asked


@pytest.fixture(autouse=True)
def _no_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests ask no cluster but their own."""
    monkeypatch.setenv("KUBECONFIG", os.devnull)
