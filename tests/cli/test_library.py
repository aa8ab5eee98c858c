"""``import indexer``: the same answers as the commands give, as data."""

from __future__ import annotations

import subprocess
import sys

import pytest

import indexer
from indexer.errors import FluxidxError, IndexMissing, NotFound


def test_the_library_answers_as_the_commands_do(fleet) -> None:
    report = indexer.build(fleet.root)
    assert report.rendered
    project = indexer.Project(fleet.root, no_build=True)
    match = indexer.where(project, "namespace/bar").matches[0]
    assert match.definition is not None
    place = f"{match.definition.source.file}:{match.definition.line}"
    deployed = indexer.what(project, place).files[0].deploys
    assert match.object in {one.object for one in deployed}


def test_changes_and_faults_are_data_too(fleet) -> None:
    (fleet.root / "flux/apps/base/api.yaml").write_text("apiVersion: v1\nkind: ConfigMap\n")
    judged = indexer.impact(fleet.root, "HEAD")
    assert [one.rule for one in judged.findings] == ["failed-unit"]
    assert judged.impact.lines
    assert "failed-unit" in {one.rule for one in indexer.check(fleet.root).findings}
    assert indexer.check(fleet.root, "README.md").findings == ()


def test_a_question_that_has_no_answer_raises(fleet) -> None:
    with pytest.raises(IndexMissing):
        indexer.where(indexer.Project(fleet.root, no_build=True), "namespace/bar")
    with pytest.raises(NotFound):
        indexer.where(fleet.root, "namespace/nowhere")
    with pytest.raises(FluxidxError, match="nope names no commit of this repository"):
        indexer.where(fleet.root, "namespace/bar", revision="nope")
    with pytest.raises(FluxidxError, match="no such directory"):
        indexer.check(fleet.root / "nowhere")
    with pytest.raises(FluxidxError, match="not the name of an object"):
        indexer.where(fleet.root, "nowhere")


def test_importing_the_package_imports_nothing_else() -> None:
    count = "import indexer, sys; print(sum(name.startswith('indexer.') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", count], capture_output=True, check=True, text=True).stdout == "0\n"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        indexer.nothing  # noqa: B018 - the access is the test
