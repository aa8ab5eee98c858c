import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.flux.model import ObjectId, SourceRef, Substitution, UnitId
from indexer.git.blame import Commit
from indexer.manifest.node import Role, Source, Span
from indexer.manifest.provenance import Contribution
from indexer.query.answers import Deployed, File, Hop, Link, Match, What, Where
from indexer.report import text_what, text_where
from indexer.report.terminal import Terminal
from indexer.report.text import Writer, object_name, position, some

PLAIN = Terminal()
ROOT = Path("/repo")
SYNC = UnitId("Kustomization", "flux-system", "flux-system")
APPS = UnitId("Kustomization", "flux-system", "apps")
BAR = ObjectId("", "v1", "Namespace", None, "bar")


def at(file: str, first: int, last: int | None = None) -> Span:
    return Span(Source(None, file), first, 1, last or first, 9)


MATCH = Match(
    cluster="a-flux-cluster",
    unit=APPS,
    object=BAR,
    role=Role.DEFINES,
    definition=at("flux/apps/staging/namespace.yaml", 1, 4),
    contributions=(
        Contribution(Role.DEFINES, "resource", at("flux/apps/staging/namespace.yaml", 1, 4)),
        Contribution(Role.PATCHES, "strategic merge patch", at("flux/patch.yaml", 6), ("/metadata/labels/team",)),
        Contribution(Role.PATCHES, "strategic merge patch", at("flux/patch.yaml", 7), ("/metadata/labels/env",)),
        Contribution(Role.DEPLOYS, "Kustomization flux-system/apps", at("clusters/a/apps.yaml", 1, 14)),
    ),
    substitutions=(Substitution("ENV", ("/metadata/labels/env",), "inline", at("clusters/a/apps.yaml", 12)),),
    chain=(
        Link(APPS, at("clusters/a/apps.yaml", 1, 14), "./flux/apps/staging"),
        Link(SYNC, at("clusters/a/sync.yaml", 15, 27), "./clusters/a"),
    ),
    source=SourceRef("GitRepository", "flux-system", "flux-system", "ssh://git@example.org/fleet", "branch main"),
    revision=f"main@sha1:{'3f2c1ab0' * 5}",
    commit=Commit("3f2c1ab0" * 5, "Jane Doe", "2026-01-02T03:04:05+01:00", "Add bar", 0),
    link="https://example.org/x#L1-L4",
    unresolved=(Hop("source", "not at hand"),),
)

EXPECTED = """\
Namespace bar                                             cluster a-flux-cluster
  defined      flux/apps/staging/namespace.yaml:1-4
  patched      flux/patch.yaml:6-7
                 strategic merge patch  /metadata/labels/team,
                 /metadata/labels/env
  variables    ${ENV}  inline  clusters/a/apps.yaml:12
  deployed by  Kustomization flux-system/apps
                 clusters/a/apps.yaml:1-14
               ← Kustomization flux-system/flux-system  (entry point)
                 clusters/a/sync.yaml:15-27
  path         ./flux/apps/staging
  source       GitRepository flux-system/flux-system
                 ssh://git@example.org/fleet  branch main
  revision     main@sha1:3f2c1ab03f
  last commit  3f2c1ab03f  Jane Doe, 2026-01-02  "Add bar"
  link         https://example.org/x#L1-L4
  unresolved   source  not at hand"""


def test_where_reads_from_the_definition_to_the_link() -> None:
    assert text_where.render(Where("ns/bar", (MATCH,)), PLAIN, ROOT) == EXPECTED


def test_colours_and_links_change_nothing_but_themselves() -> None:
    fancy = text_where.render(Where("ns/bar", (MATCH,)), Terminal(colour=True, links=True), ROOT)
    assert "\x1b]8;;file:///repo/flux/patch.yaml\x1b\\" in fancy
    assert re.sub(r"\x1b\]8;;.*?\x1b\\|\x1b\[[0-9;]*m", "", fancy) == EXPECTED


def test_ascii_is_enough() -> None:
    assert text_where.render(Where("ns/bar", (MATCH,)), Terminal(unicode=False), None).isascii()


def test_many_matches_are_a_list_until_details_are_wanted() -> None:
    answer = Where("ns/*", (MATCH,) * 11)
    short = text_where.render(answer, PLAIN, None)
    assert short.startswith("11 objects ")
    assert short.count("flux/apps/staging/namespace.yaml:1-4") == 11
    assert "last commit" not in short
    assert text_where.render(answer, PLAIN, None, verbose=True).count("last commit") == 11


def deployed(
    cluster: str, role: Role, operation: str, line: int, *fields: str, name: str = "bar", unit: UnitId = APPS
) -> Deployed:
    return Deployed(cluster, unit, ObjectId("", "v1", "Namespace", None, name), role, operation, at("f", line), fields)


def test_what_groups_by_cluster_and_unit() -> None:
    rows = tuple(
        row
        for cluster in ("prod", "test")
        for row in (
            deployed(cluster, Role.PATCHES, "strategic merge patch", 6, "/metadata/labels/team"),
            deployed(cluster, Role.PATCHES, "strategic merge patch", 7),
            deployed(cluster, Role.DEPLOYS, "Kustomization flux-system/apps", 1, name="one"),
            deployed(cluster, Role.DEPLOYS, "Kustomization flux-system/apps", 1, name="two", unit=SYNC),
        )
    )
    answer = What(("f",), (File("f", None, rows, None), File("g.md", (3, 4), (), "is not a manifest")))
    assert (
        text_what.render(answer, PLAIN, None)
        == """\
f                                                        6 objects on 2 clusters
  clusters prod, test
    Kustomization flux-system/apps
      Namespace bar  patches: strategic merge patch  :6-7  /metadata/labels/team
    Kustomization flux-system/apps, which this file defines, deploys
      1 object
      1 object through Kustomization flux-system/flux-system

Deploys nothing
  g.md:3-4
    is not a manifest"""
    )


def test_what_counts_where_a_list_would_be_too_long() -> None:
    rows = tuple(deployed("prod", Role.DEFINES, "resource", n, name=f"n{n}") for n in range(1, 31))
    answer = What(("f",), (File("f", None, rows, None),))
    assert "… and 10 more objects (-v lists all)" in text_what.render(answer, PLAIN, None)
    assert "Namespace n30" in text_what.render(answer, PLAIN, None, verbose=True)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([(12, 12)], "f:12"),
        ([(3, 9)], "f:3-9"),
        ([(7, 7), (6, 6)], "f:6-7"),
        ([(1, 3), (2, 5), (9, 9)], "f:1-5,9"),
        ([(n, n) for n in range(1, 20, 2)], "f:1,3,5,7,…"),
    ],
)
def test_a_position_joins_lines(lines, expected) -> None:
    assert position("f", None, lines) == expected


@pytest.mark.parametrize(
    ("terminal", "shown"),
    [
        (PLAIN, "a\\x1b[2J\\x1b[31m b\\x07 \\xff"),
        (Terminal(colour=True), "\x1b[1ma\\x1b[2J\x1b[31m b\\x07 \\xff\x1b[0m"),
    ],
)
def test_what_a_repository_holds_is_no_command_to_the_terminal(terminal, shown) -> None:
    writer = Writer(terminal, None)
    writer.line(terminal.style("a\x1b[2J\x1b[31m b\x07 \udcff", bold=True))
    assert str(writer) == shown


def test_names_stay_on_their_line() -> None:
    assert position("a\nb.yaml", None, [(1, 1)]) == "a\\nb.yaml:1"
    assert object_name(ObjectId("", "v1", "ConfigMap", "x", "a\nb")) == "ConfigMap x/a\\nb"


def test_a_position_names_another_repository() -> None:
    assert position("f", "shared", [(1, 1)]) == "f:1  (shared)"


@given(st.lists(st.text("ab/", min_size=1, max_size=12), min_size=1, max_size=9), st.integers(1, 60))
def test_some_shows_the_first_and_accounts_for_all(texts, room) -> None:
    shown = some(texts, room)
    assert shown.startswith(texts[0])
    listed, _, more = shown.partition(" +")
    assert len(listed.split(", ")) + int(more or 0) == len(texts)
    assert len(shown) <= max(room, len(texts[0]) + 4)
