"""A cluster with the real Flux controllers, and a Git server whose repositories they deploy."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import urllib3

from servers.apiserver import ApiServer, Object
from servers.binaries import binary, crds
from servers.gitserver import GitServer
from servers.process import Failed, Process, free_ports
from servers.standins import StandIns, permissive_crds

KUSTOMIZATION: Final = "kustomize.toolkit.fluxcd.io/v1", "Kustomization"
HELM_RELEASE: Final = "helm.toolkit.fluxcd.io/v2", "HelmRelease"
GIT_REPOSITORY: Final = "source.toolkit.fluxcd.io/v1", "GitRepository"
HELM_CHART: Final = "source.toolkit.fluxcd.io/v1", "HelmChart"
_REQUEST: Final = "reconcile.fluxcd.io/requestedAt"
_CONTROLLERS: Final = "source-controller", "kustomize-controller", "helm-controller"
_ROOM: Final = 2**30
_QUIET: Final = 5
"""Seconds in which nothing goes on after which a unit that failed is not waited for."""
_UNHEALTHY: Final = 20
"""The same for one that waits until objects are healthy, which controllers look at every five seconds."""
_ATTEMPTS: Final = 3
"""A free port may be taken by another process before the controller listens on it."""
_OFFLINE: Final = {"HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}
"""What is not on the loopback interface is out of reach, wherever the tests run."""


@dataclass(frozen=True)
class Outcome:
    """What a controller made of a Kustomization or HelmRelease."""

    ready: bool | None
    """None: suspended, or not known yet."""
    working: bool
    """Whether the controller is at it, and does more than wait for what the unit checks the health of."""
    waits: bool
    """Whether that is all it does."""
    due: bool
    """Whether it was asked to try again, or is being deleted, and that is not done yet."""
    reason: str
    """The Ready condition's, ``BuildFailed`` …"""
    message: str
    """The same condition's, or what the controller is at."""
    revision: str
    """That was applied last, ``main@sha1:…``."""
    inventory: tuple[str, ...]
    """As the controller writes them: ``<namespace>_<name>_<group>_<kind> <version>``."""

    @classmethod
    def of(cls, obj: Object) -> Self:
        status = obj.get("status", {})
        conditions: dict[str, Object] = {one["type"]: one for one in status.get("conditions", ())}
        ready, reconciling = conditions.get("Ready", {}), conditions.get("Reconciling", {})
        current = ready.get("observedGeneration", status.get("observedGeneration")) == obj["metadata"]["generation"]
        known = {"True": True, "False": False}.get(ready.get("status", "")) if current else None
        suspended = bool(obj["spec"].get("suspend"))
        waits = bool(current and reconciling.get("message", "").startswith("Running health checks"))
        asked = obj["metadata"].get("annotations", {}).get(_REQUEST) not in (None, status.get("lastHandledReconcileAt"))
        entries = (status.get("inventory") or {}).get("entries") or ()
        return cls(
            ready=None if suspended else known,
            working=not suspended and known is None and not waits,
            waits=waits and not suspended,
            due="deletionTimestamp" in obj["metadata"] or (asked and not suspended and not waits),
            reason=ready.get("reason", ""),
            message=(reconciling if known is None and reconciling else ready).get("message", ""),
            revision=status.get("lastAppliedRevision", ""),
            inventory=tuple(sorted(f"{entry['id']} {entry['v']}" for entry in entries)),
        )


class Flux:
    """An API server with source- and kustomize-controller, and helm-controller if asked for; a context manager."""

    def __init__(self, directory: Path, name: str = "test", *, helm: bool = False, gates: Collection[str] = ()) -> None:
        """``gates``: feature gates of kustomize-controller, ``StrictPostBuildSubstitutions=false``."""
        self.directory = directory
        self.api = ApiServer(directory / "api", name)
        self.git = GitServer(directory / "git")
        self.helm = helm
        self._gates = ",".join(("ExternalArtifact=true", *gates))
        self._processes: list[Process] = []
        self._scratch = directory / "scratch"
        self._others = StandIns(self.api, self.git, [KUSTOMIZATION[0], *([HELM_RELEASE[0]] if helm else [])])

    @property
    def kubeconfig(self) -> Path:
        return self.api.kubeconfig

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts everything and waits until it is ready. Raises Unavailable and Failed."""
        programs = {name: str(binary(name)) for name in _CONTROLLERS[: None if self.helm else 2]}
        self._scratch = Path(tempfile.mkdtemp(prefix="fluxidx-", dir=_memory()))
        self.git.start()
        try:
            self.api.start()
            for controller in _CONTROLLERS:
                for path in crds(controller):
                    self.api.apply(path.read_text())
            self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flux-system"}})
            for program in programs.values():
                self._run(program)
        except BaseException:
            self.stop()
            raise

    def _run(self, program: str) -> None:
        for left in reversed(range(_ATTEMPTS)):
            metrics, health, store = free_ports(3)
            process = Process(
                [
                    program,
                    f"--metrics-addr=127.0.0.1:{metrics}",
                    f"--health-addr=127.0.0.1:{health}",
                    "--events-addr=",
                    "--watch-all-namespaces=true",
                    *self._flags(Path(program).name, store),
                ],
                self.directory,
                {
                    "KUBECONFIG": str(self.kubeconfig),
                    "RUNTIME_NAMESPACE": "flux-system",
                    "TMPDIR": str(self._scratch),
                    **_OFFLINE,
                },
            )
            try:
                process.until(partial(_answers, f"http://127.0.0.1:{health}/readyz"))
                self._processes.append(process)
                break
            except Failed:
                process.stop()
                if not left:
                    raise

    def _flags(self, controller: str, store: int) -> list[str]:
        busy = ["--concurrent=16", "--kube-api-qps=200", "--kube-api-burst=400"]
        if controller == "source-controller":
            address = f"127.0.0.1:{store}"
            artifacts = self.directory / "artifacts"
            artifacts.mkdir(exist_ok=True)
            return [f"--storage-path={artifacts}", f"--storage-addr={address}", f"--storage-adv-addr={address}"]
        if controller == "kustomize-controller":
            return [*busy, "--requeue-dependency=2s", f"--feature-gates={self._gates}"]
        return [*busy, "--requeue-dependency=2s"]

    def stop(self) -> None:
        """Ends everything that was started."""
        while self._processes:
            self._processes.pop().stop()
        self.api.stop()
        self.git.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def publish(self, repository: Path, name: str | None = None) -> str:
        """Serves a Git repository, or what it holds now; gives its URL. ``settle`` makes Flux look."""
        return self.git.publish(repository, name)

    def apply(self, objects: Object | Iterable[Object] | str) -> None:
        """What is applied by hand: objects, or a YAML stream."""
        self.api.apply([objects] if isinstance(objects, dict) else objects)

    def bootstrap(self, url: str, path: str, *, branch: str = "main", **spec: Any) -> None:
        """A GitRepository and a root Kustomization, with ``spec`` in its own, both ``flux-system/flux-system``.

        The Secret with credentials that bootstrapped repositories refer to is there as well.
        """
        metadata = {"name": "flux-system", "namespace": "flux-system"}
        login = {"username": "git", "password": "git"}
        source = {"url": url, "interval": "24h", "ref": {"branch": branch}}
        reference = {"kind": "GitRepository", "name": "flux-system"}
        root = {"path": path, "interval": "24h", "prune": True, "sourceRef": reference, **spec}
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": login})
        self.apply(
            {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": one}
            for (version, kind), one in ((GIT_REPOSITORY, source), (KUSTOMIZATION, root))
        )

    def define_custom_kinds(self, repository: Path, cluster_scoped: Collection[str] = ()) -> int:
        """Definitions that take any content for the custom kinds that a repository's files name; says how many."""
        return permissive_crds(repository, self.api, cluster_scoped)

    def kustomizations(self) -> dict[str, Outcome]:
        """Each Kustomization's outcome, by ``namespace/name``."""
        return self._outcomes(*KUSTOMIZATION)

    def releases(self) -> dict[str, Outcome]:
        """Each HelmRelease's outcome, by ``namespace/name``."""
        return self._outcomes(*HELM_RELEASE)

    def _outcomes(self, version: str, kind: str) -> dict[str, Outcome]:
        return {
            f"{obj['metadata']['namespace']}/{obj['metadata']['name']}": Outcome.of(obj)
            for obj in self.api.items(version, kind)
        }

    def settle(self, seconds: float = 1800) -> dict[str, Outcome]:
        """Waits until each Kustomization (and HelmRelease) is ready, or nothing goes on any more though all were asked
        to try again; gives the Kustomizations. Raises Failed after ``seconds``.

        Other controllers are played meanwhile. Sources are fetched anew first.
        """
        self._fetch()
        end = time.monotonic() + seconds
        quiet_since = time.monotonic()
        before: object = None
        ready_before = -1
        failed: set[str] = (
            set()
        )  # since all were asked: what tries again by itself, every other second, is not waited for
        while time.monotonic() < end:
            busy = self._others.play() or any(
                Outcome.of(obj).working for obj in (*self._own_sources(), *self._charts())
            )
            units = self._units()
            failed.update(uid for uid, outcome, _ in units if outcome.ready is False)
            state = {uid: (outcome.ready is True, outcome.revision, outcome.inventory) for uid, outcome, _ in units}
            busy |= any(outcome.due or (outcome.working and uid not in failed) for uid, outcome, _ in units)
            if state != before or busy:
                before, quiet_since = state, time.monotonic()
            elif units and all(current for *_, current in units):
                return self.kustomizations()
            elif time.monotonic() - quiet_since > (_UNHEALTHY if any(one.waits for _, one, _ in units) else _QUIET):
                ready = sum(outcome.ready is True for _, outcome, _ in units)
                if ready == ready_before:
                    return self.kustomizations()
                ready_before, quiet_since = ready, time.monotonic()
                failed.clear()
                for kind in self._kinds:
                    self._ask(obj for obj in self.api.items(*kind) if not Outcome.of(obj).ready)
            time.sleep(1)
        raise Failed(f"Flux has not settled after {seconds} seconds: {self.kustomizations()}")

    @property
    def _kinds(self) -> tuple[tuple[str, str], ...]:
        return (KUSTOMIZATION, HELM_RELEASE) if self.helm else (KUSTOMIZATION,)

    def _units(self) -> list[tuple[str, Outcome, bool]]:
        """Each unit's uid and outcome, and whether it is suspended or ready with its source's revision."""
        sources = {
            (obj["metadata"]["namespace"], obj["metadata"]["name"]): obj["status"]["artifact"]["revision"]
            for obj in self.api.items(*GIT_REPOSITORY)
            if "artifact" in obj.get("status", {})
        }
        units = []
        for obj in (obj for kind in self._kinds for obj in self.api.items(*kind)):
            outcome, metadata = Outcome.of(obj), obj["metadata"]
            source = obj["spec"].get("sourceRef", {})
            of = source.get("namespace") or metadata["namespace"], source.get("name")
            current = source.get("kind") != "GitRepository" or sources.get(of) == outcome.revision
            units.append((metadata["uid"], outcome, bool(obj["spec"].get("suspend") or (outcome.ready and current))))
        return units

    def _fetch(self) -> None:
        """Has source-controller fetch every repository of the Git server, and waits for it."""
        self._ask(self._own_sources())
        self._processes[0].until(lambda: not any(Outcome.of(obj).due for obj in self._own_sources()))

    def _own_sources(self) -> list[Object]:
        return [
            obj
            for obj in self.api.items(*GIT_REPOSITORY)
            if obj["spec"]["url"].startswith(self.git.url) and not obj["spec"].get("suspend")
        ]

    def _charts(self) -> list[Object]:
        """Those that are in a repository of the Git server."""
        own = {(obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in self._own_sources()}
        return [
            obj
            for obj in self.api.items(*HELM_CHART)
            if obj["spec"]["sourceRef"]["kind"] == GIT_REPOSITORY[1]
            and (obj["metadata"]["namespace"], obj["spec"]["sourceRef"]["name"]) in own
        ]

    def _ask(self, objects: Iterable[Object]) -> None:
        """Has objects reconciled now; until that is done, they are ``due``."""
        now = str(time.time_ns())
        for obj in objects:
            self.api.patch(obj, {"metadata": {"annotations": {_REQUEST: now}}})


def _memory() -> str | None:
    """A folder in memory, where there is room: controllers unpack the whole artifact for each unit, again and again."""
    shared = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > _ROOM else None


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=5).status == 200
    except urllib3.exceptions.HTTPError:
        return False
