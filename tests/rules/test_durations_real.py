"""What the rule invalid-duration says, against a real API server with the schemas of Flux."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from rules_fleet import base, of_rule
from servers import ApiServer, Refused
from servers.binaries import crds

SPECS = {
    "kustomize.toolkit.fluxcd.io/v1 Kustomization": "{prune: true, sourceRef: {kind: GitRepository, name: a}}",
    "helm.toolkit.fluxcd.io/v2 HelmRelease": "{chartRef: {kind: OCIRepository, name: a}}",
    "source.toolkit.fluxcd.io/v1 GitRepository": "{url: 'https://git.example.org/a'}",
    "source.toolkit.fluxcd.io/v1 OCIRepository": "{url: 'oci://images.example.org/a'}",
    "source.toolkit.fluxcd.io/v1 HelmRepository": "{url: 'https://charts.example.org'}",
    "source.toolkit.fluxcd.io/v1 Bucket": "{bucketName: a, endpoint: example.org}",
}
RETRY = {"strategy": {"name": "RetryOnFailure", "retryInterval": "VALUE"}}
FIELDS = {
    "Kustomization": [{"retryInterval": "VALUE"}],
    "HelmRelease": [
        *({action: {"timeout": "VALUE"}} for action in ("install", "upgrade", "test", "rollback", "uninstall")),
        {"install": RETRY},
        {"upgrade": RETRY},
    ],
}
VALUES = ["10m", "1h30m", "1.5h", "300ms", "90s", "1d", "30m-x", "10", 10, "", "-1m", "1.m", " 1m", "1us"]
CASES = [
    (kind, more, value)
    for kind in SPECS
    for more in ({"interval": "VALUE"}, {"timeout": "VALUE"}, *FIELDS.get(kind.split()[1], ()))
    for value in VALUES
]


def with_value(node: Any, value: Any) -> Any:
    if isinstance(node, dict):
        return {key: with_value(below, value) for key, below in node.items()}
    return value if node == "VALUE" else node


@pytest.fixture(scope="module")
def server(start_api_server: Any) -> ApiServer:
    server: ApiServer = start_api_server()
    for controller in ("kustomize-controller", "helm-controller", "source-controller"):
        for path in crds(controller):
            server.apply(path.read_text())
    return server


def is_refused(server: ApiServer, body: dict[str, Any]) -> bool:
    try:
        server.apply([body], dry_run=True)
    except Refused as why:
        if why.status not in (422, 500):  # 500: another type than the schema's
            raise
        return True
    return False


def test_the_rule_and_the_schemas_agree(repo, server):
    bodies = {}
    for number, (kind, more, value) in enumerate(CASES):
        version, name = kind.split()
        bodies[f"apps/{number}.yaml"] = {
            "apiVersion": version,
            "kind": name,
            "metadata": {"name": f"case-{number}", "namespace": "default"},
            "spec": {**yaml.safe_load(SPECS[kind]), "interval": "1m", **with_value(more, value)},
        }
    files = base(**{name.removeprefix("apps/"): yaml.safe_dump(body) for name, body in bodies.items()})
    found = {one.split()[2].split(":")[0] for one in of_rule("invalid-duration", repo.check(files))}
    assert sorted(found) == sorted(name for name, body in bodies.items() if is_refused(server, body))
    assert 0 < len(found) < len(bodies)
