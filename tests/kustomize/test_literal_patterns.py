"""Patterns of selectors that are plain names mean what they mean to the library of regular expressions."""

import pytest

from indexer.kustomize.regexp import anchored, regexp

TEXTS = ("", "web", "web-1", "my-web", "web\n", "Web", "wéb", "w\udc80b", "7")


@pytest.mark.parametrize("pattern", ["web", "web-1", "7", "-"])
@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_name_matches_what_its_regular_expression_matches(pattern: str, text: str) -> None:
    assert anchored(pattern).search(text) == regexp(f"^(?:{pattern})$").search(text)
