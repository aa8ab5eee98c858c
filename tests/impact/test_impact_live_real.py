"""``impact --live`` on a real API server with the real Flux controllers: one cluster for all tests of this module."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from servers import Flux
from servers.livefleet import Fleet, deploy, make_fleet

from indexer.cli.main import run

STORE = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: store
  namespace: shop
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 8Gi
"""
SMALL = """\
apiVersion: example.org/v1
kind: Gear
metadata:
  name: small
  namespace: shop
spec:
  teeth: 7
"""


@pytest.fixture(scope="module")
def deployed(start_flux: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Flux, Fleet]:
    """A cluster that runs clusters/prod, then was changed by hand, and a clone with a change that is not merged."""
    flux = start_flux("prod-admin")
    fleet = make_fleet(tmp_path_factory.mktemp("clone") / "fleet", flux.git.url_of("fleet"), "prod", "staging")
    for cluster in ("prod", "staging"):
        (fleet.root / f"clusters/{cluster}/lamp.yaml").unlink()
    fleet.write("apps/base/store.yaml", STORE)
    listing = "apps/base/kustomization.yaml"
    fleet.write(listing, (fleet.root / listing).read_text().replace("gear.yaml", "gear.yaml, store.yaml"))
    fleet.commit("Add a store")
    deploy(flux, fleet, "prod")
    api = flux.api
    api.patch(api.get("apps/v1", "Deployment", "api", "shop"), {"spec": {"replicas": 5}})
    bound = {"status": {"phase": "Bound", "capacity": {"storage": "8Gi"}}}
    api.patch(api.get("v1", "PersistentVolumeClaim", "store", "shop"), bound, "status")
    api.delete(api.get("v1", "ConfigMap", "settings", "shop"))
    api.apply([yaml.safe_load(SMALL)])
    for path, old, new in (
        ("apps/base/api.yaml", "replicas: 2", "replicas: 3"),
        ("apps/base/api.yaml", "api:1.0", "api:2.0"),
        ("apps/base/settings.yaml", "domain: ${domain}", "domain: ${domain}\n  more: x"),
        ("apps/base/settings.yaml", "open-sesame", "open-now"),
        (listing, "namespace.yaml, ", ""),
        (listing, ", store.yaml", ""),
    ):
        text = (fleet.root / path).read_text()
        assert text.count(old) == 1
        fleet.write(path, text.replace(old, new))
    gear = (fleet.root / "apps/base/gear.yaml").read_text()
    fleet.write("apps/base/gear.yaml", gear + "---\n" + SMALL.replace("teeth: 7", "teeth: 9"))
    return flux, fleet


class Asking:
    """The program, as a person with this kubeconfig would ask it."""

    def __init__(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        self.fleet = fleet
        self._capsys = capsys

    def text(self, *words: str) -> tuple[int, str]:
        self._capsys.readouterr()
        code = run(["impact", "--repo", str(self.fleet.root), "HEAD", *words])
        said = self._capsys.readouterr()
        assert said.err == ""
        return code, said.out

    def live(self, *words: str) -> dict[str, Any]:
        """``live`` of the JSON answer, by its schema."""
        answer = json.loads(self.text("-o", "json", *words)[1])
        jsonschema.validate(answer, json.loads(files("indexer.report").joinpath("schema/impact.json").read_text()))
        found: dict[str, Any] = answer["live"]
        return found


@pytest.fixture
def asking(deployed: tuple[Flux, Fleet], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asking:
    flux, fleet = deployed
    monkeypatch.setenv("KUBECONFIG", str(flux.kubeconfig))
    return Asking(fleet, capsys)


def test_each_object_says_what_is_there(asking: Asking) -> None:
    live = asking.live("--live")
    assert live["not_known"] == ["staging"]
    (cluster,) = live["clusters"]
    assert (cluster["context"], cluster["cluster"], cluster["answered"]) == ("prod-admin", "prod", True)
    assert cluster["unreadable"] == cluster["mismatches"] == []
    assert [(one["unit"]["name"], one["behind"], one["ahead"]) for one in cluster["units"]] == [("apps", 0, 0)]
    found = {f"{one['object']['kind']}/{one['object']['name']}": one for one in cluster["objects"]}
    assert {name: (one["change"], one["exists"], one["done"]) for name, one in found.items()} == {
        "ConfigMap/settings": ("changed", False, False),
        "Deployment/api": ("changed", True, False),
        "Gear/small": ("added", True, False),
        "Namespace/shop": ("removed", True, False),
        "PersistentVolumeClaim/store": ("removed", True, False),
        "Secret/door": ("changed", True, False),
    }
    (replicas,) = found["Deployment/api"]["fields"]
    assert (replicas["path"], replicas["git"], replicas["live"], replicas["effect"]) == (
        "/spec/replicas", 2, 5, "overwrites",
    )  # fmt: skip
    (teeth,) = found["Gear/small"]["fields"]
    assert (teeth["path"], teeth["git"], teeth["live"]) == ("/spec/teeth", 9, 7)
    assert (found["Gear/small"]["controller"], found["Gear/small"]["manager"]) == (None, "tests")
    assert found["PersistentVolumeClaim/store"]["holds"] == {
        "what": "storage", "phase": "Bound", "capacity": "8Gi", "partner": "", "reclaim": None,
    }  # fmt: skip
    holds = found["Namespace/shop"]["holds"]
    assert holds["kinds"] == {"Deployment": 1, "Gear": 2, "PersistentVolumeClaim": 1, "Secret": 1, "ConfigMap": 1}
    assert holds["owned"] == 2
    assert [one["name"] for one in holds["undefined"]] == ["by-hand"]
    assert found["Secret/door"]["compared"] is False


def test_the_text_says_it_to_a_person(asking: Asking) -> None:
    code, text = asking.text("--live", "--gate", "none")
    assert code == 0
    assert (
        re.sub(r" 20\d\d-\S+Z", "", text.partition("\nIn the cluster ")[2])
        == """\
prod                                           context prod-admin
  ~ ConfigMap shop/settings
    is not there: the change makes it anew
  ~ Deployment shop/api
    changed in the cluster:
      /spec/replicas
        5, not 2 (python-urllib3): the change sets 3
  + Gear shop/small
    is there already: no unit has it (tests wrote it), and the change takes it
    over
    differs:
      /spec/teeth
        7, not 9 (tests): the change overwrites it
  - Namespace shop
    holds 6 objects: 2 Gear, 1 ConfigMap, 1 Deployment, 1 PersistentVolumeClaim,
    1 Secret, and 2 objects that they own
    1 of them in no code: ConfigMap shop/by-hand
  - PersistentVolumeClaim shop/store
    storage: 8Gi bound
  1 object is there, its content not compared

Not known: staging was not asked, or gave no answer
"""
    )


def test_markdown_and_no_secret(asking: Asking) -> None:
    _, text = asking.text("--live", "-o", "markdown")
    assert "- **prod** (context prod-admin)" in text
    assert "is there already: no unit has it" in text
    assert "- not known: staging" in text
    for output in ("text", "json", "markdown"):
        _, text = asking.text("--live", "-o", output, "-v")
        assert "sesame" not in text
        assert "open-now" not in text


def test_a_cluster_that_is_down_is_said(asking: Asking, tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text(
        "current-context: down\ncontexts: [{name: down, context: {cluster: c}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
    )
    code, text = asking.text("--live", "--kubeconfig", str(config), "--gate", "none")
    assert code == 2
    assert "127.0.0.1:1 does not answer" in text.replace("\n  ", " ")
    assert "Not known: prod, staging were not asked, or gave no answer" in text


def test_a_right_that_is_missing_is_said(deployed: tuple[Flux, Fleet], asking: Asking, tmp_path: Path) -> None:
    from servers.proxy import Fault, Proxy

    flux, _ = deployed
    with Proxy(flux.api, Fault("/deployments", status=403)) as proxy:
        live = asking.live("--live", "--kubeconfig", str(proxy.kubeconfig(tmp_path / "kubeconfig")))
        methods = {path.split("?")[0] for path, _ in proxy.requests}
    (cluster,) = live["clusters"]
    (api,) = [one for one in cluster["objects"] if one["object"]["kind"] == "Deployment"]
    assert api["exists"] is None
    assert {one["trouble"] for one in cluster["unreadable"]} == {"forbidden"}
    assert not any("secrets/door/" in path for path in methods)


def test_what_clusters_said_is_asked_again_from_a_snapshot(asking: Asking, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["orphans", "--repo", str(asking.fleet.root), "-q"]) == 1
    capsys.readouterr()
    (cluster,) = asking.live("--live=cached")["clusters"]
    found = {one["object"]["name"]: one for one in cluster["objects"]}
    assert (found["settings"]["exists"], found["small"]["exists"], found["api"]["compared"]) == (False, True, False)
    assert [one["trouble"] for one in cluster["unreadable"]] == ["not kept"]


def test_the_rules_use_what_is_there(asking: Asking) -> None:
    answer = json.loads(asking.text("--live", "-o", "json")[1])
    told = [one for one in answer["findings"] if one["object"] is not None]
    found = {(one["cluster"], one["rule"], one["object"]["name"]): one for one in told}
    assert {key[1:]: (one["severity"], one["live"]) for key, one in found.items() if key[0] == "prod"} == {
        ("removed-namespace", "shop"): (
            "error",
            (
                "it takes with it 6 objects (2 Gear, 1 ConfigMap, 1 Deployment, 1 PersistentVolumeClaim, 1 Secret) and "
                "2 that they own, of which no code makes again ConfigMap shop/by-hand"
            ),
        ),
        ("removed-data", "store"): ("error", "it holds data: 8Gi"),
        ("live-overwrite", "api"): ("warning", "/spec/replicas is 5 (python-urllib3), and becomes 3"),
        ("live-overwrite", "small"): (
            "warning",
            "no unit has it (tests wrote it); /spec/teeth is 7 (tests), and becomes 9",
        ),
    }
    assert found["staging", "removed-data", "store"]["live"] is None


@pytest.mark.parametrize("output", ["text", "markdown", "json", "sarif", "github", "junit"])
def test_findings_say_in_every_format_what_is_there(asking: Asking, output: str) -> None:
    """The Namespace that goes, and the claim in it."""
    code, text = asking.text("--live", "-o", output)
    assert code == 1
    said = " ".join(text.split())
    assert "it takes with it 6 objects (2 Gear, 1 ConfigMap, 1 Deployment, 1 PersistentVolumeClaim, 1 Secret)" in said
    assert "of which no code makes again ConfigMap shop/by-hand" in said
