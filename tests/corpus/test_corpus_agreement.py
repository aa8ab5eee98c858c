"""`what` and `where` tell one story, about every file of the corpus and every object."""

import re
import subprocess
from collections import Counter

import pytest

from indexer.query.names import Name
from indexer.query.places import Place
from indexer.query.what import what
from indexer.query.where import where

MANIFESTS = (".yaml", ".yml")
PARTICULAR = re.compile(r"'[^']*'|[\w${}.-]*[/:.\d][\w${}/:.,-]*")
"""What a reason says of one file only: paths, positions, names with numbers."""


@pytest.fixture(scope="module")
def files(indexed):
    """What each file of the repository deploys."""
    return what(indexed.scope, indexed.repository.worktree(), [Place("")]).files


def spans_of(match):
    """Every place that an answer of `where` shows."""
    yield match.definition
    yield from (one.span for one in match.contributions)
    yield from (one.span for one in match.substitutions)
    yield from (link.definition for link in match.chain)


def test_an_object_is_in_what_a_file_deploys_iff_the_file_is_in_where_the_object_comes_from(indexed, files) -> None:
    of_files = {(file.file, row.cluster, row.unit, row.object) for file in files for row in file.deploys}
    of_objects = {
        (span.source.file, match.cluster, match.unit, match.object)
        for match in where(indexed.scope, indexed.repository, Name("*", None, "*")).matches
        for span in spans_of(match)
        if span is not None and span.source.repository is None
    }
    assert of_files == of_objects


def tracked(repository):
    """The files that Git knows, links left out."""
    listing = subprocess.run(["git", "ls-files", "-sz"], cwd=repository, check=True, capture_output=True, text=True)
    records = (record.partition("\t") for record in listing.stdout.rstrip("\0").split("\0"))
    return {path for mode, _, path in records if not mode.startswith("120000")}


def test_a_manifest_that_deploys_nothing_has_a_reason(indexed, files) -> None:
    assert {file.file for file in files} == tracked(indexed.path)
    idle = [file for file in files if file.file.endswith(MANIFESTS) and not file.deploys]
    reasons = Counter(PARTICULAR.sub("…", file.reason or "") for file in idle)
    print(f"\n{indexed.name}: {len(idle)} of {len(files)} files are manifests that deploy nothing")  # noqa: T201
    for reason, number in reasons.most_common():
        print(f"{number:5} {reason}")  # noqa: T201
    assert [file.file for file in idle if not file.reason] == []
