"""Values of Secrets that ``postBuild`` puts into a release come out nowhere."""

import pytest

from indexer.flux.config import Config
from indexer.flux.model import UnitState
from indexer.git.repository import Repository
from indexer.index.ensure import ensure_fresh
from indexer.manifest.scalars import to_data
from indexer.query.blame import blame
from indexer.query.names import parse as parse_name
from indexer.query.scope import Scope

pytest.importorskip("helm_python")

VARIABLES = """\
apiVersion: v1
kind: Secret
metadata: {name: vars, namespace: flux-system}
data: {TOKEN: aHVudGVyMg==}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  path: ./apps
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild: {substituteFrom: [{kind: Secret, name: vars}]}
"""
VALUES = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: values, namespace: apps}
data:
  values.yaml: |
    url: https://u:${TOKEN}@example.org
    replicas: 2
"""
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: made}
data:
  token: {{ .Values.token }}
  loud: {{ .Values.loud }}
  replicas: {{ .Values.replicas | quote }}
  url: {{ .Values.url }}
  part: {{ (urlParse .Values.url).userinfo }}
"""


@pytest.fixture
def fleet(fleet):
    fleet.chart(made=TEMPLATE)
    fleet.release("values: {token: '${TOKEN}', loud: '${TOKEN^^}'}\nvaluesFrom: [{kind: ConfigMap, name: values}]\n")
    (fleet.root / "apps").mkdir()
    (fleet.root / "clusters/prod/release.yaml").rename(fleet.root / "apps/release.yaml")
    fleet.write("apps/values.yaml", VALUES)
    fleet.write("clusters/prod/apps.yaml", VARIABLES)
    return fleet


def test_they_are_not_in_what_the_chart_makes(fleet):
    unit = fleet.unit()
    (obj,) = unit.objects
    assert unit.state is UnitState.RENDERED
    assert to_data(obj.tree)["data"] == {
        "token": "(redacted)",
        "loud": "(redacted)",
        "replicas": "2",
        "url": "(redacted)",
        "part": "(redacted)",
    }


def test_they_are_not_in_the_reason_of_a_chart_that_fails(fleet):
    fleet.write("charts/demo/templates/made.yaml", "{{ fail .Values.token }}")
    unit = fleet.unit()
    assert unit.state is UnitState.FAILED
    assert "hunter2" not in unit.reason
    assert unit.reason.endswith("what is wrong is not shown, as Secrets give some of its values")


def test_blame_shows_their_places_and_the_index_holds_none(fleet):
    for args in (("add", "-A"), ("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "x")):
        fleet.git(*args)
    repository = Repository.open(fleet.root)
    try:
        with ensure_fresh(repository, Config(), None) as index:
            scope = Scope.of(index, repository)
            told = blame(scope, parse_name(["helmrelease/web"]), repository, repository.worktree(), Config())
    finally:
        repository.close()
    (release,) = told.matches
    fields = {one.path: one for one in release.fields}
    token = fields["/spec/values/token"]
    assert (token.redacted, token.value, str(token.origin.span)) == (True, None, "apps/release.yaml:10:19")
    assert [one.supplied_by for one in token.substitutions] == ["Secret flux-system/vars TOKEN"]
    assert "hunter2" not in release.document.lower()
    stored = b"".join(path.read_bytes() for path in (repository.git_dir / "fluxidx").rglob("*") if path.is_file())
    assert b"hunter2" not in stored
    assert b"aHVudGVyMg" not in stored
