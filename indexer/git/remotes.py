"""What repository a URL means, however it is spelt (flux-semantics.md §10.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from indexer.deferred import NamedTuple


class Forge(StrEnum):
    """A kind of web front-end to Git."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    FORGEJO = "forgejo"
    BITBUCKET = "bitbucket"
    AZURE = "azure"


class RemoteUrl(NamedTuple):
    """A repository on a server: equal for every spelling of its URL."""

    host: str
    """Lower case, with the port unless it is the scheme's own."""
    path: str
    """Without slashes at its ends, without ``.git``, percent-decoded."""

    def __str__(self) -> str:
        return f"https://{self.host}/{encoded_path(self.path)}"


class _Parts(NamedTuple):
    scheme: str
    host: str
    port: int | None
    path: str


_DEFAULT_PORTS: Final = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
_SCP: Final = r"(?:[^@/:\s]+@)?(?P<host>[A-Za-z0-9][A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):(?P<path>(?!//)\S.*)"
_CODECOMMIT: Final = r"codecommit::(?P<region>[a-z0-9-]+)://(?:[^@/]*@)?(?P<name>[^/]+)"
_HOST: Final = r"[a-z0-9._-]+|[0-9a-f:.]+"
_USER_INFO: Final = r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.:-]*)://(?P<user>[^/?#:]*)[^/?#]*@"
_OTHER_NAMES: Final = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "ssh.dev.azure.com": "dev.azure.com",
}
_BITBUCKET_SSH_PORT: Final = 7999
_LABELS: Final = {
    "github": Forge.GITHUB,
    "gitlab": Forge.GITLAB,
    "gitea": Forge.GITEA,
    "forgejo": Forge.FORGEJO,
    "codeberg": Forge.FORGEJO,
    "bitbucket": Forge.BITBUCKET,
}
_FOLDED: Final = frozenset({Forge.GITHUB, Forge.GITLAB, Forge.BITBUCKET, Forge.AZURE})


def canonical(url: str) -> RemoteUrl | None:
    """The repository a URL means; None where it names none on a server (a local path, ``oci://``, nonsense)."""
    parts = _parts(url.strip())
    if parts is None or not re.fullmatch(_HOST, parts.host):
        return None
    host, path = _known_host(parts.host, parts.port, _tidy(parts.path))
    return RemoteUrl(host, path) if path else None


def web_origin(url: str) -> str | None:
    """Scheme, host and port of a remote's web pages: ``https://host``, or those of an http(s) URL itself."""
    parts = _parts(url.strip())
    remote = canonical(url)
    if parts is None or remote is None or parts.scheme not in ("http", "https", "ssh"):
        return None
    if parts.scheme == "ssh":
        # An ssh port says nothing of the web's.
        return f"https://{_bracketed(_known_host(parts.host, None, remote.path)[0])}"
    return f"{parts.scheme}://{remote.host}"


def same_repository(first: str, second: str) -> bool:
    """Whether two URLs mean one repository; letter case counts only where the forge says it does."""
    one, other = canonical(first), canonical(second)
    if one is None or other is None or one.host != other.host:
        return False
    if forge_of(one.host) in _FOLDED:
        return one.path.casefold() == other.path.casefold()
    return one.path == other.path


def forge_of(host: str, forges: Mapping[str, Forge] | None = None) -> Forge | None:
    """The forge at a host: as ``forges`` says, or as a label of its name does (``gitlab.example.org``)."""
    if forges and host in forges:
        return forges[host]
    name = host.partition(":")[0]
    if forges and name in forges:
        return forges[name]
    if name == "dev.azure.com":
        return Forge.AZURE
    for label in name.split("."):
        for word in label.split("-"):
            if word in _LABELS:
                return _LABELS[word]
    return None


def without_credentials(url: str) -> str:
    """The URL without user and password. The user of an ssh address is no secret, and stays."""
    found = re.match(_USER_INFO, url)
    if found is None:
        return url
    user = f"{found['user']}@" if found["scheme"].lower() == "ssh" and found["user"] else ""
    return f"{found['scheme']}://{user}{url[found.end() :]}"


def rewritten(url: str, config: Mapping[str, list[str]]) -> str:
    """The URL that git fetches ``url`` from: ``url.BASE.insteadOf`` puts BASE for the longest start (git-config(1))."""
    starts = [
        (start, key.removeprefix("url.").removesuffix(".insteadof"))
        for key, values in config.items()
        if key.startswith("url.") and key.endswith(".insteadof")
        for start in values
        if start and url.startswith(start)
    ]
    if not starts:
        return url
    start, base = max(starts, key=lambda found: len(found[0]))
    return base + url.removeprefix(start)


def encoded_path(path: str) -> str:
    """A path for a URL: every segment percent-encoded, by the bytes of the name."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/~")


def _parts(url: str) -> _Parts | None:
    codecommit = re.fullmatch(_CODECOMMIT, url)
    if codecommit:
        return _Parts(
            "https", f"git-codecommit.{codecommit['region']}.amazonaws.com", None, f"v1/repos/{codecommit['name']}"
        )
    if "://" not in url:
        scp = re.fullmatch(_SCP, url)
        return _Parts("ssh", scp["host"].strip("[]").lower(), None, _unquoted(scp["path"])) if scp else None
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return None
    if split.scheme not in _DEFAULT_PORTS or not split.hostname:
        return None
    port = None if port == _DEFAULT_PORTS[split.scheme] else port
    return _Parts(split.scheme, split.hostname, port, _unquoted(split.path))


def _unquoted(path: str) -> str:
    return unquote(path, errors="surrogateescape")


def _tidy(path: str) -> str:
    return re.sub("/+", "/", path).strip("/").removesuffix(".git").strip("/")


def _known_host(host: str, port: int | None, path: str) -> tuple[str, str]:
    """The host's usual name, with its port, and the path as http spells it there (§10.2, "Detect")."""
    if host in _OTHER_NAMES:
        host, port = _OTHER_NAMES[host], None
    if host == "dev.azure.com" or host.endswith(".visualstudio.com"):
        return _azure(host, path)
    if port == _BITBUCKET_SSH_PORT:
        return _bracketed(host), f"scm/{path.removeprefix('scm/')}"
    return (_bracketed(host) if port is None else f"{_bracketed(host)}:{port}"), path


def _azure(host: str, path: str) -> tuple[str, str]:
    segments = path.split("/")
    if segments[0] == "v3":
        organisation, *rest = segments[1:] or [""]
        segments = [organisation, *rest[:-1], "_git", *rest[-1:]]
    elif host != "dev.azure.com":
        organisation = host.removesuffix(".visualstudio.com")
        segments = [organisation, *(s for s in segments if s.lower() != "defaultcollection")]
    match segments:
        case [organisation, "_git", repository]:
            segments = [organisation, repository, "_git", repository]
    return "dev.azure.com", "/".join(segments)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
