"""A repository with two clusters that share a base, to make changes to."""

from __future__ import annotations

from checkout import Checkout

from indexer.flux.config import Config
from indexer.git.repository import Repository
from indexer.query.impact import Impact, impact


def sync(cluster: str) -> str:
    return f"""\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: flux-system
  namespace: flux-system
spec:
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
  path: ./clusters/{cluster}
  sourceRef:
    kind: GitRepository
    name: flux-system
"""


def unit(name: str, path: str, more: str = "") -> str:
    return f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: {name}
  namespace: flux-system
spec:
  path: {path}
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
{more}"""


VARIABLES = """\
  postBuild:
    substituteFrom:
    - kind: ConfigMap
      name: settings
"""

FILES = {
    **{f"clusters/{name}/flux-system/gotk-sync.yaml": sync(name) for name in ("prod", "test")},
    **{f"clusters/{name}/apps.yaml": unit("apps", f"./apps/{name}", VARIABLES) for name in ("prod", "test")},
    **{
        f"clusters/{name}/settings.yaml": (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: flux-system\n"
            f"data:\n  DOMAIN: {name}.example.org\n  OTHER: x\n"
        )
        for name in ("prod", "test")
    },
    "clusters/prod/tools.yaml": unit("tools", "./tools"),
    "apps/base/kustomization.yaml": "resources:\n- api.yaml\n- service.yaml\n",
    "apps/base/api.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  replicas: 1
  selector:
    matchLabels:
      app: api
  template:
    metadata:
      labels:
        app: api
    spec:
      containers:
      - name: api
        image: example.org/api:1.0
        env:
        # Where it is found
        - name: HOST
          value: ${DOMAIN}
        - name: MODE
          value: fast
""",
    "apps/base/service.yaml": """\
apiVersion: v1
kind: Service
metadata:
  name: api
  namespace: shop
spec:
  ports:
  - port: 80
""",
    "apps/prod/kustomization.yaml": """\
resources:
- ../base
patches:
- path: replicas.yaml
configMapGenerator:
- name: options
  namespace: shop
  literals:
  - level=info
secretGenerator:
- name: keys
  namespace: shop
  options:
    disableNameSuffixHash: true
  literals:
  - token=first
""",
    "apps/prod/replicas.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: shop
spec:
  replicas: 3
""",
    "apps/test/kustomization.yaml": "resources:\n- ../base\n",
    **{
        f"tools/{name}.yaml": (
            f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: tools\ndata:\n  a: b\n"
        )
        for name in ("first", "second")
    },
    "forgotten/kustomization.yaml": "resources:\n- lost.yaml\n",
    "forgotten/lost.yaml": "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: lost\n",
    "README.md": "# Fleet\n",
}


class Fleet(Checkout):
    """A repository whose first commit is the base of what a test changes on disk."""

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces a text that stands once in a file."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1
        self.write(path, text.replace(old, new))

    def move(self, path: str, to: str) -> None:
        (self.root / to).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).rename(self.root / to)

    def remove(self, path: str) -> None:
        (self.root / path).unlink()

    def impact(self, change: str | None = "HEAD", clusters: tuple[str, ...] = ()) -> Impact:
        repository = Repository.open(self.root)
        try:
            return impact(repository, Config.load(None, self.root), change, clusters=clusters)
        finally:
            repository.close()
