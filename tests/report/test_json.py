import json
from importlib.resources import files

import jsonschema
import pytest

from indexer.flux.model import ObjectId, UnitId
from indexer.manifest.node import Role, Source, Span
from indexer.query.answers import Deployed, File, Link, Match, What, Where
from indexer.report import json as report

UNIT = UnitId("Kustomization", "flux-system", "apps")
BAR = ObjectId("", "v1", "Namespace", None, "bar")
SPAN = Span(Source(None, "a.yaml", 1), 3, 1, 6, 9)
BARE = Match("prod", UNIT, BAR, Role.DEFINES, None, (), (), (Link(UNIT, None, None),), None, "sha1:x", None, None, ())


def validate(name: str, answer: object) -> None:
    schema = json.loads(files("indexer.report").joinpath(f"schema/{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(report.dumps(answer)), schema)


def test_every_key_is_there_even_when_null() -> None:
    answer = report.where(Where("ns/bar", (BARE,)))
    validate("where", answer)
    (match,) = answer["matches"]
    assert match == {
        "cluster": "prod",
        "applied_by": None,
        "unit": {"kind": "Kustomization", "namespace": "flux-system", "name": "apps"},
        "object": {"group": "", "version": "v1", "kind": "Namespace", "namespace": None, "name": "bar"},
        "definition": None,
        "contributions": [],
        "substitutions": [],
        "chain": [
            {
                "unit": {"kind": "Kustomization", "namespace": "flux-system", "name": "apps"},
                "definition": None,
                "path": None,
            }
        ],
        "source": None,
        "revision": "sha1:x",
        "commit": None,
        "link": None,
        "live": None,
        "unresolved": [],
    }


def test_a_file_says_what_it_deploys_or_why_not() -> None:
    row = Deployed("prod", UNIT, BAR, Role.PATCHES, "strategic merge patch", SPAN, ("/metadata/labels",))
    answer = report.what(What(("a.yaml:3-6",), (File("a.yaml", (3, 6), (row,), None), File("b", None, (), "why"))))
    validate("what", answer)
    assert answer["files"][0]["lines"] == [3, 6]
    assert answer["files"][0]["deploys"][0]["span"] == {
        "repository": None, "file": "a.yaml", "document": 1, "line": 3, "column": 1, "end_line": 6, "end_column": 9,
    }  # fmt: skip
    assert answer["files"][1] == {"file": "b", "lines": None, "deploys": [], "reason": "why"}


@pytest.mark.parametrize("name", ["where", "what"])
def test_a_schema_refuses_what_lacks_a_key(name) -> None:
    with pytest.raises(jsonschema.ValidationError, match="'schema' is a required property"):
        validate(name, {})
