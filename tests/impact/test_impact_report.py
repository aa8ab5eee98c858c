"""The command: text, JSON by its schema, exit codes."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from changedfleet import Fleet

from indexer.cli.main import run


def schema() -> Any:
    return json.loads(files("indexer.report").joinpath("schema/impact.json").read_text())


def ask(fleet: Fleet, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = run(["impact", "--repo", str(fleet.root), *arguments])
    said = capsys.readouterr()
    assert said.err == ""
    return status, said.out


def asked(fleet: Fleet, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    answer = json.loads(ask(fleet, capsys, "-o", "json", *arguments)[1])
    jsonschema.validate(answer, schema())
    return answer


def test_text(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.edit("apps/base/api.yaml", "api:1.0", "api:1.1")
    fleet.edit("apps/base/service.yaml", "- port: 80", "- port: 80 # web")
    status, text = ask(fleet, capsys, "HEAD", "--gate", "none")
    sha = fleet.git("rev-parse", "HEAD")[:10]
    assert (
        text
        == f"""\
HEAD ({sha}) → working tree                         2 objects on 2 clusters

  apps/base/api.yaml:18  changes 2 objects on 2 clusters

clusters prod, test
  Kustomization flux-system/apps
    ~ Deployment shop/api                                  apps/base/api.yaml:18
      /spec/template/spec/containers/0/image
        example.org/api:1.0 → example.org/api:1.1

Changed lines without effect
  apps/base/service.yaml:8
    only the formatting changes: the data are the same
"""
    )
    assert status == 0


def test_nothing_changes(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    _, text = ask(fleet, capsys)
    assert text.startswith("main (")
    assert "nothing changes on any cluster" in text
    assert "compared from where this branch left the branch main" in text


def test_json(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.edit("apps/prod/kustomization.yaml", "token=first", "token=second")
    fleet.edit("clusters/test/apps.yaml", "./apps/test", "./apps/prod")
    fleet.move("tools/first.yaml", "tools/zeroth.yaml")
    answer = asked(fleet, capsys, "HEAD", "--diff")
    assert answer["base"] == {"name": "HEAD", "commit": fleet.git("rev-parse", "HEAD")}
    assert answer["head"] == {"name": "working tree", "commit": None}
    prod, test = answer["clusters"]
    assert [(one["object"]["name"], one["change"]) for one in prod["objects"]] == [("keys", "changed")]
    assert [(one["path"], one["before"], one["redacted"]) for one in prod["objects"][0]["fields"]] == [
        ("/data/token", None, True)
    ]
    assert [line for line in prod["objects"][0]["diff"] if line[0] in "+-"][2:] == [
        "-  token: (redacted)",
        "+  token: (redacted, another value)",
    ]
    assert "second" not in json.dumps(prod)
    assert [(one["change"], one["detail"]) for one in test["units"]] == [("re-pathed", "./apps/test → ./apps/prod")]
    assert test["units"][0]["cause"]["line"] == 7
    assert answer["summary"]["objects"] == {"added": 2, "removed": 0, "changed": 3, "moved": 0}


def test_a_failing_unit(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    fleet.edit("tools/first.yaml", "\ndata:", "\ndata: [")
    answer = asked(fleet, capsys, "HEAD")
    assert [(one["unit"]["name"], one["sides"], one["state"]) for one in answer["unrendered"]] == [
        ("tools", ["head"], "failed")
    ]
    status, text = ask(fleet, capsys, "HEAD")
    assert "the unit starts to fail" in text
    assert "tools/first.yaml:6" in text
    assert status == 1


def test_an_unknown_cluster_is_a_mistake(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["impact", "--repo", str(fleet.root), "HEAD", "--cluster", "nowhere"]) == 2
    assert "there is no cluster 'nowhere'" in capsys.readouterr().err


def test_a_cluster_that_the_change_adds_can_be_named(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    for path in [file.relative_to(fleet.root) for file in (fleet.root / "clusters/prod").rglob("*.yaml")]:
        text = (fleet.root / path).read_text()
        fleet.write(str(path).replace("prod", "third", 1), text.replace("clusters/prod", "clusters/third"))
    (cluster,) = asked(fleet, capsys, "HEAD", "--cluster", "third")["clusters"]
    assert (cluster["cluster"], cluster["change"]) == ("third", "added")


def test_what_is_kept_from_before_changes_no_answer(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    asked(fleet, capsys, "HEAD")
    fleet.edit("clusters/prod/settings.yaml", "prod.example.org", "shop.example.org")
    fleet.edit("apps/base/api.yaml", "replicas: 1", "replicas: 2")
    fleet.remove("tools/second.yaml")
    first = asked(fleet, capsys, "HEAD", "--diff")
    assert asked(fleet, capsys, "HEAD", "--diff") == first
    (fleet.root / ".git/fluxidx/cache.db").unlink()
    assert asked(fleet, capsys, "HEAD", "--diff") == first
