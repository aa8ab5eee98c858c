import pytest

from indexer.manifest.node import Role
from indexer.query.names import Name
from indexer.query.places import Place, files_below
from indexer.query.what import what
from indexer.query.where import where


def deployed(fleet, path, lines=None):
    answer = what(fleet.of("prod"), fleet.tree, [Place(path, lines)])
    return [(f"{row.object.kind}/{row.object.name}", str(row.role), row.span.line) for row in answer.files[0].deploys]


def reason(fleet, path, lines=None):
    (file,) = what(fleet.scope, fleet.tree, [Place(path, lines)]).files
    assert file.deploys == ()
    return file.reason


def test_a_manifest_deploys_its_object(fleet) -> None:
    assert deployed(fleet, "apps/namespace.yaml") == [("Namespace/bar", "defines", 1)]


def test_a_patch_deploys_what_it_patches_line_by_line(fleet) -> None:
    assert deployed(fleet, "apps/patch.yaml") == [("Namespace/bar", "patches", 4), ("Namespace/bar", "patches", 5)]
    assert deployed(fleet, "apps/patch.yaml", (5, 5)) == [("Namespace/bar", "patches", 5)]
    assert deployed(fleet, "apps/patch.yaml", (1, 3)) == []


def test_the_definition_of_a_unit_deploys_all_objects_of_the_unit(fleet) -> None:
    rows = deployed(fleet, "clusters/prod/apps.yaml")
    assert ("Kustomization/apps", "defines", 1) in rows
    assert ("Namespace/bar", "substitutes", 3) in rows
    assert {name for name, role, _ in rows if role == Role.DEPLOYS} == {
        "Namespace/bar", "Deployment/api", "Deployment/api-worker", "Deployment/lonely", "GitRepository/api",
        "Widget/gear",
    }  # fmt: skip


def test_the_entry_point_deploys_everything(fleet) -> None:
    rows = deployed(fleet, "clusters/prod/sync.yaml", (3, 3))
    assert ("Kustomization/apps", "deploys", 3) in rows
    assert ("Namespace/bar", "deploys", 3) in rows
    assert deployed(fleet, "clusters/prod/sync.yaml", (1, 1)) == []


def test_every_cluster_is_told(fleet) -> None:
    (file,) = what(fleet.scope, fleet.tree, [Place("apps/namespace.yaml")]).files
    assert [row.cluster for row in file.deploys] == ["prod", "test"]
    assert file.reason is None


def test_a_directory_stands_for_its_files(fleet) -> None:
    answer = what(fleet.scope, fleet.tree, [Place("apps")])
    assert [(file.file, bool(file.deploys)) for file in answer.files] == [
        ("apps/comment.yaml", False),
        ("apps/kustomization.yaml", True),
        ("apps/namespace.yaml", True),
        ("apps/patch.yaml", True),
        ("apps/unused.yaml", False),
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nowhere.yaml", "does not exist in the repository"),
        (
            "apps/comment.yaml",
            "is read by Kustomization flux-system/apps of cluster prod, and nothing in it reaches an ",
        ),
        ("apps/unused.yaml", "is listed nowhere; the nearest file that could list it is apps/kustomization.yaml"),
        (
            "broken/app.yaml",
            "is read by Kustomization flux-system/broken of cluster prod, which could not be rendered: ",
        ),
        ("old/app.yaml", "is listed by old/kustomization.yaml, which no entry point leads to"),
        (
            "old/kustomization.yaml",
            "is deployed by no entry point: no unit's path is above it, and no kustomization lists",
        ),
        ("stray.yaml", "is deployed by no entry point: no unit's path is above it, and no kustomization lists it"),
        ("bad.yaml", "is not valid YAML: bad.yaml:2:1: "),
        ("left-out/x.yaml", "is left out of Flux's artifact by a pattern: .sourceignore:2: left-out/"),
        ("README.md", "is not a manifest, and no unit reads it"),
    ],
)
def test_a_file_that_deploys_nothing_says_why(fleet, path, text) -> None:
    assert reason(fleet, path).startswith(text)


def test_a_link_is_answered_for_the_file_behind_it(fleet) -> None:
    (fleet.root / "link.yaml").symlink_to("apps/namespace.yaml")
    (file,) = what(fleet.of("prod"), fleet.repository.worktree(), [Place("link.yaml")]).files
    assert (file.file, len(file.deploys)) == ("apps/namespace.yaml", 1)


def test_a_file_that_git_ignores_is_not_missing(fleet) -> None:
    (fleet.root / ".git/info/exclude").write_text("secret.yaml\n")
    (fleet.root / "secret.yaml").write_text("kind: Secret\n")
    (file,) = what(fleet.scope, fleet.repository.worktree(), [Place("secret.yaml")]).files
    assert file.reason == "is ignored by Git, so Flux never sees it"


def test_lines_without_effect_say_that_others_have_one(fleet) -> None:
    assert reason(fleet, "apps/patch.yaml", (1, 3)) == (
        "these lines set nothing that is deployed; other lines of the file have a part in 2 objects"
    )


def test_where_and_what_agree(fleet) -> None:
    """Object O is in `what F` if and only if F is in `where O`, for every file and object."""
    scope = fleet.scope
    forwards = {
        (file, row.cluster, row.unit, row.object)
        for file in [*files_below(fleet.tree, ""), "apps/api.yaml"]
        for row in what(scope, fleet.tree, [Place(file)]).files[0].deploys
    }
    backwards = set()
    for match in where(scope, fleet.repository, Name("*", None, "*")).matches:
        spans = [one.span for one in (*match.contributions, *match.substitutions) if one.span is not None]
        spans += [link.definition for link in match.chain if link.definition is not None]
        backwards |= {(span.source.file, match.cluster, match.unit, match.object) for span in spans}
    assert forwards == backwards
    assert len(forwards) > 20
