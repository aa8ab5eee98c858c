"""`fluxidx build` on real repositories: no traceback, and a reason a person can act on for whatever is not rendered."""

import re

PLACE_OR_NAME = re.compile(r"[\w./-]+:\d+:\d+|[A-Z]\w+ [\w${}./-]+")
"""A line to look at, or an object by its kind and name."""


def test_a_repository_of_the_corpus_is_indexed(indexed) -> None:
    assert (indexed.status, indexed.stderr) == (0, "")
    assert sum(cluster["objects"] for cluster in indexed.report["clusters"])


def test_whatever_is_not_rendered_has_a_reason_to_act_on(indexed) -> None:
    dumb = []
    for unit in indexed.scope.units.values():
        if unit["state"] == "rendered":
            continue
        shown = (
            f"{unit['cluster']}: {unit['kind']} {unit['namespace']}/{unit['name']}: {unit['state']}: {unit['reason']}"
        )
        print(shown)  # noqa: T201 - to be read by a person (-s)
        what, colon, to_do = (unit["reason"] or "").rpartition(": ")
        if not (colon and to_do and (unit["file"] or PLACE_OR_NAME.search(what))):
            dumb.append(shown)
    assert dumb == []
