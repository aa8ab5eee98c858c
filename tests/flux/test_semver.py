"""Ranges of versions: every outcome here is that of Masterminds/semver 3.5."""

import pytest

from indexer.flux.semver import BadRange, Range, best, parse

VERSIONS = ["0.0.1", "0.1.2", "0.2.0", "1.0.0", "1.2.2", "1.2.3-rc.1", "1.2.3", "1.3.0", "2.0.0-rc.1", "2.0.0"]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("*", ["0.0.1", "0.1.2", "0.2.0", "1.0.0", "1.2.2", "1.2.3", "1.3.0", "2.0.0"]),
        ("1.2.3", ["1.2.3"]),
        ("1.2", ["1.2.2", "1.2.3"]),
        ("~1", ["1.0.0", "1.2.2", "1.2.3", "1.3.0"]),
        ("^0.1", ["0.1.2"]),
        ("^0", ["0.0.1", "0.1.2", "0.2.0"]),
        ("^1.2.3-0", ["1.2.3-rc.1", "1.2.3", "1.3.0"]),
        (">1", ["2.0.0"]),
        ("<=1.2", ["0.0.1", "0.1.2", "0.2.0", "1.0.0", "1.2.2", "1.2.3"]),
        (">= 1.2.3, <2", ["1.2.3", "1.3.0"]),
        ("1.0 - 1.2.2 || >1.3.0", ["1.0.0", "1.2.2", "2.0.0"]),
        ("1.x !=1.2.x", ["1.0.0", "1.3.0"]),
        (">=2.0.0-rc", ["2.0.0-rc.1", "2.0.0"]),
    ],
)
def test_what_is_in_a_range(constraint, expected):
    assert [version for version in VERSIONS if parse(version) in Range.parse(constraint)] == expected


@pytest.mark.parametrize("constraint", ["", "latest", "1.2.3.4", ">=1,", "1 ||", ">=1.0.0<2.0.0"])
def test_no_range(constraint):
    with pytest.raises(BadRange):
        Range.parse(constraint)


@pytest.mark.parametrize("tag", ["v1.2", "1", "release-1.2.3", "1.2.3-01", "v1.2.3 "])
def test_tags_that_are_no_version(tag):
    assert parse(tag) is None


def test_the_highest_tag_wins_and_of_equal_ones_the_youngest():
    tags = {"v1.9.0": 1, "v1.10.0": 2, "v1.11.0-rc.1": 3, "nightly": 9, "v2025.02.03": 4}
    assert best("1.x", tags) == "v1.10.0"
    assert best("*", tags) == "v2025.02.03"
    assert best("1.x", {"1.0.0+a": 2, "1.0.0+b": 1}) == "1.0.0+a"
    assert best(">3000", tags) is None
