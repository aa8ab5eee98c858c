"""Links that open lines of a file in its forge, pinned to a commit (flux-semantics.md §10.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from indexer.git.remotes import Forge, canonical, encoded_path, forge_of, web_origin

_FULL_SHA: Final = r"[0-9a-f]{40}|[0-9a-f]{64}"
_RENDERED: Final = (".md", ".markdown")
"""Files that a forge shows as pages, without line numbers, unless it is asked for the text."""


def permalink(
    remote_url: str, sha: str, path: str, first: int, last: int, forges: Mapping[str, Forge] | None = None
) -> str | None:
    """The link to lines ``first`` to ``last`` of ``path`` in commit ``sha`` (in full; where only that is known, in a
    branch or tag of GitHub or GitLab, whose links take either).

    None where the remote is not reached by http(s) or ssh, or has no known shape: a host that neither ``forges``
    names nor a label of its own.
    """
    remote = canonical(remote_url)
    origin = web_origin(remote_url)
    if remote is None or origin is None:
        return None
    file = encoded_path(path)
    project = encoded_path(remote.path)
    segments = remote.path.split("/")
    forge = forge_of(remote.host, forges)
    if not re.fullmatch(_FULL_SHA, sha):
        if not sha or forge not in (Forge.GITHUB, Forge.GITLAB):
            return None
        sha = encoded_path(sha.removeprefix("refs/heads/").removeprefix("refs/tags/"))
    if forge in (Forge.BITBUCKET, None) and remote.host != "bitbucket.org":
        return _bitbucket_server(origin, segments, sha, file, first, last)
    match forge:
        case Forge.GITHUB if len(segments) == 2:
            return f"{origin}/{project}/blob/{sha}/{file}{_query(path, 'plain=1')}#{_lines(first, last, 'L', '-L')}"
        case Forge.GITLAB if len(segments) >= 2:
            return f"{origin}/{project}/-/blob/{sha}/{file}#{_lines(first, last, 'L', '-')}"
        case Forge.GITEA | Forge.FORGEJO if len(segments) == 2:
            query = _query(path, "display=source")
            return f"{origin}/{project}/src/commit/{sha}/{file}{query}#{_lines(first, last, 'L', '-L')}"
        case Forge.BITBUCKET if len(segments) == 2:
            return f"{origin}/{project}/src/{sha}/{file}#{_lines(first, last, 'lines-', ':')}"
        case Forge.AZURE if len(segments) == 4 and segments[2] == "_git":
            # The end is the first column of the next line, which selects whole lines.
            lines = f"line={first}&lineEnd={last + 1}&lineStartColumn=1&lineEndColumn=1"
            return f"{origin}/{project}?path=/{file}&version=GC{sha}&_a=contents&{lines}"
    return None


def _bitbucket_server(origin: str, segments: list[str], sha: str, file: str, first: int, last: int) -> str | None:
    """Bitbucket Data Center, told by its clone path: ``[context/]scm/KEY/repository``, ``~user`` for a person's own."""
    match segments:
        case [*context, "scm", key, name]:
            owner = f"users/{quote(key[1:])}" if key.startswith("~") else f"projects/{quote(key)}"
            place = "/".join([origin, *map(quote, context), owner, "repos", quote(name)])
            return f"{place}/browse/{file}?at={sha}#{_lines(first, last, '', '-')}"
    return None


def _lines(first: int, last: int, prefix: str, between: str) -> str:
    return f"{prefix}{first}" if first == last else f"{prefix}{first}{between}{last}"


def _query(path: str, query: str) -> str:
    return f"?{query}" if path.lower().endswith(_RENDERED) else ""
