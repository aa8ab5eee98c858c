"""Findings on lines that a change removes: where forges show them, and what they say."""

from __future__ import annotations

import json

import pytest
from changedfleet import Fleet

from indexer.flux.config import Config
from indexer.git.repository import Repository
from indexer.query.findings import Finding
from indexer.query.impact import impact
from indexer.query.impact.places import on_head
from indexer.query.rules.catalogue import RULES
from indexer.query.rules.change import findings
from indexer.report import github, sarif

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
  namespace: shop
spec:
  accessModes: [ReadWriteOnce]
"""
MORE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n  namespace: shop\n---\n"


@pytest.fixture
def shop(fleet: Fleet) -> Fleet:
    """A claim in a file of its own, and one that is the last document of two."""
    fleet.write("apps/base/claim.yaml", CLAIM)
    fleet.write("apps/base/both.yaml", MORE + CLAIM.replace("name: data", "name: cache"))
    fleet.edit("apps/base/kustomization.yaml", "- service.yaml\n", "- claim.yaml\n- both.yaml\n- service.yaml\n")
    fleet.git("add", ".")
    fleet.git("commit", "-qm", "Claims")
    return fleet


def found(fleet: Fleet, rule: str) -> tuple[Finding, ...]:
    repository = Repository.open(fleet.root)
    try:
        answer = impact(repository, Config(), "HEAD")
        return tuple(one for one in on_head(answer, findings(answer, repository, Config())) if one.rule == rule)
    finally:
        repository.close()


def places(found: tuple[Finding, ...]) -> set[tuple[str | None, int]]:
    return {(one.file, one.span.line if one.span is not None else 0) for one in found}


def test_of_a_document_that_goes_the_line_before_it_is_shown(shop: Fleet) -> None:
    shop.write("apps/base/both.yaml", MORE.removesuffix("---\n"))
    (one, _) = removed = found(shop, "removed-data")
    assert places(removed) == {("apps/base/both.yaml", 5)}
    assert one.message.endswith("(the change removes apps/base/both.yaml:7)")


def test_of_a_file_that_goes_the_list_is_shown_that_it_was_on(shop: Fleet) -> None:
    shop.remove("apps/base/claim.yaml")
    shop.edit("apps/base/kustomization.yaml", "- claim.yaml\n", "")
    (one, _) = removed = found(shop, "removed-data")
    assert places(removed) == {("apps/base/kustomization.yaml", 2)}
    assert one.message.endswith("(the change removes apps/base/claim.yaml:1)")


def test_of_a_file_that_is_only_listed_no_more_its_own_line_is_shown(shop: Fleet) -> None:
    shop.edit("apps/base/kustomization.yaml", "- claim.yaml\n", "")
    (one, _) = removed = found(shop, "removed-data")
    assert places(removed) == {("apps/base/claim.yaml", 1)}
    assert "the change removes" not in one.message


def test_lines_above_that_come_or_go_move_the_place(shop: Fleet) -> None:
    shop.edit("apps/base/kustomization.yaml", "- both.yaml\n", "")
    shop.edit("apps/base/both.yaml", "  namespace: shop\n---\n", "  namespace: shop\n  labels:\n    a: b\n---\n")
    assert places(found(shop, "removed-data")) == {("apps/base/both.yaml", 9)}


def test_of_a_unit_that_goes_with_its_file_the_entry_point_is_shown(shop: Fleet) -> None:
    shop.remove("clusters/prod/tools.yaml")
    assert places(found(shop, "removed-unit")) == {("clusters/prod/flux-system/gotk-sync.yaml", 1)}


def test_a_forge_gets_a_place_for_each(shop: Fleet) -> None:
    shop.remove("apps/base/claim.yaml")
    shop.edit("apps/base/kustomization.yaml", "- claim.yaml\n", "")
    removed = found(shop, "removed-data")
    (result,) = json.loads(sarif.render("fluxidx impact", removed, RULES))["runs"][0]["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "apps/base/kustomization.yaml"
    assert location["physicalLocation"]["region"]["startLine"] == 2
    assert "file=apps/base/kustomization.yaml,line=2,endLine=2" in github.render(removed)
