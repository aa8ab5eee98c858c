"""Which clusters there are and how to reach them, found as kubectl finds it.

``--kubeconfig``, else the files of ``KUBECONFIG``, else ``~/.kube/config``, else the service account of the pod that
this runs in. Of several files the first that says something wins
(https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from indexer.cluster.errors import KubeconfigError
from indexer.manifest.compose import parse
from indexer.manifest.errors import ManifestError
from indexer.manifest.scalars import to_data

IN_CLUSTER: Final = "in-cluster"
"""What the context of a pod's own service account is called here."""
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")

_PATHS: Final = {
    "clusters": ("certificate-authority",),
    "users": ("client-certificate", "client-key", "tokenFile"),
}
"""Fields that name files, relative to the folder of the kubeconfig that holds them."""


@dataclass(frozen=True, slots=True)
class Context:
    """One context: a server, who asks it, and the namespace that is meant where none is given."""

    name: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    namespace: str | None = None

    @property
    def server(self) -> str:
        return str(self.cluster.get("server", ""))


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """All contexts, and the current one."""

    contexts: Mapping[str, Context]
    current: str | None
    files: tuple[str, ...]

    @classmethod
    def load(cls, file: str | None = None, environment: Mapping[str, str] | None = None) -> Kubeconfig:
        """What kubectl would use; ``file`` is ``--kubeconfig``. Raises KubeconfigError."""
        environment = os.environ if environment is None else environment
        paths = _files(file, environment)
        merged: dict[str, dict[str, Any]] = {"clusters": {}, "users": {}, "contexts": {}}
        current: str | None = None
        for path in paths:
            data = _read(path)
            current = current or data.get("current-context") or None
            for section, entries in merged.items():
                for name, entry in _named(data.get(section), section):
                    entries.setdefault(name, _absolute(section, entry, Path(path).parent))
        contexts = {name: _context(name, entry, merged) for name, entry in merged["contexts"].items()}
        if not contexts and (pod := _in_cluster(environment)) is not None:
            return cls({IN_CLUSTER: pod}, IN_CLUSTER, ())
        return cls(contexts, current, tuple(paths))

    def choose(self, names: Sequence[str] = (), *, every: bool = False) -> tuple[Context, ...]:
        """The contexts of these names, all of them, or the current one. Raises KubeconfigError."""
        if not self.contexts:
            raise KubeconfigError(
                "no cluster to ask: there is no kubeconfig with a context (KUBECONFIG, ~/.kube/config), and this is no "
                "pod: name a file with --kubeconfig"
            )
        if every:
            return tuple(self.contexts.values())
        if not names and self.current is None:
            raise KubeconfigError(f"no current context is set: name one with --context: {self._listed()}")
        return tuple(self._one(name) for name in dict.fromkeys(names or (self.current or "",)))

    def _one(self, name: str) -> Context:
        if name in self.contexts:
            return self.contexts[name]
        close = get_close_matches(name, self.contexts, n=3)
        hint = f"is {' or '.join(close)} meant?" if close else f"there is {self._listed()}"
        raise KubeconfigError(f"no context {name!r} in {', '.join(self.files) or 'this pod'}: {hint}")

    def _listed(self) -> str:
        return ", ".join(sorted(self.contexts))


def _files(file: str | None, environment: Mapping[str, str]) -> list[str]:
    """The kubeconfig files; those of ``KUBECONFIG`` that do not exist are passed over, as kubectl does."""
    if file is not None:
        if not Path(file).is_file():
            raise KubeconfigError(f"--kubeconfig {file}: no such file: name another one")
        return [file]
    if listed := [path for path in environment.get("KUBECONFIG", "").split(os.pathsep) if path]:
        return [path for path in dict.fromkeys(listed) if Path(path).exists()]
    home = Path(environment.get("HOME") or "~").expanduser() / ".kube" / "config"
    return [str(home)] if home.exists() else []


def _read(path: str) -> dict[str, Any]:
    try:
        documents = parse(Path(path).read_bytes(), path)
        data = to_data(documents[0].node) if documents and documents[0].node is not None else {}
    except OSError as error:
        raise KubeconfigError(f"{path}: cannot be read ({error.strerror}): name another file") from None
    except ManifestError as error:
        raise KubeconfigError(f"{error}: correct this kubeconfig") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise KubeconfigError(f"{path}:1: is no kubeconfig: name another file")
    return data


def _named(entries: Any, section: str) -> list[tuple[str, Mapping[str, Any]]]:
    """(name, content) of the entries of one list; the content is under the list's name in the singular."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name"):
            content = entry.get(section.removesuffix("s"))
            found.append((str(entry["name"]), content if isinstance(content, dict) else {}))
    return found


def _absolute(section: str, entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The entry with the files that it names from the kubeconfig's folder."""
    made = dict(entry)
    for key in _PATHS.get(section, ()):
        if made.get(key):
            made[key] = str(folder.absolute() / str(made[key]))
    command = made.get("exec", {}).get("command") if isinstance(made.get("exec"), dict) else None
    if isinstance(command, str) and os.sep in command:
        # A bare name is looked for on PATH, anything else beside the kubeconfig.
        made["exec"] = {**made["exec"], "command": str(folder.absolute() / command)}
    return made


def _context(name: str, entry: Mapping[str, Any], merged: Mapping[str, Mapping[str, Any]]) -> Context:
    cluster = merged["clusters"].get(str(entry.get("cluster", "")), {})
    user = merged["users"].get(str(entry.get("user", "")), {})
    namespace = entry.get("namespace")
    return Context(name, cluster, user, str(namespace) if namespace else None)


def _in_cluster(environment: Mapping[str, str]) -> Context | None:
    """The API server of the pod that this runs in; None where this is no pod."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
    token = SERVICE_ACCOUNT / "token"
    if not host or not port or not token.is_file():
        return None
    place = SERVICE_ACCOUNT / "namespace"
    return Context(
        IN_CLUSTER,
        {
            "server": f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            "certificate-authority": str(SERVICE_ACCOUNT / "ca.crt"),
        },
        {"tokenFile": str(token)},
        place.read_text(encoding="utf-8").strip() if place.is_file() else None,
    )
