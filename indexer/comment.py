"""Puts the Markdown on standard input under a pull request, in the place of the comment that an earlier run left there.

``python -m indexer.comment github`` and ``… gitlab`` take everything else from the variables that the forge sets in a
job. The first line of the Markdown, an HTML comment, tells the comment to replace from those of people and of other
clusters. This is the only part of the program that writes to a network, so no command calls it: a job of a forge does.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from indexer.deferred import NamedTuple

_PAGE = 100


class Forge(NamedTuple):
    """Where the comments of one pull request are."""

    comments: str
    """The URL that lists them and takes new ones."""
    comment: str
    """The URL of one of them, with ``{id}``."""
    headers: Mapping[str, str]
    update: str
    """The HTTP method that replaces one."""


def github(env: Mapping[str, str]) -> Forge:
    repository = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/issues"
    return Forge(
        f"{repository}/{env['PULL_REQUEST']}/comments",
        f"{repository}/comments/{{id}}",
        {"Authorization": f"Bearer {env['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"},
        "PATCH",
    )


def gitlab(env: Mapping[str, str]) -> Forge:
    request = f"{env['CI_API_V4_URL']}/projects/{env['CI_PROJECT_ID']}/merge_requests/{env['CI_MERGE_REQUEST_IID']}"
    return Forge(f"{request}/notes", f"{request}/notes/{{id}}", {"PRIVATE-TOKEN": env["FLUXIDX_TOKEN"]}, "PUT")


FORGES = {"github": github, "gitlab": gitlab}


def publish(forge: Forge, body: str) -> None:
    """Replaces the comment that begins as ``body`` does, or adds one where there is none."""
    marker = body.split("\n", 1)[0].strip()
    if not marker.startswith("<!--"):
        message = "the Markdown does not begin with a marker: pass the output of `fluxidx … -o markdown` as it is"
        raise SystemExit(message)
    for comment in _all(forge):
        if comment["body"].split("\n", 1)[0].strip() == marker:
            _call(forge, forge.update, forge.comment.format(id=comment["id"]), {"body": body})
            return
    _call(forge, "POST", forge.comments, {"body": body})


def _all(forge: Forge) -> Iterator[dict[str, Any]]:
    page = 1
    while found := _call(forge, "GET", f"{forge.comments}?per_page={_PAGE}&page={page}"):
        yield from found
        page += 1


def _call(forge: Forge, method: str, url: str, data: Mapping[str, str] | None = None) -> Any:
    content = None if data is None else json.dumps(data).encode()
    headers = {**forge.headers, "Content-Type": "application/json"}
    request = urllib.request.Request(url, content, headers, method=method)  # noqa: S310 - the forge's own address
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        message = f"{method} {url}: {error.code} {error.reason}: may this job's token write comments?"
        raise SystemExit(message) from None
    except urllib.error.URLError as error:
        message = f"{method} {url}: {error.reason}"
        raise SystemExit(message) from None


def main(arguments: list[str], env: Mapping[str, str]) -> None:
    if len(arguments) != 1 or arguments[0] not in FORGES:
        message = f"usage: python -m indexer.comment {'|'.join(FORGES)} < MARKDOWN"
        raise SystemExit(message)
    try:
        forge = FORGES[arguments[0]](env)
    except KeyError as error:
        message = f"{error.args[0]} is not set: is this a job of a pull request, with a token?"
        raise SystemExit(message) from None
    publish(forge, sys.stdin.read())


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
