"""Bases and files at a URL, other repositories, and other revisions of this one: read where a copy lies."""

import json

import pytest
from flux_fleet import Fleet, config_map, kustomization, source, sync

from indexer.cli.main import run
from indexer.flux.config import Config, SourceConfig
from indexer.flux.model import UnitState

LIB = "https://github.com/acme/lib"


@pytest.fixture
def fleet(tmp_path):
    (tmp_path / "fleet").mkdir()
    return Fleet(tmp_path / "fleet")


@pytest.fixture
def lib(tmp_path):
    """Another repository: ``old`` at v1.0.0, ``new`` at v1.2.0, ``next`` on main."""
    (tmp_path / "lib").mkdir()
    lib = Fleet(tmp_path / "lib")
    for name, tag in (("old", "v1.0.0"), ("new", "v1.2.0"), ("next", "")):
        lib.write(**{"base/kustomization.yaml": "resources: [../cm/cm.yaml]\n", "base/x": name})
        lib.write(
            **{
                "base/kustomization.yaml": "resources: [../cm]\n",
                "cm/kustomization.yaml": "resources: [cm.yaml]\n",
                "cm/cm.yaml": config_map(name),
            }
        )
        if tag:
            lib.git("tag", tag)
    return lib


def of_lib(lib, url=LIB):
    return Config(sources=(SourceConfig(url, lib.root),))


def overlay(fleet, *resources, more=None):
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/app.yaml": kustomization("app", "./app"),
            "app/kustomization.yaml": "".join(["resources:\n", *(f"- {entry}\n" for entry in resources)]),
            **(more or {}),
        }
    )


@pytest.mark.parametrize(
    ("entry", "name", "ref"),
    [
        (f"{LIB}//base?ref=v1.0.0", "old", "v1.0.0"),
        ("git@github.com:acme/lib.git//base?ref=v1.2.0", "new", "v1.2.0"),
        ("github.com/acme/lib/base?ref=main", "next", "main"),
        (f"{LIB}//base", "next", "HEAD"),
        ("https://raw.githubusercontent.com/acme/lib/v1.0.0/cm/cm.yaml", "old", "v1.0.0"),
        ("https://github.com/acme/lib/raw/refs/heads/main/cm/cm.yaml", "next", "main"),
    ],
)
def test_a_base_or_file_of_a_repository_that_is_at_hand(fleet, lib, entry, name, ref):
    overlay(fleet, entry)
    app = fleet.units(of_lib(lib))["app"]
    (obj,) = app.objects
    assert (app.state, obj.id.name) == (UnitState.RENDERED, name)
    assert obj.definition.source.repository == f"github.com/acme/lib@{ref}"
    assert obj.definition.source.file == "cm/cm.yaml"
    assert [str(c.span) for c in obj.contributions][1] == "app/kustomization.yaml:2:3"
    assert "cm/cm.yaml" not in app.inputs.read


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (f"{LIB}//base?ref=v9", "has no ref v9"),
        ("https://github.com/acme/other//base", "map https://github.com/acme/other to a local copy"),
        ("https://raw.githubusercontent.com/acme/lib/v1.0.0/none.yaml", "its copy has no file none.yaml"),
        ("https://example.org/crds.yaml", "is remote and not fetched"),
    ],
)
def test_what_is_not_at_hand_leaves_the_unit_unresolved_with_the_line(fleet, lib, entry, why):
    overlay(fleet, entry)
    app = fleet.units(of_lib(lib))["app"]
    assert app.state is UnitState.UNRESOLVED
    assert app.reason.startswith("app/kustomization.yaml:2:3: ")
    assert why in app.reason


def test_files_by_url(fleet, tmp_path):
    (tmp_path / "vendor" / "v1").mkdir(parents=True)
    (tmp_path / "vendor" / "v1" / "cm.yaml").write_text(config_map("vendored"))
    crds = "https://example.org/releases"
    overlay(fleet, f"{crds}/v1/cm.yaml", "https://example.org/one.yaml", more={"copies/one.yaml": config_map("one")})
    given = (
        SourceConfig(crds, tmp_path / "vendor"),
        SourceConfig("https://example.org/one.yaml", fleet.root / "copies/one.yaml"),
    )
    app = fleet.units(Config(sources=given))["app"]
    places = {obj.id.name: (obj.definition.source.repository, obj.definition.source.file) for obj in app.objects}
    assert places == {"vendored": ("example.org/releases", "v1/cm.yaml"), "one": (None, "copies/one.yaml")}
    assert app.inputs.read.keys() >= {"copies/one.yaml", "app/kustomization.yaml"}


def test_a_base_at_a_tag_of_this_repository(fleet):
    fleet.write(**{"base/kustomization.yaml": "resources: [cm.yaml]\n", "base/cm.yaml": config_map("old")})
    fleet.git("tag", "v1")
    overlay(fleet, "https://git.example.org/team/fleet//base?ref=v1", "https://git.example.org/team/fleet//now?ref=main",
            more={"now/kustomization.yaml": "resources: [cm.yaml]\n", "now/cm.yaml": config_map("now")})  # fmt: skip
    places = {o.id.name: o.definition.source.repository for o in fleet.units()["app"].objects}
    assert places == {"old": "git.example.org/team/fleet@v1", "now": None}


def test_a_clone_that_leads_to_itself(fleet, lib):
    lib.write(**{"base/kustomization.yaml": f"resources: ['{LIB}//base']\n"})
    overlay(fleet, f"{LIB}//base")
    app = fleet.units(of_lib(lib))["app"]
    assert app.state is UnitState.FAILED
    assert "a cycle" in app.reason


def test_a_clone_reads_nothing_outside_of_its_directories(fleet, lib):
    lib.write(**{"base/kustomization.yaml": "resources: [../cm/cm.yaml]\n"})
    overlay(fleet, f"{LIB}//base")
    app = fleet.units(of_lib(lib))["app"]
    assert app.state is UnitState.FAILED
    assert "outside this kustomization's directory" in app.reason


@pytest.mark.parametrize(
    ("ref", "name"), [("tag: v1.0.0", "old"), ("semver: 1.x", "new"), ("semver: <1.1", "old"), ("branch: main", "next")]
)
def test_a_source_in_another_repository(fleet, lib, ref, name):
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/app.yaml": f"{source('lib', LIB, ref)}---\n{kustomization('app', './base', of='lib')}",
        }
    )
    app = fleet.units(of_lib(lib))["app"]
    assert [obj.id.name for obj in app.objects] == [name]
    assert (app.source.url, app.source.ref, app.directory) == (LIB, ref.replace(": ", " "), None)


@pytest.mark.parametrize("ref", ["tag: v9", "semver: '>2'", "semver: latest", "branch: gone", "commit: 0123456"])
def test_a_ref_that_the_copy_lacks(fleet, lib, ref):
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/app.yaml": f"{source('lib', LIB, ref)}---\n{kustomization('app', './base', of='lib')}",
        }
    )
    app = fleet.units(of_lib(lib))["app"]
    assert app.state is UnitState.UNRESOLVED
    assert "which GitRepository flux-system/lib checks out: git fetch it there" in app.reason


def test_two_repositories_make_one_cluster_and_one_index(fleet, lib, capsys):
    fleet.write(
        **{
            "clusters/one/flux-system/gotk-sync.yaml": sync("one"),
            "clusters/one/app.yaml": f"{source('lib', LIB)}---\n{kustomization('app', './base', of='lib')}",
        }
    )

    def fluxidx(*arguments):
        code = run([*arguments, "--repo", str(fleet.root)])
        return code, capsys.readouterr()

    given = ("--source", f"{LIB}={lib.root}")
    assert fluxidx("build", "--strict")[0] == 1
    assert fluxidx("build", "--strict", *given)[0] == 0
    (match,) = json.loads(fluxidx("where", "cm/next", "-o", "json", *given)[1].out)["matches"]
    definition = match["definition"]
    assert (definition["repository"], definition["file"]) == ("github.com/acme/lib@main", "cm/cm.yaml")
    # The link leads to the branch: which commit it is at is known to the other clone alone.
    assert match["link"] == "https://github.com/acme/lib/blob/main/cm/cm.yaml#L1-L4"
    assert match["commit"] is None
    assert {"hop": "commit", "reason": "the definition is in another repository, github.com/acme/lib@main"} in match[
        "unresolved"
    ]
    assert [link["unit"]["name"] for link in match["chain"]] == ["app", "flux-system"]
    # A commit in the other repository makes the index old.
    lib.write(**{"cm/cm.yaml": config_map("later")})
    assert fluxidx("where", "cm/later", "--no-build", *given)[0] == 3
    assert fluxidx("where", "cm/later", *given)[0] == 0
    code, printed = fluxidx("where", "cm/later", "--source", "nonsense")
    assert (code, "write URL=PATH" in printed.err) == (2, True)
