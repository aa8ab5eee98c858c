"""``where --live`` on a real cluster: the applied commit beside the branch, and what was changed by hand."""

from __future__ import annotations

import os
import subprocess

import pytest
from servers import ApiServer, Object
from servers.binaries import crds
from servers.livefleet import API, Fleet, make_fleet


@pytest.fixture
def clone(prod, tmp_path) -> Fleet:
    """A clone of its own, of what the cluster runs."""
    flux, _ = prod
    url = flux.git.url_of("fleet")
    subprocess.run(["git", "clone", "--quiet", url, str(tmp_path / "clone")], check=True)
    return Fleet(tmp_path / "clone")


@pytest.fixture
def where(prod, clone, ask):
    flux, _ = prod

    def asked(*words: str, output: str = "json"):
        return ask(clone.root, "where", *words, "--live", "--kubeconfig", str(flux.kubeconfig), output=output)

    return asked


def kubectl(flux, *words: str) -> None:
    subprocess.run(["kubectl", "--kubeconfig", str(flux.kubeconfig), *words], check=True, capture_output=True)


def reconcile(flux, commit: str) -> None:
    """Has Flux fetch the commit and try it, with whatever result."""
    asked = {"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": commit}}}
    source = ("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system", "flux-system")
    flux.api.patch(flux.api.get(*source), asked)

    def tried() -> bool:
        unit = flux.api.get("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps", "flux-system")
        ready = next(one for one in unit["status"]["conditions"] if one["type"] == "Ready")
        return unit["status"]["lastAttemptedRevision"].endswith(commit) and ready["status"] == "False"

    flux.api.until(tried)


def match_of(said):
    (only,) = [match for match in said.json["matches"] if match["live"]]
    return only


def test_the_line_of_the_applied_commit_where_the_branch_is_the_same(where, clone):
    said = where("deployment/api", "-n", "shop")
    match = match_of(said)
    assert said.code == 0
    assert match["cluster"] == "prod"
    assert match["definition"] | {"column": 1, "end_column": 1} == {
        "repository": None,
        "file": "apps/base/api.yaml",
        "document": 0,
        "line": 1,
        "column": 1,
        "end_line": 23,
        "end_column": 1,
    }
    assert match["live"]["applied"]["commit"] == clone.git("rev-parse", "HEAD")
    assert match["live"]["branch"]["change"] == "same"
    assert match["live"]["branch"]["ahead"] == 0
    assert match["live"]["disagreements"] == []
    assert match["live"]["fields"] == []
    (cluster,) = said.json["clusters"]
    assert (cluster["context"], cluster["cluster"], cluster["matched_by"]) == ("prod-admin", "prod", "cluster")


def test_a_definition_that_moved_on_the_branch(where, clone):
    clone.write("apps/base/api.yaml", "# The front door.\n" + API)
    clone.commit("Say what it is")
    live = match_of(where("deployment/api", "-n", "shop"))["live"]
    assert live["branch"]["change"] == "moved"
    assert live["branch"]["definition"]["line"] == 2
    assert (live["branch"]["ahead"], live["branch"]["behind"]) == (1, 0)


def test_a_definition_that_changed_on_the_branch_is_answered_as_it_was_applied(where, clone):
    before = clone.git("rev-parse", "HEAD")
    clone.write("apps/base/api.yaml", "\n" * 30 + API.replace("replicas: 2", "replicas: 9"))
    match = match_of(where("deployment/api", "-n", "shop"))
    assert match["definition"]["line"] == 1
    assert match["revision"] == f"sha1:{before}"
    assert match["live"]["branch"]["change"] == "changed"
    assert match["live"]["branch"]["definition"]["line"] == 31


def test_a_definition_that_is_gone_from_the_branch(where, clone):
    clone.write("apps/base/kustomization.yaml", "resources: [namespace.yaml, gear.yaml, settings.yaml]\n")
    clone.commit("Drop the api")
    match = match_of(where("deployment/api", "-n", "shop"))
    assert match["definition"]["file"] == "apps/base/api.yaml"
    assert match["live"]["branch"]["change"] == "deleted"
    assert match["live"]["branch"]["definition"] is None


def test_what_the_branch_adds_is_not_in_the_cluster_yet(where, clone):
    clone.write(
        "apps/base/gear.yaml", (clone.root / "apps/base/gear.yaml").read_text().replace("name: big", "name: new")
    )
    clone.commit("Another gear")
    said = where("gear/new", "-n", "shop")
    (match,) = [one for one in said.json["matches"] if one["cluster"] == "prod"]
    assert match["definition"]["file"] == "apps/base/gear.yaml"
    assert match["live"]["exists"] is False
    assert match["live"]["branch"]["change"] == "added"


def test_a_pod_is_answered_by_the_lines_of_what_owns_it(where):
    match = match_of(where("pod/api-5f7-x2x", "-n", "shop"))
    assert match["object"]["kind"] == "Deployment"
    assert match["definition"]["file"] == "apps/base/api.yaml"
    assert match["live"]["object"]["kind"] == "Pod"
    assert [owner["kind"] for owner in match["live"]["owners"]] == ["ReplicaSet", "Deployment"]


def test_an_object_of_a_release_leads_to_the_template_and_to_the_commit_that_applied_the_release(where, clone):
    match = match_of(where("configmap/lamp-config"))
    live = match["live"]
    assert match["definition"]["file"] == "charts/lamp/templates/config.yaml"
    assert live["applied"]["commit"] == clone.git("rev-parse", "HEAD")
    assert live["applied"]["unit"] == {"kind": "Kustomization", "namespace": "flux-system", "name": "flux-system"}
    assert live["release"] == {"name": "lamp", "namespace": "flux-system", "number": 1, "status": "deployed"}
    assert {mark["kind"] for mark in live["marks"]} == {"inventory", "labels", "helm"}


def test_who_wrote_a_field_that_differs(prod, where):
    flux, _ = prod
    kubectl(flux, "-n", "shop", "set", "env", "deployment/api", "MODE=wild")
    try:
        live = match_of(where("deployment/api", "-n", "shop"))["live"]
    finally:
        kubectl(flux, "-n", "shop", "set", "env", "deployment/api", "MODE=safe")
    (field,) = live["fields"]
    assert field["path"] == "/spec/template/spec/containers/0/env/0/value"
    assert (field["git"], field["live"], field["missing"]) == ("safe", "wild", False)
    assert (field["span"]["file"], field["span"]["line"]) == ("apps/base/api.yaml", 21)
    assert field["writers"][0]["manager"] == "kubectl-set"
    assert field["writers"][0]["time"] is not None


def test_marks_that_contradict_each_other_are_both_shown(prod, where):
    flux, _ = prod
    label = "kustomize.toolkit.fluxcd.io/name"
    kubectl(flux, "-n", "shop", "label", "--overwrite", "configmap/settings", f"{label}=flux-system")
    try:
        live = match_of(where("configmap/settings", "-n", "shop"))["live"]
    finally:
        kubectl(flux, "-n", "shop", "label", "--overwrite", "configmap/settings", f"{label}=apps")
    assert live["unit"]["name"] == "apps"
    assert live["disagreements"] == [
        "Kustomization flux-system/apps controls it, and its labels name Kustomization flux-system/flux-system"
    ]


def test_a_unit_whose_path_was_changed_by_hand_is_said_to_be(prod, where):
    flux, _ = prod
    unit = {"name": "apps", "namespace": "flux-system"}
    apps = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": unit}
    flux.api.patch(apps, {"spec": {"path": "./elsewhere", "suspend": True}})
    try:
        live = match_of(where("configmap/settings", "-n", "shop"))["live"]
    finally:
        flux.api.patch(apps, {"spec": {"path": "./apps/base", "suspend": False}})
        flux.settle()
    assert live["unit"]["suspended"] is True
    assert live["disagreements"] == [
        "the path of Kustomization flux-system/apps is ./elsewhere in the cluster, and by the code it is ./apps/base"
    ]


def test_nothing_of_a_secret_is_told(prod, where):
    flux, _ = prod
    flux.api.patch(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "door", "namespace": "shop"}},
        {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"stringData":"hush"}'}}},
    )
    said = where("secret/door", "-n", "shop")
    assert match_of(said)["live"]["exists"]
    assert "open-sesame" not in said.out
    assert "hush" not in said.out
    assert "open-sesame" not in where("secret/door", "-n", "shop", output="text").out


def test_a_commit_that_this_clone_lacks_is_named_with_the_fetch_that_brings_it(prod, where, tmp_path):
    flux, _ = prod
    subprocess.run(["git", "clone", "--quiet", flux.git.url_of("fleet"), str(tmp_path / "other")], check=True)
    other = Fleet(tmp_path / "other")
    other.write("apps/base/api.yaml", API.replace("example.org/api:1.0", "example.org/api:1.1"))
    commit = other.commit("A newer api")
    flux.publish(other.root, "fleet")
    flux.settle()
    match = match_of(where("deployment/api", "-n", "shop"))
    assert match["definition"]["file"] == "apps/base/api.yaml"
    applied = match["live"]["applied"]
    assert applied["commit"] is None
    assert applied["revision"] == f"main@sha1:{commit}"
    assert applied["reason"] == f"commit {commit[:10]} is not in this clone: git fetch origin main"
    assert match["live"]["branch"] is None


def test_a_newer_revision_that_failed_is_told_with_the_reason(prod, where, clone):
    flux, _ = prod
    applied = clone.git("rev-parse", "HEAD")
    clone.write("apps/base/kustomization.yaml", "resources: [namespace.yaml, api.yaml, nowhere.yaml]\n")
    broken = clone.commit("Break it")
    flux.publish(clone.root, "fleet")
    reconcile(flux, broken)
    try:
        match = match_of(where("deployment/api", "-n", "shop"))
    finally:
        clone.git("revert", "--no-edit", "HEAD")
        flux.publish(clone.root, "fleet")
        flux.settle()
    live = match["live"]
    assert live["applied"]["commit"] == applied
    assert live["unit"]["attempted_revision"] == f"main@sha1:{broken}"
    assert live["applied"]["failure"].startswith(f"main@sha1:{broken} failed: BuildFailed: ")
    assert "nowhere.yaml" in live["applied"]["failure"]
    assert match["definition"]["line"] == 1


def test_where_no_index_may_be_built_the_branch_is_answered_for(where, clone, ask):
    applied = clone.git("rev-parse", "HEAD")
    clone.write("apps/base/api.yaml", "# Moved.\n" + API)
    clone.commit("Move it")
    ask(clone.root, "build")
    match = match_of(where("deployment/api", "-n", "shop", "--no-build"))
    assert match["definition"]["line"] == 2
    assert match["live"]["managed"] is True
    assert f"not {applied}: run `fluxidx build --rev {applied}`" in match["live"]["applied"]["reason"]


def test_an_answer_from_the_snapshot_needs_no_cluster_and_has_an_age(ask, where, clone):
    where("deployment/api", "-n", "shop")
    cached = ask(clone.root, "where", "deployment/api", "-n", "shop", "--live=cached", "--kubeconfig", os.devnull)
    match = match_of(cached)
    assert match["live"]["managed"] is True
    assert match["live"]["unit"]["name"] == "apps"
    assert match["definition"]["line"] == 1
    (lost,) = match["live"]["unreadable"]
    assert lost["trouble"] == "not kept"
    never = ask(clone.root, "where", "configmap/by-hand", "-n", "shop", "--live=cached")
    assert never.code == 1


def test_snapshots_are_in_the_index_for_everybody(ask, where, clone):
    where("deployment/api", "-n", "shop")
    said = ask(clone.root, "sql", "select context, kind, name from live_objects")
    assert {"context": "prod-admin", "kind": "Deployment", "name": "api"} in said.json
    units = ask(clone.root, "sql", "select name, ready from live_units order by name")
    assert {"name": "apps", "ready": "True"} in units.json


def test_a_cluster_that_the_repository_does_not_deploy_to_is_said_to_be_none_of_it(prod, ask, tmp_path):
    flux, _ = prod
    stranger = make_fleet(tmp_path / "stranger", "https://git.example.org/other.git", "elsewhere")
    said = ask(stranger.root, "where", "deployment/api", "--live", "--kubeconfig", str(flux.kubeconfig))
    (cluster,) = said.json["clusters"]
    assert cluster["cluster"] is None
    (mismatch,) = cluster["mismatches"]
    assert mismatch == (
        "it is not elsewhere: the path of its Kustomization flux-system/flux-system is ./clusters/prod, "
        "not ./clusters/elsewhere"
    )
    (only,) = said.json["live_only"]
    assert only["unit"]["name"] == "apps"


def test_a_match_made_by_hand_holds_and_is_contradicted(prod, ask, clone):
    flux, _ = prod
    words = ("where", "deployment/api", "--live", "--kubeconfig", str(flux.kubeconfig), "--cluster", "staging")
    (cluster,) = ask(clone.root, *words).json["clusters"]
    assert (cluster["cluster"], cluster["matched_by"]) == ("staging", "hand")
    assert "./clusters/prod, not ./clusters/staging" in cluster["mismatches"][0]


def test_the_configuration_names_the_context(prod, ask, clone):
    flux, _ = prod
    (clone.root / ".fluxidx.toml").write_text('[[cluster]]\nname = "prod"\ncontext = "prod-admin"\n')
    (cluster,) = ask(clone.root, "where", "deployment/api", "--live", "--kubeconfig", str(flux.kubeconfig)).json[
        "clusters"
    ]
    assert (cluster["cluster"], cluster["matched_by"], cluster["mismatches"]) == ("prod", "config", [])


def test_the_text_says_it_for_a_person(where):
    text = where("pod/api-5f7-x2x", "-n", "shop", output="text").out
    assert "made by      Deployment shop/api" in text
    assert "defined      apps/base/api.yaml:1-23" in text
    assert "live         managed by Kustomization flux-system/apps" in text
    assert "branch       the same on the branch" in text


def test_two_clusters_are_asked_at_once(prod, start_api_server, ask, clone, monkeypatch):
    flux, _ = prod
    second = start_api_server("staging-admin")
    deployed_by_hand(second, "staging", flux.git.url_of("fleet"), clone.git("rev-parse", "HEAD"))
    monkeypatch.setenv("KUBECONFIG", f"{flux.kubeconfig}{os.pathsep}{second.kubeconfig}")
    said = ask(clone.root, "where", "configmap/settings", "-n", "shop", "--live", "--all-contexts")
    assert {(one["context"], one["cluster"]) for one in said.json["clusters"]} == {
        ("prod-admin", "prod"),
        ("staging-admin", "staging"),
    }
    assert {(one["cluster"], one["live"]["context"]) for one in said.json["matches"]} == {
        ("prod", "prod-admin"),
        ("staging", "staging-admin"),
    }
    narrowed = ask(clone.root, "where", "configmap/settings", "--live", "--context", "staging-admin")
    assert {one["cluster"]: bool(one["live"]) for one in narrowed.json["matches"]} == {"prod": False, "staging": True}


def deployed_by_hand(api: ApiServer, cluster: str, url: str, commit: str) -> None:
    """What Flux would have made of a cluster, on an API server without it."""
    for controller in ("source-controller", "kustomize-controller"):
        for path in crds(controller):
            api.apply(path.read_text())
    revision = {"lastAppliedRevision": f"main@sha1:{commit}", "lastAttemptedRevision": f"main@sha1:{commit}"}
    labels = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    for name in ("flux-system", "shop"):
        api.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])
    settings = {"name": "settings", "namespace": "shop", "labels": labels}
    source = {"url": url, "interval": "1m", "ref": {"branch": "main"}}
    domain = f"{cluster}.example.org"
    api.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": settings,
                "data": {"domain": domain},
            },
            flux_object("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system", source),
        ]
    )
    for name, path in (("flux-system", f"./clusters/{cluster}"), ("apps", "./apps/base")):
        reference = {"kind": "GitRepository", "name": "flux-system"}
        spec = {"path": path, "interval": "10m", "prune": True, "sourceRef": reference}
        unit = flux_object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, spec)
        api.apply([unit])
        api.patch(unit, {"status": revision}, "status")


def flux_object(version: str, kind: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "namespace": "flux-system"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
