"""`fluxidx build` on real repositories: no traceback, and a reason a person can act on for whatever is not rendered."""

import re

import pytest

PLACE = re.compile(r"[\w./-]+:\d+:\d+: \S")
"""A reason that starts with the line to look at."""


def test_a_repository_of_the_corpus_is_indexed(indexed) -> None:
    assert (indexed.status, indexed.stderr) == (0, "")
    assert sum(cluster["objects"] for cluster in indexed.report["clusters"])


def test_whatever_is_not_rendered_has_a_reason_to_act_on(indexed) -> None:
    problems = indexed.report["problems"]
    for problem in problems:
        unit = problem["unit"]
        print(f"{problem['cluster']}: {unit['kind']} {unit['namespace']}/{unit['name']}: {problem['reason']}")  # noqa: T201
    dumb = [problem for problem in problems if not (PLACE.match(problem["reason"]) and ": " in problem["reason"])]
    assert dumb == []
