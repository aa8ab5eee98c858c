from __future__ import annotations

from datetime import UTC, datetime

import pytest

from indexer.cluster.model import Trouble, Unreadable
from indexer.query.live import Asked, LiveWhere
from indexer.query.matching import How, Matched
from indexer.report.terminal import Terminal
from indexer.report.text_live import age, render, short

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read_at", "said"),
    [
        ("2026-01-02T11:59:30+00:00", ""),
        ("2026-01-02T11:58:59+00:00", "1 minute ago"),
        ("2026-01-02T09:00:00+00:00", "3 hours ago"),
        ("2025-12-30T12:00:00+00:00", "3 days ago"),
    ],
)
def test_an_answer_has_an_age_once_it_is_not_of_now(read_at, said):
    assert age(read_at, NOW) == said


def test_commits_and_digests_are_cut_and_words_are_not():
    assert short(f"main@sha1:{'ab' * 20} and sha256:{'cd' * 32}") == "main@sha1:ababababab and sha256:cdcdcdcdcd"
    assert short("feedface") == "feedface"


def asked(matched: Matched, *lost: Unreadable) -> str:
    read_at = datetime.now(UTC).isoformat(timespec="seconds")
    return render(LiveWhere("x", (Asked(matched, "https://x", read_at, lost),), ()), Terminal(), None)


def test_a_cluster_that_is_as_expected_needs_no_word():
    assert asked(Matched("prod-admin", "prod", How.CLUSTER, ())) == ""


def test_a_match_that_the_cluster_contradicts_is_told_with_the_contradiction():
    text = asked(Matched("prod-admin", "prod", How.HAND, ("the path of its Kustomization a/b is ./x, not ./y",)))
    assert text.splitlines()[0].split() == ["Context", "prod-admin", "is", "prod"]
    assert "  but          the path of its Kustomization a/b is ./x, not ./y" in text


def test_a_cluster_that_is_down_is_told_once():
    down = Unreadable("the cluster", Trouble.UNREACHABLE, "https://x does not answer: Connection refused")
    text = asked(Matched("prod-admin", None, None, ("which entry point it runs is not known",)), down)
    assert text.splitlines() == [
        "Context prod-admin" + " " * 53 + "not asked",
        "  not seen     the cluster  https://x does not answer: Connection refused",
    ]
