"""A real repository: the Kustomization flux-system/apps of a-flux-cluster deploys the Namespace bar."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import Checkout

CHECKOUT = Path(__file__).parent.parent.parent

FILES = {
    "clusters/a-flux-cluster/flux-system/gotk-sync.yaml": """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 1m0s
  ref:
    branch: main
  url: https://github.com/acme/fleet.git
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 10m0s
  path: ./clusters/a-flux-cluster
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
""",
    "clusters/a-flux-cluster/flux-system/kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- gotk-sync.yaml
""",
    "clusters/a-flux-cluster/apps.yaml": """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m0s
  path: ./flux/apps/staging
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
  postBuild:
    substitute:
      ENV: staging
""",
    "flux/apps/base/kustomization.yaml": "resources:\n- api.yaml\n",
    "flux/apps/base/api.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: api
  namespace: bar
data:
  mode: safe
  env: ${ENV}
""",
    "flux/apps/staging/kustomization.yaml": """\
resources:
- ../base
- namespace.yaml
patches:
- path: patch.yaml
""",
    "flux/apps/staging/namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: bar\n",
    "flux/apps/staging/patch.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: api
  namespace: bar
data:
  mode: fast
""",
    "flux/apps/staging/forgotten.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: forgotten\n",
    "README.md": "# Fleet\n",
}


class Fleet(Checkout):
    def run(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs the program as a person would, in the repository."""
        return self.python("-m", "indexer", *arguments, cwd=cwd)

    def python(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=cwd or self.root,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet(tmp_path / "fleet")
    for name, text in FILES.items():
        fleet.write(name, text)
    fleet.git("init", "-q", "-b", "main")
    fleet.git("add", ".")
    fleet.git("commit", "-q", "-m", "Add bar")
    fleet.git("remote", "add", "origin", "https://github.com/acme/fleet.git")
    return fleet
