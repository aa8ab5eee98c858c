"""docs/rbac.yaml on a real API server: enough for every command, and each right that is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROLES = {
    role["metadata"]["name"]: role
    for role in yaml.safe_load_all((Path(__file__).parent.parent.parent / "docs" / "rbac.yaml").read_text())
}
QUESTIONS = {
    "where": ("where", "configmap/lamp-config", "--live"),
    "status": ("status",),
    "orphans": ("orphans",),
    "drift": ("drift",),
}


@pytest.fixture(scope="module")
def person(prod, tmp_path_factory):
    """Gives the kubeconfig of somebody who has a role, and nothing else."""
    flux, _ = prod

    def made(name: str, role: dict) -> str:
        account = {"name": name, "namespace": "default"}
        named = {"name": name}
        flux.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        flux.apply({**role, "metadata": named})
        flux.apply(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": named,
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
                "subjects": [{"kind": "ServiceAccount", **account}],
            }
        )
        flux.api.until_granted(f"default:{name}", role["rules"])
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
        path = f"/api/v1/namespaces/default/serviceaccounts/{name}/token"
        token = flux.api.request("POST", path, request)["status"]["token"]
        return str(flux.api.kubeconfig_for(token, tmp_path_factory.mktemp(name) / "kubeconfig"))

    return made


def lost(said) -> set[tuple[str, str]]:
    """(what, trouble) of everything that an answer says it lacks."""
    found: set[tuple[str, str]] = set()

    def walk(value) -> None:
        if isinstance(value, dict):
            if {"what", "trouble"} <= value.keys():
                found.add((value["what"], value["trouble"]))
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    walk(said.json)
    return found


@pytest.mark.parametrize("question", QUESTIONS)
def test_with_the_role_nothing_is_missing(prod, person, ask, question):
    _, fleet = prod
    config = person(f"full-{question}", ROLES["fluxidx"])
    said = ask(fleet.root, *QUESTIONS[question], "--cluster", "prod", "--kubeconfig", config)
    assert said.code in {0, 1}
    assert lost(said) == set()


@pytest.mark.parametrize("question", QUESTIONS)
def test_without_secrets_the_rest_is_answered(prod, person, ask, question):
    _, fleet = prod
    role = ROLES["fluxidx-without-secrets"]
    gears = {"apiGroups": ["example.org"], "resources": ["*"], "verbs": ["get", "list"]}
    config = person(f"discreet-{question}", {**role, "rules": [*role["rules"], gears]})
    said = ask(fleet.root, *QUESTIONS[question], "--cluster", "prod", "--kubeconfig", config)
    assert said.code in {0, 1}
    missing = {what for what, trouble in lost(said) if trouble == "forbidden"}
    assert {what.partition(" ")[0] for what in missing} <= {"secrets"}


@pytest.mark.parametrize("question", QUESTIONS)
def test_somebody_who_may_see_nothing_is_told_what(prod, person, ask, question):
    _, fleet = prod
    config = person(f"nobody-{question}", {**ROLES["fluxidx"], "rules": []})
    said = ask(fleet.root, *QUESTIONS[question], "--cluster", "prod", "--kubeconfig", config)
    assert ("kustomizations.kustomize.toolkit.fluxcd.io", "forbidden") in lost(said)


def test_without_a_right_to_sources_the_unit_is_told_all_the_same(prod, person, ask):
    _, fleet = prod
    groups = ["kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io", ""]
    config = person(
        "units-only", {**ROLES["fluxidx"], "rules": [{"apiGroups": groups, "resources": ["*"], "verbs": ["*"]}]}
    )
    said = ask(fleet.root, "where", "ns/shop", "--live", "--cluster", "prod", "--kubeconfig", config)
    (match,) = [one for one in said.json["matches"] if one["live"]]
    assert match["live"]["unit"]["name"] == "apps"
    assert match["live"]["source"] is None
    assert "gitrepositories.source.toolkit.fluxcd.io" in {what for what, _ in lost(said)}
    assert "GitRepository flux-system/flux-system cannot be seen" in match["live"]["applied"]["reason"]


def test_the_roles_only_read():
    verbs = {verb for role in ROLES.values() for rule in role["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list"}
