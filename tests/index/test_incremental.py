"""A build that renders and writes only what changed leaves the very index that a build from nothing leaves."""
# ruff: noqa: S608 - the names in these statements are ours

import random
import sqlite3
import subprocess

import pytest

from indexer.flux.config import Config
from indexer.flux.render import render_repository
from indexer.git.repository import Repository
from indexer.index.build import build_index
from indexer.index.location import at_path
from indexer.index.write import Build, replace

URL = "https://git.example.org/team/fleet.git"


def source(namespace="flux-system"):
    return (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n"
        f"metadata: {{name: flux-system, namespace: {namespace}}}\n"
        f"spec: {{url: {URL}, ref: {{branch: main}}}}\n"
    )


def kustomization(name, path, more=""):
    lines = "".join(f"  {line}\n" for line in more.splitlines())
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: flux-system}}\nspec:\n  path: ./{path}\n"
        f"  sourceRef: {{kind: GitRepository, name: flux-system}}\n{lines}"
    )


def config_map(name, **data):
    lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: flux-system}}\ndata:\n{lines}"


def entries(*names, field="resources"):
    return f"{field}:\n" + "".join(f"- {name}\n" for name in names)


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: {replicas}
  template:
    spec:
      containers:
      - name: {name}
        image: registry.example.org/{name}:${{TAG:=v1}} # {{"$imagepolicy": "flux-system:{name}"}}
        env:
        - {{name: DOMAIN, value: "{name}.${{DOMAIN}}"}}
"""
VARIABLES = """\
postBuild:
  substitute: {TAG: v2}
  substituteFrom:
  - {kind: ConfigMap, name: settings}
  - {kind: Secret, name: secrets, optional: true}
"""
PATCHES = """\
patches:
- target: {kind: Deployment}
  patch: |
    - op: replace
      path: /spec/replicas
      value: 5
"""
PATCHED = """\
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      paused: true
      revisionHistoryLimit: 3 # {"$imagepolicy": "flux-system:web:tag"}
"""
PLAIN = """\
apiVersion: v1
kind: Secret
metadata: {name: secrets, namespace: flux-system}
stringData: {TOKEN: plain, DOMAIN: secret.example.org}
"""
ENCRYPTED = """\
apiVersion: v1
kind: Secret
metadata: {name: secrets, namespace: flux-system}
stringData: {TOKEN: "ENC[AES256_GCM,data:abc]"}
sops: {mac: "ENC[AES256_GCM,data:def]", age: [{recipient: age1xyz}]}
"""
DECRYPTS = "decryption: {provider: sops}\n"
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: cache, namespace: flux-system}
spec:
  chart: {spec: {chart: redis, version: 1.x, sourceRef: {kind: HelmRepository, name: charts}}}
  valuesFrom: [{kind: ConfigMap, name: release-values}]
  values: {domain: "${DOMAIN}", replicas: 1}
"""
SET = """\
apiVersion: fluxcd.controlplane.io/v1
kind: ResourceSet
metadata: {name: tenants, namespace: flux-system}
spec:
  inputs: [{tenant: one}, {tenant: two}]
  resources:
  - apiVersion: v1
    kind: Namespace
    metadata: {name: << inputs.tenant >>}
"""
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec: {group: example.org, names: {kind: Widget, plural: widgets}, scope: %s}
"""
WIDGET = (
    "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: widget, namespace: shop}\nspec: {domain: '${DOMAIN}'}\n"
)


def fleet():
    """Two clusters over shared bases, with all that units can depend on beyond their own files."""
    files = {
        "apps/base/web/kustomization.yaml": entries("deployment.yaml"),
        "apps/base/web/deployment.yaml": DEPLOYMENT.format(name="web", replicas=1),
        "apps/base/api/kustomization.yaml": entries("deployment.yaml", "widget.yaml"),
        "apps/base/api/deployment.yaml": DEPLOYMENT.format(name="api", replicas=2),
        "apps/base/api/widget.yaml": WIDGET,
        "apps/component/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n"
        + PATCHES,
        "infra/crd.yaml": CRD % "Cluster",
        "infra/release.yaml": RELEASE,
        "infra/values.yaml": config_map("release-values", **{"values.yaml": "'{port: 80}'"}),
        "infra/sets.yaml": SET,
    }
    for cluster in ("prod", "test"):
        home = f"clusters/{cluster}"
        files |= {
            f"{home}/flux-system/gotk-sync.yaml": f"{source()}---\n{kustomization('flux-system', home, DECRYPTS)}",
            f"{home}/settings.yaml": config_map("settings", DOMAIN=f"{cluster}.example.org", CLUSTER=cluster),
            f"{home}/secrets.yaml": PLAIN if cluster == "prod" else ENCRYPTED,
            f"{home}/apps.yaml": kustomization("apps", f"apps/{cluster}", VARIABLES + PATCHED),
            f"{home}/infra.yaml": kustomization("infra", "infra", VARIABLES + "dependsOn: [{name: apps}]\n"),
            f"{home}/plain.yaml": kustomization("plain", "plain"),
            f"apps/{cluster}/kustomization.yaml": entries("../base/web", "../base/api")
            + entries("../component", field="components"),
        }
    files["plain/one.yaml"] = config_map("one", a="b")
    files["plain/two/two.yaml"] = config_map("two", a="b")
    return files


class Sandbox:
    """A repository that is edited, and its two indexes: one that every build goes on with, and one from nothing."""

    def __init__(self, root, seed):
        self.root = root / "fleet"
        self.root.mkdir()
        self.scratch = root
        self.random = random.Random(seed)  # noqa: S311 - chance, and no secret
        self.count = 0
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", URL)
        for name, text in fleet().items():
            self.write(name, text)
        self.commit()

    def git(self, *arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"{self.count}")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.write_text(text)

    def files(self, *suffixes):
        found = [path for path in self.root.rglob("*") if path.is_file() and ".git" not in path.parts]
        return sorted(path for path in found if not suffixes or path.name.endswith(suffixes))

    def some(self, *suffixes):
        return self.random.choice(self.files(*suffixes))

    # What may happen to a repository

    def value(self):
        path = self.some(".yaml")
        text = path.read_text()
        numbers = [at for at, char in enumerate(text) if char in "0123456789"]
        if numbers:
            at = self.random.choice(numbers)
            path.write_text(text[:at] + str(self.random.randrange(10)) + text[at + 1 :])

    def comment(self):
        path = self.some(".yaml")
        path.write_text(f"# {self.count}\n{path.read_text()}")

    def marker(self):
        path = self.some(".yaml")
        policy = self.random.choice(["flux-system:one", "flux-system:two:tag"])
        lines = path.read_text().splitlines()
        at = self.random.randrange(len(lines)) if lines else 0
        if lines and lines[at] and "#" not in lines[at] and not lines[at].rstrip().endswith("|"):
            lines[at] += f' # {{"$imagepolicy": "{policy}"}}'
            path.write_text("\n".join(lines) + "\n")

    def variable(self):
        path = self.root / f"clusters/{self.random.choice(['prod', 'test'])}/settings.yaml"
        names = {"DOMAIN": f"d{self.random.randrange(3)}.example.org", "TAG": f"v{self.random.randrange(3)}"}
        chosen = {name: value for name, value in names.items() if self.random.random() < 0.8}
        path.unlink(missing_ok=True)
        if self.random.random() < 0.8:
            self.write(str(path.relative_to(self.root)), config_map("settings", **chosen))

    def secret(self):
        text = self.random.choice([PLAIN, ENCRYPTED, PLAIN.replace("plain", "other"), PLAIN.replace("DOMAIN", "X")])
        self.write(f"clusters/{self.random.choice(['prod', 'test'])}/secrets.yaml", text)

    def scope(self):
        self.write("infra/crd.yaml", CRD % self.random.choice(["Cluster", "Namespaced"]))

    def delete(self):
        self.some(".yaml").unlink()

    def restore(self):
        files = fleet()
        name = self.random.choice(sorted(files))
        if not any(parent.is_symlink() or parent.is_file() for parent in (self.root / name).parents):
            self.write(name, files[name])

    def rename(self):
        path = self.some(".yaml")
        path.rename(path.with_name(f"{path.stem}{self.random.randrange(3)}.yaml"))

    def new_unit(self):
        cluster = self.random.choice(["prod", "test"])
        more = self.random.choice(
            ["", VARIABLES, "targetNamespace: elsewhere\n", "suspend: true\n", "prune: true\n", "namePrefix: a-\n"]
        )
        name = f"new{self.random.randrange(3)}"
        path = self.random.choice(["plain", "plain/two", f"apps/{cluster}", "apps/base/web", "none"])
        self.write(f"clusters/{cluster}/{name}.yaml", kustomization(name, path, more))

    def new_file(self):
        self.write(f"plain/new{self.random.randrange(3)}.yaml", config_map(f"new{self.count}", a=self.count))

    def ignore(self):
        path = self.root / self.random.choice([".sourceignore", "plain/.sourceignore"])
        if path.exists():
            path.unlink()
        elif path.parent.is_dir():
            path.write_text(
                self.random.choice(["two.yaml\n", "new*\n", "/apps/\n", "*.yaml\n!one.yaml\n", "deployment.yaml\n"])
            )

    def broken(self):
        self.some(".yaml").write_text(self.random.choice(["a: [\n", "- 1\n", "", "kind: X\n", "\0", "a: b\na: c\n"]))

    def link(self):
        target = self.some(".yaml")
        path = self.root / "plain" / f"link{self.random.randrange(2)}.yaml"
        path.parent.mkdir(exist_ok=True)
        if path.is_symlink():
            path.unlink()
        elif not path.exists() and not path.parent.is_symlink():
            path.symlink_to(self.random.choice([target, "one.yaml", "nowhere.yaml", "../infra/values.yaml"]))

    def linked_directory(self):
        path = self.root / "linked"
        if path.is_symlink():
            path.unlink()
        else:
            path.symlink_to(self.random.choice(["plain", "apps/base", "nowhere"]))
        self.write("clusters/prod/linked.yaml", kustomization("linked", "linked"))

    def elsewhere(self):
        config = "kubeConfig: {secretRef: {name: other}}\n"
        self.write("clusters/prod/remote.yaml", kustomization("remote", "remote", config))
        self.write("remote/unit.yaml", kustomization("far", "plain", VARIABLES))
        self.write("remote/settings.yaml", config_map("settings", DOMAIN=f"far{self.random.randrange(2)}"))

    def self_change(self):
        """The Kustomization that applies itself becomes another one once Flux applies it."""
        more = DECRYPTS + self.random.choice(["", VARIABLES, "interval: 5m\n"])
        self.write(
            "clusters/prod/flux-system/gotk-sync.yaml",
            f"{source()}---\n{kustomization('flux-system', 'clusters/prod', more)}",
        )

    def replacement(self):
        origin = self.random.choice(["kind: ConfigMap, name: settings", "kind: Secret, name: secrets"])
        field = "data.DOMAIN" if "ConfigMap" in origin else "stringData.DOMAIN"
        self.write(
            "clusters/prod/kustomization.yaml",
            entries(
                "settings.yaml", "secrets.yaml", "apps.yaml", "infra.yaml", "plain.yaml", "flux-system/gotk-sync.yaml"
            )
            + f"replacements:\n- source: {{{origin}, fieldPath: {field}}}\n"
            "  targets:\n  - select: {kind: Kustomization, name: apps}\n"
            "    fieldPaths: [spec.postBuild.substitute.TAG]\n",
        )

    def branch(self):
        self.commit()
        name = self.random.choice(["one", "two"])
        known = subprocess.run(
            ["git", "branch", "--format=%(refname:short)"], cwd=self.root, capture_output=True, text=True, check=True
        )
        if name in known.stdout.split():
            self.git("checkout", "-q", name)
        else:
            self.git("checkout", "-q", "-b", name)

    CHANGES = (
        value, value, comment, marker, variable, secret, scope, delete, restore, restore, restore, rename, new_unit,
        new_file, ignore, broken, link, linked_directory, elsewhere, self_change, replacement, branch,
    )  # fmt: skip

    def change(self):
        self.count += 1
        names = []
        for _ in range(self.random.choice([1, 1, 1, 2])):
            change = self.random.choice(self.CHANGES)
            names.append(change.__name__)
            if self.files(".yaml"):
                change(self)
        return names

    # Its indexes

    def incremental(self, revision=None):
        """The index that all builds went into, as it is after another one."""
        index = self.scratch / "index.db"
        repository = Repository.open(self.root)
        try:
            build_index(repository, Config(), at_path(index), revision=revision)
        finally:
            repository.close()
        return contents(index)

    def cold(self, revision=None):
        """The same from nothing."""
        index = self.scratch / "cold.db"
        for part in self.scratch.glob("cold.db*"):
            part.unlink()
        repository = Repository.open(self.root)
        try:
            tree = repository.worktree() if revision is None else repository.revision(revision)
            clusters = render_repository(repository, tree, Config())
        finally:
            repository.close()
        replace(at_path(index), Build("r", "r", None, None, "f", "e", "now"), clusters)
        return contents(index)


def rows(connection, sql, *values):
    return [tuple(row) for row in connection.execute(sql, values)]


FILE = "LEFT JOIN file f ON f.id = x.file_id"
SPAN = 'f.origin, f.path, x.document, x.line, x."column", x.end_line, x.end_column'


def contents(index):
    """All that an index holds, without its keys: what follows from them is in the structure."""
    with sqlite3.connect(index) as connection:
        units = {}
        parents = dict(rows(connection, "SELECT id, cluster_id || kind || ' ' || namespace || ' ' || name FROM unit"))
        columns = (
            "x.id, c.name, x.kind, x.namespace, x.name, x.parent_id, x.state, x.reason, x.source_kind, "
            "x.source_namespace, x.source_name, x.source_url, x.source_ref, x.path, x.directory, x.parent_kind, "
            f"x.parent_namespace, x.parent_name, x.target, x.objects, {SPAN}"
        )
        joined = "unit x JOIN cluster c ON c.id = x.cluster_id LEFT JOIN file f ON f.id = x.file_id"
        for key, cluster, kind, namespace, name, parent, *more in rows(connection, f"SELECT {columns} FROM {joined}"):
            above = parents[parent].lstrip("0123456789") if parent is not None else None
            inputs = "SELECT access, path, blob FROM inputs WHERE unit_id = ? ORDER BY 1, 2, 3"
            units[cluster, kind, namespace, name] = (
                above,
                more,
                objects(connection, key),
                rows(connection, inputs, key),
            )
        found = {
            "clusters": sorted(rows(connection, "SELECT name, entry FROM cluster")),
            "files": sorted(rows(connection, "SELECT origin, path FROM file")),
            "bundles": bundles(connection),
            "units": units,
            "builds": len(rows(connection, "SELECT 1 FROM repository")),
            "wrong keys": rows(connection, "PRAGMA foreign_key_check"),
        }
    connection.close()
    return found


def bundles(connection):
    """The rows that are shared: each once, and none that nobody has."""
    own = ("x.role, x.operation, x.fields, x.overridden", "x.variable, x.fields, x.supplied_by, x.redacted")
    tables = [
        *(
            f"SELECT x.place, {columns}, {SPAN} FROM {table} x {FILE}"
            for table, columns in zip(("contribution", "substitution"), own, strict=True)
        ),
        "SELECT place, access, path, blob FROM sight x",
    ]
    keys = [key for (key,) in rows(connection, "SELECT id FROM bundle")]
    return sorted(
        repr([rows(connection, f"{table} WHERE x.bundle_id = ? ORDER BY x.place", key) for table in tables])
        for key in keys
    )


def objects(connection, unit):
    found = []
    columns = f'x.id, g."group", g.version, g.kind, x.namespace, x.name, x.role, x.digest, {SPAN}'
    joined = "object x JOIN gvk g ON g.id = x.gvk_id LEFT JOIN file f ON f.id = x.file_id"
    for key, *more in rows(connection, f"SELECT {columns} FROM {joined} WHERE x.unit_id = ? ORDER BY x.id", unit):
        parts = [
            rows(
                connection,
                f"SELECT {own}, {SPAN} FROM part JOIN {table} x USING (bundle_id) {FILE} "
                "WHERE object_id = ? ORDER BY x.place",
                key,
            )
            for table, own in (
                ("contribution", "x.role, x.operation, x.fields, x.overridden"),
                ("substitution", "x.variable, x.fields, x.supplied_by, x.redacted"),
            )
        ]
        found.append((more, parts))
    return found


def assert_equal(incremental, cold, said):
    units = cold["units"]
    for unit, held in incremental["units"].items():
        assert unit in units, (said, unit)
        assert held == units[unit], (said, unit)
    assert incremental == cold, said


@pytest.mark.parametrize("seed", range(4))
def test_random_edits(tmp_path, seed):
    sandbox = Sandbox(tmp_path, seed)
    done = []
    for _ in range(10):
        assert_equal(sandbox.incremental(), sandbox.cold(), (seed, done))
        done.append(sandbox.change())
    sandbox.commit()
    for revision in ("HEAD", "HEAD~1" if sandbox.count > 3 else "HEAD", None):
        assert_equal(sandbox.incremental(revision), sandbox.cold(revision), (seed, done, revision))


def test_a_chart_that_comes_into_being(tmp_path):
    """A release that lacks its chart waits for files that nobody has read."""
    sandbox = Sandbox(tmp_path, 0)
    chart = "chart: {spec: {chart: ./charts/cache, sourceRef: {kind: GitRepository, name: flux-system}}}"
    lines = [chart if line.strip().startswith("chart:") else line for line in RELEASE.splitlines()]
    sandbox.write("infra/release.yaml", "\n".join(line if line != chart else f"  {chart}" for line in lines) + "\n")
    assert_equal(sandbox.incremental(), sandbox.cold(), "none")
    sandbox.write("charts/cache/Chart.yaml", "apiVersion: v2\nname: cache\nversion: 1.0.0\n")
    sandbox.write("charts/cache/templates/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}\n")
    assert_equal(sandbox.incremental(), sandbox.cold(), "a chart")
    sandbox.write("charts/cache/templates/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n")
    assert_equal(sandbox.incremental(), sandbox.cold(), "another")
