"""A repository with everything that a live object can come from, and what is done to a cluster by hand beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from checkout import Checkout

from servers.flux import Flux

API = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: api}
  template:
    metadata:
      labels: {app: api}
    spec:
      containers:
        - name: api
          image: example.org/api:1.0
          resources:
            requests: {cpu: 500m, memory: 1024Mi}
          env:
            - name: MODE
              value: safe
          ports:
            - containerPort: 8080
"""
FILES = {
    "apps/base/kustomization.yaml": "resources: [namespace.yaml, api.yaml, gear.yaml, settings.yaml]\n",
    "apps/base/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n",
    "apps/base/api.yaml": API,
    "apps/base/gear.yaml": """\
apiVersion: example.org/v1
kind: Gear
metadata:
  name: big
  namespace: shop
spec:
  teeth: 12
""",
    "apps/base/settings.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: shop
data:
  domain: ${domain}
---
apiVersion: v1
kind: Secret
metadata:
  name: door
  namespace: shop
stringData:
  key: open-sesame
""",
    "charts/lamp/Chart.yaml": "apiVersion: v2\nname: lamp\nversion: 0.1.0\n",
    "charts/lamp/values.yaml": "light: dim\n",
    "charts/lamp/templates/config.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  light: {{ .Values.light }}
""",
}
CLUSTER = {
    "apps.yaml": """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 24h
  path: ./apps/base
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
  postBuild:
    substitute:
      domain: CLUSTER.example.org
""",
    "lamp.yaml": """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: lamp
  namespace: flux-system
spec:
  interval: 24h
  targetNamespace: flux-system
  releaseName: lamp
  chart:
    spec:
      chart: ./charts/lamp
      sourceRef:
        kind: GitRepository
        name: flux-system
  values:
    light: bright
""",
    "flux-system/kustomization.yaml": "resources: [gotk-sync.yaml]\n",
    "flux-system/gotk-sync.yaml": """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 24h
  ref:
    branch: main
  url: URL
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 24h
  path: ./clusters/CLUSTER
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
""",
}
GEAR = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gears.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": {"kind": "Gear", "plural": "gears", "singular": "gear", "listKind": "GearList", "shortNames": ["gr"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
LEFT = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "by-hand", "namespace": "shop"},
    "data": {"a": "b"},
}


class Fleet(Checkout):
    """The clone that questions are asked in."""

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")


def make_fleet(directory: Path, url: str, *clusters: str) -> Fleet:
    """The repository, with an entry point for each cluster, and ``url`` as its remote."""
    fleet = Fleet(directory)
    directory.mkdir(parents=True)
    fleet.git("init", "--quiet", "--initial-branch=main")
    fleet.git("remote", "add", "origin", url)
    for file, text in FILES.items():
        fleet.write(file, text)
    for cluster in clusters:
        for file, text in CLUSTER.items():
            fleet.write(f"clusters/{cluster}/{file}", text.replace("CLUSTER", cluster).replace("URL", url))
    fleet.commit("Add the shop")
    return fleet


def deploy(flux: Flux, fleet: Fleet, cluster: str) -> None:
    """Has a cluster run its part of the repository, with a pod, a replica set and a stray ConfigMap made by hand."""
    flux.apply(GEAR)
    url = flux.publish(fleet.root, "fleet")
    flux.bootstrap(url, f"./clusters/{cluster}")
    flux.settle()
    api = flux.api.get("apps/v1", "Deployment", "api", "shop")
    replicas = flux.api.create(_owned("apps/v1", "ReplicaSet", "api-5f7", api, {"spec": _replicas(api)}))
    pod = {"spec": api["spec"]["template"]["spec"]}
    flux.api.create(
        _owned("v1", "Pod", "api-5f7-x2x", {"apiVersion": "apps/v1", "kind": "ReplicaSet", **replicas}, pod)
    )
    flux.apply(LEFT)


def _replicas(api: dict[str, Any]) -> dict[str, Any]:
    return {"replicas": 1, "selector": api["spec"]["selector"], "template": api["spec"]["template"]}


def _owned(version: str, kind: str, name: str, owner: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    """An object that a controller would have made for ``owner``."""
    reference = {
        "apiVersion": "apps/v1",
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    metadata = {"name": name, "namespace": "shop", "labels": {"app": "api"}, "ownerReferences": [reference]}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
