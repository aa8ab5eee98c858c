"""Exec credential plugins, run as kubectl runs them.

The rules are client-go's (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins):
the plugin runs in the current directory with the environment of this process, speaks to the person on standard error,
and gets standard input only where the kubeconfig and the terminal allow it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_EXTENSION: Final = "client.authentication.k8s.io/exec"
_PATIENCE: Final = 300.0
"""Seconds that a plugin may take: a person may be logging in through a browser."""


class CredentialError(Exception):
    """The plugin gave no credential; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a plugin answered."""

    token: str | None
    certificate: str | None
    """PEM, with ``key``."""
    key: str | None
    expires: datetime | None

    @property
    def expired(self) -> bool:
        return self.expires is not None and self.expires <= datetime.now(UTC)


def run_plugin(spec: Mapping[str, Any], cluster: Mapping[str, Any]) -> Credential:
    """Runs the plugin that ``exec`` of a kubeconfig's user names. Raises CredentialError."""
    version, command = str(spec.get("apiVersion", "")), str(spec.get("command", ""))
    if version not in _VERSIONS or not command:
        raise CredentialError(
            f"exec: apiVersion {version or 'none'}, command {command or 'none'}: a plugin needs a command and one of "
            f"the versions {', '.join(_VERSIONS)}"
        )
    interactive = _interactive(spec, command)
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": interactive}}
    if spec.get("provideClusterInfo"):
        asked["spec"] = {"interactive": interactive, "cluster": _cluster_info(cluster)}
    given = {str(one["name"]): str(one["value"]) for one in spec.get("env") or () if isinstance(one, dict)}
    try:
        done = subprocess.run(
            [command, *map(str, spec.get("args") or ())],
            env={**os.environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(asked)},
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        hint = f": {str(spec['installHint']).strip()}" if spec.get("installHint") else ": install it"
        raise CredentialError(f"exec: {command} is not there, or not on PATH{hint}") from None
    except subprocess.TimeoutExpired:
        raise CredentialError(f"exec: {command} gave no answer in {_PATIENCE:.0f} seconds") from None
    except OSError as error:
        raise CredentialError(f"exec: {command} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise CredentialError(f"exec: {command} ended with status {done.returncode}: log in again")
    return _answer(done.stdout, version, command)


def _interactive(spec: Mapping[str, Any], command: str) -> bool:
    mode = spec.get("interactiveMode") or "IfAvailable"
    terminal = sys.stdin is not None and sys.stdin.isatty()
    if mode == "Always" and not terminal:
        raise CredentialError(f"exec: {command} has to ask a person, and standard input is no terminal")
    return terminal and mode != "Never"


def _cluster_info(cluster: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
    info = {key: cluster[key] for key in keys if key in cluster}
    for extension in cluster.get("extensions") or ():
        if isinstance(extension, dict) and extension.get("name") == _EXTENSION:
            info["config"] = extension.get("extension")
    return info


def _answer(said: bytes, version: str, command: str) -> Credential:
    try:
        answer = json.loads(said)
        status = answer["status"]
        credential = Credential(
            status.get("token"),
            status.get("clientCertificateData"),
            status.get("clientKeyData"),
            datetime.fromisoformat(status["expirationTimestamp"]) if status.get("expirationTimestamp") else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CredentialError(f"exec: {command} did not answer with an ExecCredential") from None
    if answer.get("apiVersion") != version:
        raise CredentialError(f"exec: {command} answered in {answer.get('apiVersion')}, and {version} was asked for")
    if not credential.token and not (credential.certificate and credential.key):
        raise CredentialError(f"exec: {command} answered neither with a token nor with a certificate and its key")
    return credential
