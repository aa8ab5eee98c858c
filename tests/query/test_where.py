import pytest

from indexer.errors import NotFound
from indexer.flux.model import ObjectId
from indexer.git.remotes import Forge
from indexer.manifest.node import Role
from indexer.query.answers import Hop
from indexer.query.names import parse
from indexer.query.where import where


def bar(fleet, **options):
    return where(fleet.of("prod"), fleet.repository, parse(["ns/bar"]), **options).matches[0]


def test_the_definition_comes_first_then_changes_then_what_deploys_it(fleet) -> None:
    match = bar(fleet)
    assert match.object == ObjectId("", "v1", "Namespace", None, "bar")
    assert [(one.role, one.operation, str(one.span), one.fields) for one in match.contributions] == [
        (Role.DEFINES, "resource", "apps/namespace.yaml:1:1", ("",)),
        (Role.CONFIGURES, "resources", "apps/kustomization.yaml:2:1", ()),
        (Role.PATCHES, "strategic merge patch", "apps/patch.yaml:4:1", ("/metadata/labels/team",)),
        (Role.PATCHES, "strategic merge patch", "apps/patch.yaml:5:1", ("/metadata/labels/env",)),
        (Role.DEPLOYS, "Kustomization flux-system/apps", "clusters/prod/apps.yaml:1:1", ()),
        (Role.DEPLOYS, "Kustomization flux-system/flux-system", "clusters/prod/sync.yaml:3:1", ()),
    ]


def test_the_chain_leads_to_the_entry_point(fleet) -> None:
    match = bar(fleet)
    assert [(str(link.unit), str(link.definition), link.path) for link in match.chain] == [
        ("Kustomization/flux-system/apps", "clusters/prod/apps.yaml:1:1", "./apps"),
        ("Kustomization/flux-system/flux-system", "clusters/prod/sync.yaml:3:1", "./clusters/prod"),
    ]
    assert match.source is not None
    assert (match.source.name, match.source.ref) == ("flux-system", "branch main")


def test_variables_say_who_supplied_them_and_an_unreadable_one_is_unresolved(fleet) -> None:
    match = bar(fleet)
    assert [(one.variable, one.supplied_by, one.redacted) for one in match.substitutions] == [
        ("ENV", "inline", False),
        ("KEY", "Secret flux-system/keys KEY", True),
    ]
    assert match.unresolved == (Hop("substitution", "${KEY}: Secret flux-system/keys KEY"),)


def test_history_and_link_are_those_of_the_lines(fleet) -> None:
    head = fleet.git("rev-parse", "HEAD")
    match = bar(fleet)
    assert match.commit is not None
    assert (match.commit.sha, match.commit.author, match.commit.subject) == (head, "Ada Example", "Add bar")
    assert match.link == f"https://github.com/acme/fleet/blob/{head}/apps/namespace.yaml#L1-L4"
    assert match.revision == f"main@sha1:{head}"


def test_a_change_elsewhere_is_told_and_leaves_the_link(fleet) -> None:
    (fleet.root / "stray.yaml").write_text("kind: Job\n")
    match = bar(fleet)
    assert match.revision.endswith(" + uncommitted changes")
    assert match.link is not None


def test_uncommitted_lines_have_neither_commit_nor_link(fleet) -> None:
    (fleet.root / "apps/namespace.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: baz\n")
    match = bar(fleet)
    assert (match.commit, match.link) == (None, None)
    assert Hop("commit", "the lines are not committed yet") in match.unresolved


def test_lines_that_may_have_moved_have_no_link(fleet) -> None:
    with (fleet.root / "apps/namespace.yaml").open("a") as file:
        file.write("# more\n")
    match = bar(fleet)
    assert match.commit is not None
    assert match.link is None
    assert [hop.hop for hop in match.unresolved] == ["substitution", "link"]


def test_a_forge_may_be_named(fleet) -> None:
    fleet.git("remote", "set-url", "origin", "git@git.acme.example:ops/fleet.git")
    # Git configuration is read once by a Repository.
    fleet = fleet.__class__(fleet.root, fleet.repository.open(fleet.root), fleet.scope, fleet.tree)
    assert "[forges]" in next(hop.reason for hop in bar(fleet).unresolved if hop.hop == "link")
    link = bar(fleet, forges={"git.acme.example": Forge.GITLAB}).link
    assert link is not None
    assert link.startswith("https://git.acme.example/ops/fleet/-/blob/")


def test_the_remote_the_branch_follows_is_linked(fleet) -> None:
    fleet.git("remote", "add", "fork", "https://github.com/me/fleet")
    fleet.git("config", "branch.main.remote", "fork")
    fleet.git("config", "branch.main.merge", "refs/heads/main")
    # Git configuration is read once by a Repository.
    fleet = fleet.__class__(fleet.root, fleet.repository.open(fleet.root), fleet.scope, fleet.tree)
    assert "github.com/me/fleet" in (bar(fleet).link or "")


def test_every_cluster_has_its_own_match(fleet) -> None:
    answer = where(fleet.scope, fleet.repository, parse(["ns/bar"]))
    assert [match.cluster for match in answer.matches] == ["prod", "test"]


def test_nothing_found_is_no_answer(fleet) -> None:
    with pytest.raises(NotFound):
        where(fleet.scope, fleet.repository, parse(["ns/baz"]))
