"""Patterns of selectors that are plain names, or a choice of them, mean what they mean to the regex library."""

import pytest

from indexer.kustomize.errors import KustomizeError
from indexer.kustomize.regexp import anchored, regexp

TEXTS = ("", "web", "web-1", "my-web", "web\n", "Web", "wéb", "w\udc80b", "7")


@pytest.mark.parametrize(
    "pattern", ["web", "web-1", "7", "-", "(web)", "(web|my-web)", "web|7", "(web|)", "(web", "(web)|(7)"]
)
@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_names_match_what_their_regular_expression_matches(pattern: str, text: str) -> None:
    try:
        expected = regexp(f"^(?:{pattern})$").search(text)
    except KustomizeError:
        with pytest.raises(KustomizeError):
            anchored(pattern)
    else:
        assert anchored(pattern).search(text) == expected
