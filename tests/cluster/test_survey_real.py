"""``status``, ``orphans`` and ``drift`` on a real API server with the real Flux controllers.

One cluster for all tests of this module: each test changes something, asks, and puts it back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from servers import Flux

ROOT = Path(__file__).parents[2]

KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}, namespace: flux-system}}
spec:
  interval: 24h
  path: ./{path}
  prune: {prune}
  sourceRef: {{kind: GitRepository, name: flux-system}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - name: api
        image: example.org/api:1.0
        resources: {requests: {cpu: 1000m}}
        ports: [{containerPort: 80}]
      - name: sidecar
        image: example.org/sidecar:1.0
"""


def config_map(name: str, namespace: str = "shop", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


@dataclass(frozen=True)
class Live:
    """A repository, and the cluster that runs it."""

    flux: Flux
    root: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.root), *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", ".")
        self.git("commit", "-qm", message)

    def deploy(self) -> None:
        self.flux.publish(self.root, "fleet")
        self.flux.settle()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "indexer", *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT), "KUBECONFIG": str(self.flux.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )

    def ask(self, command: str, *arguments: str, code: int = 1) -> dict[str, Any]:
        """The one cluster's answer, checked against the schema of the command."""
        done = self.run(command, *arguments, "-o", "json", "-q")
        assert (done.returncode, done.stderr) == (code, ""), done.stdout + done.stderr
        answer = json.loads(done.stdout)
        schema = json.loads(files("indexer.report").joinpath(f"schema/{command}.json").read_text())
        jsonschema.validate(answer, schema)
        (cluster,) = answer["clusters"]
        assert cluster["cluster"] == "prod"
        assert cluster["mismatches"] == []
        return cluster

    def standing(self, unit: str, code: int = 1) -> dict[str, Any]:
        (found,) = [one for one in self.ask("status", code=code)["units"] if one["unit"]["name"] == unit]
        return found

    @contextmanager
    def changed(self, path: str, text: str | None) -> Iterator[None]:
        """A commit that Flux has not seen, taken back afterwards. None deletes the file."""
        head = self.git("rev-parse", "HEAD")
        if text is None:
            (self.root / path).unlink()
        else:
            (self.root / path).write_text(text)
        self.commit(f"Change {path}")
        try:
            yield
        finally:
            self.git("reset", "-q", "--hard", head)


@pytest.fixture(scope="module")
def live(start_flux, tmp_path_factory) -> Live:
    flux = start_flux("prod")
    root = tmp_path_factory.mktemp("fleet")
    url = flux.git.url_of("fleet")
    contents = {
        "clusters/prod/flux-system/gotk-sync.yaml": f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: flux-system, namespace: flux-system}}
spec:
  interval: 24h
  ref: {{branch: main}}
  url: {url}
---
{KUSTOMIZATION.format(name="flux-system", path="clusters/prod", prune="true")}""",
        "clusters/prod/flux-system/kustomization.yaml": "resources: [gotk-sync.yaml]\n",
        "clusters/prod/apps.yaml": KUSTOMIZATION.format(name="apps", path="apps", prune="true"),
        "clusters/prod/kept.yaml": KUSTOMIZATION.format(name="kept", path="kept", prune="false"),
        "clusters/prod/broken.yaml": KUSTOMIZATION.format(name="broken", path="broken", prune="true"),
        "clusters/prod/paused.yaml": KUSTOMIZATION.format(name="paused", path="paused", prune="true")
        + "  suspend: true\n",
        "apps/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n",
        "apps/api.yaml": DEPLOYMENT,
        "apps/secret.yaml": (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: password, namespace: shop}\nstringData: {word: hunter2}\n"
        ),
        "kept/one.yaml": json.dumps(config_map("kept-one", "default", a="1")),
        "kept/two.yaml": json.dumps(config_map("kept-two", "default", a="1")),
        "broken/service.yaml": (
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: default\nspec:\n"
            "  ports:\n  - port: 99999\n"
        ),
        "paused/one.yaml": json.dumps(config_map("paused-one", "default", a="1")),
    }
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    live = Live(flux, root)
    live.git("init", "-q", "-b", "main")
    live.git("remote", "add", "origin", url)
    live.commit("The fleet")
    flux.publish(root, "fleet")
    flux.bootstrap(url, "./clusters/prod")
    flux.settle()
    # What a person leaves behind in a cluster.
    flux.api.apply([config_map("by-hand", a="1"), {**config_map("excused"), "data": {}}])
    (root / "kept/two.yaml").unlink()
    live.commit("Two goes, and stays in the cluster")
    live.deploy()
    return live


def test_each_unit_says_where_it_stands(live) -> None:
    standings = {one["unit"]["name"]: one["standing"] for one in live.ask("status")["units"]}
    assert standings == {
        "apps": "in sync",
        "broken": "failed",
        "flux-system": "in sync",
        "kept": "in sync",
        "paused": "suspended",
    }


def test_a_failure_leads_to_the_line(live) -> None:
    broken = live.standing("broken")
    assert "99999" in broken["message"]
    (place,) = broken["places"]
    assert place["what"].startswith("Service/default/web")
    assert place["span"]["file"] == "broken/service.yaml"


def test_a_cluster_that_has_not_seen_a_commit_is_behind(live) -> None:
    with live.changed("apps/api.yaml", DEPLOYMENT.replace("replicas: 2", "replicas: 3")):
        apps, kept = live.standing("apps"), live.standing("kept")
    assert (apps["standing"], apps["commits"], apps["touched"]) == ("behind", 1, True)
    assert (kept["standing"], kept["commits"], kept["touched"]) == ("behind", 1, False)


def test_a_clone_that_is_older_than_the_cluster_is_no_finding_of_the_cluster(live) -> None:
    head = live.git("rev-parse", "HEAD")
    live.git("reset", "-q", "--hard", "HEAD~1")
    try:
        kept = live.standing("kept")
    finally:
        live.git("reset", "-q", "--hard", head)
    assert (kept["standing"], kept["commits"]) == ("ahead", 1)
    assert "git pull" in kept["message"]


def test_units_that_are_only_on_one_side_are_told(live) -> None:
    with live.changed("clusters/prod/more.yaml", KUSTOMIZATION.format(name="more", path="kept", prune="true")):
        assert live.standing("more")["standing"] == "not deployed"
    with live.changed("clusters/prod/kept.yaml", None):
        assert live.standing("kept")["standing"] == "no longer defined"


def test_the_text_names_what_is_wrong_and_where(live) -> None:
    done = live.run("status", "-q")
    assert done.returncode == 1
    assert "broken/service.yaml:" in done.stdout
    assert "Kustomization flux-system/paused  suspended" in done.stdout
    assert "flux-system/apps" not in done.stdout


def names(found: list[dict[str, Any]]) -> set[str]:
    return {f"{one['object']['kind']}/{one['object']['name']}" for one in found}


def test_what_no_code_defines_is_told_with_the_reason(live) -> None:
    answer = live.ask("orphans")
    reasons = {one["object"]["name"]: one["why"] for one in answer["orphans"] if one["object"]["kind"] == "ConfigMap"}
    assert reasons["by-hand"] == "defined by no code"
    assert reasons["kept-two"].startswith("left over")
    assert "kube-root-ca.crt" not in reasons
    assert names(answer["missing"]) == {"Service/web", "ConfigMap/paused-one"}
    service = next(one for one in answer["missing"] if one["object"]["name"] == "web")
    assert service["definition"]["file"] == "broken/service.yaml"
    assert "not ready" in service["reason"]


def test_an_object_whose_kustomization_is_gone_is_told(live) -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "gone", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    widow = config_map("widow")
    widow["metadata"]["labels"] = labels
    live.flux.api.apply([widow])
    try:
        (found,) = [one for one in live.ask("orphans")["orphans"] if one["object"]["name"] == "widow"]
    finally:
        live.flux.api.delete(widow)
    assert found["why"] == "its unit is gone"
    assert found["unit"] == {"kind": "Kustomization", "namespace": "flux-system", "name": "gone"}


def test_a_release_that_was_installed_by_hand_is_told(live) -> None:
    installed = config_map("chart-config")
    installed["metadata"]["annotations"] = {
        "meta.helm.sh/release-name": "grafana",
        "meta.helm.sh/release-namespace": "shop",
    }
    live.flux.api.apply([installed])
    try:
        (found,) = [one for one in live.ask("orphans")["orphans"] if one["object"]["name"] == "chart-config"]
    finally:
        live.flux.api.delete(installed)
    assert (found["why"], found["detail"]) == ("installed with Helm by hand", "Helm release shop/grafana")


def test_the_configuration_excuses_objects_and_explain_says_so(live) -> None:
    (live.root / ".fluxidx.toml").write_text('[orphans]\nexclude = ["ConfigMap/*/exc*"]\n')
    try:
        answer = live.ask("orphans", "--explain")
    finally:
        (live.root / ".fluxidx.toml").unlink()
    assert "ConfigMap/excused" not in names(answer["orphans"])
    explained = {f"{one['object']['kind']}/{one['object']['name']}": one["rule"] for one in answer["explained"]}
    assert explained["ConfigMap/excused"] == "excluded"
    assert explained["Service/kubernetes"] == "api-service"
    assert explained["Namespace/default"] == "system-namespace"
    assert answer["filtered"]["bootstrap-rbac"] > 50


def drifted(live: Live, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    answer = live.ask("drift", *arguments)
    return {(one["object"]["name"], field["path"]): field for one in answer["objects"] for field in one["fields"]}


def test_nothing_drifts_after_flux_applied_it(live) -> None:
    answer = live.ask("drift", code=0)
    assert answer["objects"] == []
    assert answer["compared"] >= 5
    assert answer["skipped"]["Secrets are not read"] == 1


@pytest.mark.parametrize("way", [(), ("--server-dry-run",)])
def test_a_field_that_was_changed_by_hand_leads_to_its_line(live, way) -> None:
    api = live.flux.api
    api.patch(api.get("apps/v1", "Deployment", "api", "shop"), {"spec": {"replicas": 5}})
    try:
        found = drifted(live, *way)
    finally:
        api.patch(api.get("apps/v1", "Deployment", "api", "shop"), {"spec": {"replicas": 2}})
    assert set(found) == {("api", "/spec/replicas")}
    replicas = found["api", "/spec/replicas"]
    assert (replicas["git"], replicas["live"]) == (2, 5)
    assert (replicas["span"]["file"], replicas["span"]["line"]) == ("apps/api.yaml", 7)
    assert replicas["writers"][0]["manager"] != "kustomize-controller"


@pytest.mark.parametrize("way", [(), ("--server-dry-run",)])
def test_what_was_taken_away_by_hand_leads_to_its_line(live, way) -> None:
    api = live.flux.api
    (api_container, sidecar) = api.get("apps/v1", "Deployment", "api", "shop")["spec"]["template"]["spec"]["containers"]
    bare = {key: value for key, value in api_container.items() if key != "ports"}
    api.patch(api.get("apps/v1", "Deployment", "api", "shop"), {"spec": {"template": {"spec": {"containers": [bare]}}}})
    try:
        found = drifted(live, *way)
    finally:
        live.flux.api.patch(
            api.get("apps/v1", "Deployment", "api", "shop"),
            {"spec": {"template": {"spec": {"containers": [api_container, sidecar]}}}},
        )
    base = "/spec/template/spec/containers"
    assert {path: one["span"]["line"] for (_, path), one in found.items()} == {f"{base}/0/ports": 16, f"{base}/1": 17}
    assert all(one["absent"] == "live" for one in found.values())


def test_drift_needs_whole_objects(live) -> None:
    done = live.run("drift", "--live=cached")
    assert done.returncode == 2
    assert "snapshot" in done.stderr


@pytest.mark.parametrize("command", ["status", "orphans", "drift"])
def test_a_cluster_that_is_down_is_not_an_empty_answer(live, tmp_path, command) -> None:
    config = yaml.safe_load(live.flux.kubeconfig.read_text())
    config["clusters"].append({"name": "down", "cluster": {"server": "https://127.0.0.1:1"}})
    config["contexts"].append({"name": "down", "context": {"cluster": "down", "user": config["users"][0]["name"]}})
    both = tmp_path / "kubeconfig"
    both.write_text(yaml.safe_dump(config))
    alone = live.run(command, "--kubeconfig", str(both), "--context", "down")
    assert alone.returncode == 2
    assert "127.0.0.1:1" in alone.stdout
    done = live.run(command, "--kubeconfig", str(both), "--all-contexts", "-o", "json", "-q")
    assert done.returncode == 1, done.stderr
    answers = {one["context"]: one for one in json.loads(done.stdout)["clusters"]}
    assert answers["prod"]["cluster"] == "prod"
    assert answers["down"]["cluster"] is None
    assert answers["down"]["unreadable"][0]["trouble"] == "unreachable"


def test_what_the_clusters_said_is_kept(live) -> None:
    now = live.ask("orphans")
    kept = live.ask("orphans", "--live=cached")
    assert kept["read_at"] == now["read_at"]
    assert names(kept["orphans"]) == names(now["orphans"])
    assert {one["unit"]["name"] for one in live.ask("status", "--live=cached")["units"]} >= {"apps", "broken"}


def test_no_secret_is_ever_shown_or_kept(live) -> None:
    for command in ("status", "orphans", "drift"):
        assert "hunter2" not in live.run(command, "-v").stdout
    for path in (live.root / ".git" / "fluxidx").iterdir():
        assert b"hunter2" not in path.read_bytes()
