import json
from importlib.resources import files

import jsonschema
import pytest

from indexer.flux.model import ObjectId, UnitId
from indexer.manifest.node import Role, Source, Span
from indexer.query.blame import Blame, Blamed, Field, Origin, Past
from indexer.report import json_blame, text_blame
from indexer.report.terminal import Terminal

SCHEMA = json.loads(files("indexer.report").joinpath("schema/blame.json").read_text())


def test_json_fits_its_schema_and_has_every_leaf(fleet) -> None:
    done = fleet.run("blame", "cm/bar/api", "-o", "json", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    jsonschema.validate(data, SCHEMA)
    assert data["object"] == {"group": "", "version": "v1", "kind": "ConfigMap", "namespace": "bar", "name": "api"}
    assert (data["cluster"], data["unit"]["name"], data["others"]) == ("a-flux-cluster", "apps", [])
    assert {one["path"]: one["value"] for one in data["fields"]} == {
        "/apiVersion": "v1",
        "/data/env": "staging",
        "/data/mode": "fast",
        "/kind": "ConfigMap",
        "/metadata/name": "api",
        "/metadata/namespace": "bar",
    }
    (mode,) = [one for one in data["fields"] if one["path"] == "/data/mode"]
    assert (mode["origin"]["role"], mode["origin"]["span"]["file"]) == ("patches", "flux/apps/staging/patch.yaml")
    assert [(past["value"], past["span"]["line"]) for past in mode["overrode"]] == [("safe", 7)]


def test_text_is_the_document_with_a_line_beside_each_line(fleet) -> None:
    done = fleet.run("blame", "cm/api", "-n", "bar", "-q")
    assert done.stdout == (
        "ConfigMap bar/api         Kustomization/flux-system/apps  cluster a-flux-cluster\n"
        "apiVersion: v1    flux/apps/base/api.yaml:1\n"
        "data:\n"
        "  env: staging    flux/apps/base/api.yaml:8\n"
        "                  clusters/a-flux-cluster/apps.yaml:15  ${ENV} inline\n"
        "  mode: fast      flux/apps/staging/patch.yaml:7  patch\n"
        "                  was safe  flux/apps/base/api.yaml:7\n"
        "kind: ConfigMap   flux/apps/base/api.yaml:2\n"
        "metadata:\n"
        "  name: api       flux/apps/base/api.yaml:4\n"
        "  namespace: bar  flux/apps/base/api.yaml:5\n"
    )


def test_a_field_is_explained_at_length(fleet) -> None:
    head = fleet.git("rev-parse", "HEAD")[:10]
    date = fleet.git("log", "-1", "--format=%as")
    done = fleet.run("blame", "cm/api", "--field", "/data/mode", "-q")
    assert done.stdout == (
        "ConfigMap bar/api         Kustomization/flux-system/apps  cluster a-flux-cluster\n"
        "\n"
        "/data/mode\n"
        "  value        fast\n"
        "  set by       flux/apps/staging/patch.yaml:7          strategic merge patch\n"
        "               flux/apps/staging/kustomization.yaml:5  calls it\n"
        f'  last commit  {head}  Ada Example, {date}  "Add bar"\n'
        "  overrode     safe\n"
        "  set by       flux/apps/base/api.yaml:7  resource\n"
        f'  last commit  {head}  Ada Example, {date}  "Add bar"\n'
    )


def test_no_such_object_and_no_such_field_are_findings(fleet) -> None:
    assert fleet.run("blame", "cm/nothing", "-q").returncode == 1
    done = fleet.run("blame", "cm/api", "--field", "/data/mod", "-q")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean /data/mode?" in done.stderr


def at(file: str, line: int, last: int | None = None) -> Span:
    return Span(Source(None, file), line, 1, last or line, 9)


FILE = "infrastructure/controllers/overlays/production/api.yaml"
ANSWER = Blame(
    "deploy/api",
    None,
    (
        Blamed(
            "prod",
            UnitId("Kustomization", "flux-system", "apps"),
            ObjectId("apps", "v1", "Deployment", "shop", "api"),
            at(FILE, 1, 9),
            (
                Field(
                    "/spec/replicas",
                    3,
                    redacted=False,
                    origin=Origin(Role.PATCHES, "strategic merge patch", at(FILE, 7)),
                    overrode=(Past(1, False, Origin(Role.DEFINES, "resource", at(FILE, 5))),),  # noqa: FBT003
                ),
                Field(
                    "/spec/paused",
                    None,
                    redacted=False,
                    origin=Origin(Role.PATCHES, "JSON 6902 patch", at(FILE, 8)),
                    overrode=(Past(True, False, None),),  # noqa: FBT003
                    removed=True,
                ),
            ),
            "spec:\n  replicas: 3\n",
        ),
    ),
)


@pytest.mark.parametrize("width", [80, 160])
def test_text_fits_the_terminal(width: int) -> None:
    lines = text_blame.render(ANSWER, Terminal(width=width), None).split("\n")
    assert max(map(len, lines)) <= width
    assert any(f"{FILE}:7" in line for line in lines)


def test_on_a_terminal_what_lost_is_struck_through() -> None:
    text = text_blame.render(ANSWER, Terminal(colour=True, width=160), None)
    assert "\x1b[9m1\x1b[0m" in text
    assert "\x1b[9m  paused\x1b[0m" in text
    assert "was 1" not in text


def test_elsewhere_it_is_said_in_words() -> None:
    text = text_blame.render(ANSWER, Terminal(width=160), None)
    assert f"was 1  {FILE}:5" in text
    assert f"  # paused     {FILE}:8  removed by JSON patch\n" in text


def test_an_origin_that_is_not_known_is_null() -> None:
    data = json_blame.blame(ANSWER)
    jsonschema.validate(data, SCHEMA)
    assert data["fields"][1]["overrode"][0]["span"] is None
