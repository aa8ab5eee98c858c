"""Small repositories to be judged by the rules, written down file by file."""

from __future__ import annotations

import subprocess
import textwrap
from collections import Counter

from indexer.flux.config import Config
from indexer.git.repository import Repository
from indexer.query.check import Checked, check
from indexer.query.findings import Finding
from indexer.query.impact import impact
from indexer.query.rules.change import findings

URL = "https://git.example.org/team/fleet.git"
SYNC = "clusters/prod/flux-system/gotk-sync.yaml"
LIST = "clusters/prod/flux-system/kustomization.yaml"
APPS = "clusters/prod/apps.yaml"


def kustomization(name, path, more="", prune="true"):
    """A Flux Kustomization; ``more`` goes into its spec, from line 9 on."""
    return f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}, namespace: flux-system}}
spec:
  path: {path}
  prune: {prune}
  sourceRef: {{kind: GitRepository, name: flux-system}}
  interval: 10m
""" + textwrap.indent(textwrap.dedent(more), "  ")


def sync(cluster="prod"):
    return f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: flux-system, namespace: flux-system}}
spec: {{url: {URL}, ref: {{branch: main}}, interval: 1m}}
---
{kustomization("flux-system", f"./clusters/{cluster}")}"""


def listing(*resources, more=""):
    return "resources:\n" + "".join(f"- {one}\n" for one in resources) + textwrap.dedent(more)


def config_map(name="settings", data="{mode: fast}", namespace="shop", more=""):
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {namespace}{more}}}
data: {data}
"""


def deployment(name="api", container="", pod="", labels="{app: api}", replicas=2, annotations="{}"):
    """A Deployment; the fields of its pod begin on line 12, those of its container on the line after."""
    return (
        f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop, annotations: {annotations}}}
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: api
  template:
    metadata: {{labels: {labels}}}
    spec:
"""
        + textwrap.indent(textwrap.dedent(pod), "      ")
        + """\
      containers:
      - name: api
        image: example.org/api:1.0
"""
        + textwrap.indent(textwrap.dedent(container), "        ")
    )


def base(**apps):
    """A cluster whose Kustomization ``apps`` deploys the files of ``apps``, all of them listed."""
    files = {SYNC: sync(), LIST: listing("gotk-sync.yaml"), APPS: kustomization("apps", "./apps")}
    files |= {f"apps/{name}": text for name, text in apps.items()}
    listed = [name for name in apps if name != "kustomization.yaml"]
    if "kustomization.yaml" not in apps:
        files["apps/kustomization.yaml"] = listing(*listed)
    return files


class Repo:
    """A Git repository of some files."""

    def __init__(self, root):
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", URL)

    def git(self, *arguments):
        subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)

    def write(self, files):
        """Puts these files in the place of all there are."""
        self.git("rm", "-rfq", "--ignore-unmatch", ".")
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "Change")

    def check(self, written, **options) -> Checked:
        self.write(written)
        repository = Repository.open(self.root)
        try:
            return check(repository, repository.worktree(), Config.load(None, self.root), **options)
        finally:
            repository.close()

    def impact(self, before, after) -> tuple[Finding, ...]:
        self.write(before)
        self.write(after)
        repository = Repository.open(self.root)
        try:
            config = Config.load(None, self.root)
            return findings(impact(repository, config, "HEAD~1..HEAD"), repository, config)
        finally:
            repository.close()


def shown(findings):
    """``severity rule file:line`` of each finding."""
    return [f"{one.severity} {one.rule} {one.file}:{one.span.line if one.span else '-'}" for one in findings]


def of_rule(rule, found):
    findings = found.findings if isinstance(found, Checked) else found
    return shown(one for one in findings if one.rule == rule)


def message(rule, found):
    findings = found.findings if isinstance(found, Checked) else found
    (one,) = [one for one in findings if one.rule == rule]
    return one.message


def tally(found):
    return Counter(one.rule for one in found.findings)
