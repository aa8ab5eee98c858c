"""The manifests of deploy/, asked of a real API server: accepted, restricted, and no right too many."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
JOINER, BUILDER = "fluxidx:fluxidx-live", "fluxidx:fluxidx"
ROLES = DEPLOY.parent / "docs" / "rbac.yaml"


def rendered(kustomize, *path):
    command = [kustomize, "build", str(DEPLOY.joinpath(*path))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def server(api_server, kustomize):
    """An API server with the namespace and the accounts, without which nothing else is accepted."""
    objects = [*rendered(kustomize), *rendered(kustomize, "live")]
    first = [one for one in objects if one["kind"] in {"Namespace", "ServiceAccount"}]
    api_server.apply([one for one in first if one["kind"] == "Namespace"])
    api_server.apply([one for one in first if one["kind"] == "ServiceAccount"])
    return api_server


@pytest.mark.parametrize("path", [(), ("sharded",), ("live",)])
def test_the_server_accepts_every_object(server, kustomize, path):
    server.apply(rendered(kustomize, *path), dry_run=True)


def pod_specs(kustomize):
    (cronjob,) = (one for one in rendered(kustomize) if one["kind"] == "CronJob")
    (job,) = (one for one in rendered(kustomize, "sharded") if one["kind"] == "Job")
    return [cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"], job["spec"]["template"]["spec"]]


def test_their_pods_pass_the_restricted_standard(server, kustomize):
    for number, spec in enumerate(pod_specs(kustomize)):
        metadata = {"name": f"pod-{number}", "namespace": "fluxidx"}
        server.apply([{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}], dry_run=True)


def test_the_number_of_shards_is_said_once(kustomize):
    (job,) = (one for one in rendered(kustomize, "sharded") if one["kind"] == "Job")
    (build,) = job["spec"]["template"]["spec"]["containers"]
    assert f"--shard=$(JOB_COMPLETION_INDEX)/{job['spec']['completions']}" in build["args"]


READ = [
    ("kustomize.toolkit.fluxcd.io", "kustomizations"),
    ("helm.toolkit.fluxcd.io", "helmreleases"),
    ("source.toolkit.fluxcd.io", "gitrepositories"),
    ("fluxcd.controlplane.io", "resourcesets"),
    ("", "namespaces"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("rbac.authorization.k8s.io", "clusterroles"),
]


def test_a_job_that_joins_with_the_cluster_may_read_and_nothing_else(server, kustomize):
    roles = list(yaml.safe_load_all(ROLES.read_text(encoding="utf-8")))
    objects = rendered(kustomize, "live")
    server.apply([*roles, *objects])
    (bound,) = (one["roleRef"]["name"] for one in objects if one["kind"] == "ClusterRoleBinding")
    (rules,) = (role["rules"] for role in roles if role["metadata"]["name"] == bound)
    server.until_granted(JOINER, rules)
    for group, resource in READ:
        assert server.may(JOINER, "list", group, resource), resource
        for verb in ("create", "update", "patch", "delete"):
            assert not server.may(JOINER, verb, group, resource), (verb, resource)
    for verb in ("get", "list", "watch", "create"):
        assert not server.may(JOINER, verb, "", "secrets")
    assert not server.may(JOINER, "create", "", "pods")
    assert not server.may(JOINER, "impersonate", "", "users")


def test_a_build_may_do_nothing(server):
    for group, resource in READ:
        assert not server.may(BUILDER, "list", group, resource), resource
