"""A Kubernetes API server of its own: etcd and kube-apiserver, no controllers, no nodes."""

from __future__ import annotations

import itertools
import json
import ssl
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import urllib3
import yaml

from servers.binaries import binary
from servers.process import SECONDS, Failed, Process, free_ports

Object = dict[str, Any]
_ATTEMPTS = 3
"""A free port may be taken by another process before the server listens on it."""
_LATER = urllib3.Retry(
    60, connect=False, read=False, redirect=False, status_forcelist=[429], allowed_methods=None, raise_on_status=False,
    backoff_factor=0.1, backoff_max=5,
)  # fmt: skip
"""The server says when to ask again: after a definition has changed it has to read all objects of the kind anew."""
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_OWN = "/api/v1/namespaces/default", "/api/v1/namespaces/kube-system", "/api/v1/namespaces/default/services/kubernetes"
"""What the server makes for itself, some time after it says that it is ready."""


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class ApiServer:
    """An API server on free ports of the loopback interface; a context manager.

    Who holds the kubeconfig is a cluster admin. Service accounts work, with tokens through the TokenRequest API; no
    garbage is collected and a deleted namespace stays Terminating, for there is no controller manager.
    """

    def __init__(self, directory: Path, name: str = "test") -> None:
        """``directory`` is for files, logs among them; ``name`` is that of the context and the cluster."""
        self.directory = directory
        self.name = name
        self.kubeconfig = directory / "kubeconfig"
        self.url = ""
        self._processes: list[Process] = []
        self._pool = urllib3.PoolManager()
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts and waits until it is ready. Raises Unavailable and Failed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        programs = str(binary("etcd")), str(binary("kube-apiserver"))
        key = self.directory / "service-accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        (self.directory / "tokens.csv").write_text("admin,admin,admin,system:masters\n")
        for left in reversed(range(_ATTEMPTS)):
            try:
                self._start(*programs)
                break
            except Failed:
                self.stop()
                if not left:
                    raise

    def _start(self, etcd: str, apiserver: str) -> None:
        client, peer, port = free_ports(3)
        store = f"http://127.0.0.1:{client}"
        database = self._run(
            etcd,
            f"--data-dir={self.directory}/etcd-{client}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={store}",
            f"--advertise-client-urls={store}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
        )
        server = self._run(
            apiserver,
            f"--etcd-servers={store}",
            f"--cert-dir={self.directory}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=service-accounts.key",
            "--service-account-signing-key-file=service-accounts.key",
            "--token-auth-file=tokens.csv",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
            "--allow-privileged",
            "--feature-gates=HPAScaleToZero=true,MutatingAdmissionPolicy=true",  # as clusters of the corpus have
            "--runtime-config=admissionregistration.k8s.io/v1beta1=true,admissionregistration.k8s.io/v1alpha1=true",
        )
        self.url = f"https://127.0.0.1:{port}"
        authority = self.directory / "apiserver.crt"
        server.until(lambda: authority.exists() and "END CERTIFICATE" in authority.read_text())
        self._pool = urllib3.PoolManager(
            maxsize=8,
            ssl_context=_trust(authority),
            headers={"Authorization": "Bearer admin"},
            timeout=urllib3.Timeout(SECONDS),
            retries=False,
        )
        self.kubeconfig_for("admin", self.kubeconfig)
        self.until(self._ready)
        database.until(lambda: True)  # it is this one that the server uses, and no other on the same port

    def _run(self, *command: str) -> Process:
        process = Process(list(command), self.directory)
        self._processes.append(process)
        return process

    def _ready(self) -> bool:
        try:
            return all(self._pool.request("GET", self.url + path).status == 200 for path in ("/readyz", *_OWN))
        except (urllib3.exceptions.HTTPError, HTTPException):
            return False

    def until(self, ready: Callable[[], bool]) -> None:
        """Waits until the server is as far as that; Refused is "not yet". Raises Failed."""

        def heeded() -> bool:
            try:
                return ready()
            except Refused:
                return False

        self._processes[-1].until(heeded)

    def stop(self) -> None:
        """Ends the servers; stopping what does not run is no error."""
        self._pool.clear()
        while self._processes:
            self._processes.pop().stop()

    def kubeconfig_for(self, token: str, path: Path) -> Path:
        """Writes a kubeconfig for who has this token."""
        cluster = {"server": self.url, "certificate-authority": str(self.directory / "apiserver.crt")}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.name,
            "clusters": [{"name": self.name, "cluster": cluster}],
            "users": [{"name": self.name, "user": {"token": token}}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": self.name}}],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    def request(self, method: str, path: str, body: Any = None, kind: str = "application/json", **query: str) -> Any:
        """The JSON that the server answers with. Raises Refused."""
        answer = self._pool.request(
            method,
            f"{self.url}{path}{'?' + urlencode(query) if query else ''}",
            body=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
            headers={"Authorization": "Bearer admin", "Content-Type": kind, "Accept": "application/json"},
            retries=_LATER,
        )
        data = answer.json()
        if answer.status >= 400:
            raise Refused(answer.status, data.get("message", ""))
        return data

    def items(self, api_version: str, kind: str, namespace: str | None = None) -> list[Object]:
        """All objects of a kind; their ``apiVersion`` and ``kind``, which lists leave out, are put in."""
        items = self.request("GET", self._collection(api_version, kind, namespace))["items"]
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        """One object. Raises Refused with 404 where it is not there."""
        found: Object = self.request("GET", f"{self._collection(api_version, kind, namespace)}/{name}")
        return found

    def create(self, obj: Object) -> Object:
        """Makes an object."""
        made: Object = self.request("POST", self.path_of(obj).rpartition("/")[0], obj)
        return made

    def delete(self, obj: Object) -> None:
        """Deletes an object."""
        self.request("DELETE", self.path_of(obj))

    def apply(self, objects: Iterable[Object] | str, manager: str = "tests", *, dry_run: bool = False) -> list[Object]:
        """Server-side apply with force of objects, or of a YAML stream, by ``manager``; gives the server's answers.

        Kinds that are defined so are served when it returns.
        """
        if isinstance(objects, str):
            objects = [obj for obj in yaml.safe_load_all(objects) if obj]
        query = {"fieldManager": manager, "force": "true"} | ({"dryRun": "All"} if dry_run else {})
        applied: list[Object] = [
            self.request("PATCH", self.path_of(obj), obj, "application/apply-patch+yaml", **query) for obj in objects
        ]
        if not dry_run:
            self.until_served(obj for obj in applied if obj["kind"] == "CustomResourceDefinition")
        return applied

    def until_served(self, definitions: Iterable[Object]) -> None:
        """Waits until the kinds are there for everybody: the server heeds a definition some time after it took it."""
        wanted = {
            (spec["group"], version["name"], spec["names"]["plural"])
            for spec in (definition["spec"] for definition in definitions)
            for version in spec["versions"]
            if version["served"]
        }
        if wanted:
            self.until(lambda: wanted <= self._discovered())
        for group, version, plural in wanted:
            self.until(partial(self._answers, f"/apis/{group}/{version}/{plural}"))

    def _answers(self, path: str) -> bool:
        self.request("GET", path, limit="1")
        return True

    def stale(self) -> set[tuple[str, str]]:
        """Group and version of the APIs that do not answer, as the server tells everybody."""
        return {(group, one["version"]) for group, one in self._versions() if one["freshness"] == "Stale"}

    def _discovered(self) -> set[tuple[str, str, str]]:
        """Group, version and plural of the kinds that the server tells of, those of the core aside."""
        return {
            (group, one["version"], resource["resource"])
            for group, one in self._versions()
            for resource in one.get("resources", ())
        }

    def _versions(self) -> Iterator[tuple[str, Any]]:
        asked = {"Authorization": "Bearer admin", "Accept": _DISCOVERY}
        for group in self._pool.request("GET", f"{self.url}/apis", headers=asked).json()["items"]:
            yield from ((group["metadata"]["name"], version) for version in group["versions"])

    def patch(self, obj: Object, change: Mapping[str, Any], subresource: str = "") -> Object:
        """Merges ``change`` into an object or its ``status``."""
        path = f"{self.path_of(obj)}{'/' + subresource if subresource else ''}"
        patched: Object = self.request("PATCH", path, dict(change), "application/merge-patch+json")
        return patched

    def may(self, account: str, verb: str, group: str, resource: str) -> bool:
        """Whether a service account, ``namespace:name``, may do that in every namespace."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": f"system:serviceaccount:{account}",
                "groups": ["system:serviceaccounts", "system:authenticated"],
                "resourceAttributes": {"verb": verb, "group": group, "resource": resource},
            },
        }
        answer = self.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"]["allowed"])

    def until_granted(self, account: str, rules: Iterable[Mapping[str, Sequence[str]]]) -> None:
        """Waits until the account has the rights of a role: the server heeds one some time after it took it."""
        rights = [
            right for rule in rules for right in itertools.product(rule["verbs"], rule["apiGroups"], rule["resources"])
        ]
        self.until(lambda: all(self.may(account, *right) for right in rights))

    def path_of(self, obj: Object) -> str:
        """The path of an object's URL. Raises Refused with 404 where the server does not know the kind."""
        metadata = obj["metadata"]
        collection = self._collection(obj["apiVersion"], obj["kind"], metadata.get("namespace"))
        return f"{collection}/{metadata['name']}"

    def _collection(self, api_version: str, kind: str, namespace: str | None) -> str:
        base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if (api_version, kind) not in self._plurals:
            for resource in self.request("GET", base)["resources"]:
                if "/" not in resource["name"]:
                    self._plurals[api_version, resource["kind"]] = resource["name"], resource["namespaced"]
        try:
            plural, namespaced = self._plurals[api_version, kind]
        except KeyError:
            raise Refused(404, f"no {kind} in {api_version}") from None
        return f"{base}/namespaces/{namespace}/{plural}" if namespaced and namespace else f"{base}/{plural}"


def _trust(authority: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority))
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)  # the server's own certificate has no key identifier
    return context
