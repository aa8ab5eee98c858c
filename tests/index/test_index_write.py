"""Writing: what comes out of the views is what went in, whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace as changed
from pathlib import Path

import pytest

from indexer.git.text import storable
from indexer.index.errors import IndexUnusable
from indexer.index.location import at_path, locate
from indexer.index.read import connect
from indexer.index.write import replace


@pytest.fixture
def location(any_index, tmp_path):
    return locate(any_index, tmp_path)


def rows(location, sql, **parameters):
    with connect(location) as index:
        return index.rows(sql, parameters)


def check_everything(location):
    """The sample's rows, as the views give them on any database."""
    assert rows(location, "SELECT * FROM builds") == [
        {
            "repository": "/srv/fleet/.git", "root": "/srv/fleet", "revision": None, "head": "c" * 40,
            "fingerprint": "f1", "engine": "1.0", "built_at": "2025-01-31T12:00:00+00:00", "refs": "[]",
        }
    ]  # fmt: skip
    assert rows(location, "SELECT * FROM clusters") == [
        {"cluster": "prod", "entry": '["clusters/prod/gotk-sync.yaml"]', "build": "/srv/fleet/.git"}
    ]
    apps, root, redis, infra = rows(location, "SELECT * FROM units ORDER BY unit_id")
    assert apps == {
        "unit_id": apps["unit_id"], "cluster": "prod", "kind": "Kustomization", "namespace": "flux-system",
        "name": "apps", "state": "rendered", "reason": None,
        "source_kind": "GitRepository", "source_namespace": "flux-system",
        "source_name": "flux-system", "source_url": "https://git.example.org/fleet.git", "source_ref": "branch main",
        "path": "./apps/prod", "directory": "apps/prod", "parent_kind": "Kustomization",
        "parent_namespace": "flux-system", "parent_name": "flux-system", "parent_id": root["unit_id"],
        "target": None,
        "repository": "", "file": "clusters/prod/apps.yaml", "document": 0, "line": 1, "column_": 1, "end_line": 15,
        "end_column": 9, "objects": 2, "build": "/srv/fleet/.git",
    }  # fmt: skip
    assert (root["directory"], root["parent_id"], root["parent_kind"]) == ("", None, None)
    assert (redis["state"], redis["source_kind"], redis["path"], redis["directory"], redis["file"]) == (
        "unresolved", None, None, None, None,
    )  # fmt: skip
    assert (infra["state"], infra["reason"]) == ("failed", "infra/kustomization.yaml:3:5: no such file")

    bar, settings = rows(location, "SELECT * FROM objects ORDER BY object_id")
    assert bar == {
        "object_id": bar["object_id"], "unit_id": apps["unit_id"], "cluster": "prod", "applied_by": None,
        "unit_kind": "Kustomization", "unit_namespace": "flux-system", "unit_name": "apps", "group_": "",
        "version": "v1", "kind": "Namespace", "namespace": "", "name": "bar", "role": "defines", "digest": "aa" * 32,
        "repository": "", "file": "apps/base/namespace.yaml", "document": 0, "line": 1, "column_": 1, "end_line": 6,
        "end_column": 9,
    }  # fmt: skip
    assert (settings["role"], settings["repository"], settings["file"], settings["line"]) == (
        "generates",
        None,
        None,
        None,
    )

    patch, label = rows(location, "SELECT * FROM contributions ORDER BY contribution_id")
    assert patch == {
        "contribution_id": patch["contribution_id"], "object_id": bar["object_id"], "unit_id": apps["unit_id"],
        "role": "patches", "operation": "strategic merge patch", "repository": "", "file": "apps/prod/patch.yaml",
        "document": 1, "line": 3, "column_": 1, "end_line": 3, "end_column": 9, "fields": patch["fields"],
        "overridden": 0,
    }  # fmt: skip
    assert json.loads(patch["fields"]) == ["/metadata/labels/a", "/metadata/labels/ü"]
    assert (label["repository"], label["file"], label["overridden"]) == ("other", "base.yaml", 1)

    domain, token = rows(location, "SELECT * FROM substitutions ORDER BY variable")
    assert domain == {
        "object_id": bar["object_id"], "unit_id": apps["unit_id"], "variable": "DOMAIN",
        "fields": '["/metadata/annotations/d"]', "supplied_by": "inline", "redacted": 0, "repository": "",
        "file": "clusters/prod/apps.yaml", "document": 0, "line": 14, "column_": 1, "end_line": 14, "end_column": 9,
    }  # fmt: skip
    assert (token["supplied_by"], token["redacted"], token["file"]) == ("Secret flux-system/vars TOKEN", 1, None)

    assert rows(
        location, "SELECT access, path, blob FROM inputs WHERE unit_id = :u ORDER BY access", u=apps["unit_id"]
    ) == [
        {"access": "absent", "path": "apps/prod/x.yaml", "blob": ""},
        {"access": "listed", "path": "apps/prod", "blob": "22" * 20},
        {"access": "read", "path": "apps/base/namespace.yaml", "blob": "11" * 20},
    ]


def test_views_give_what_was_written(location, cluster, build):
    replace(location, build(), [cluster()])
    check_everything(location)


def test_what_is_the_same_for_many_objects_is_shown_for_each(location, cluster, build):
    replace(location, build(), [cluster("prod"), cluster("staging")])
    shown = rows(
        location,
        "SELECT o.cluster, c.operation, c.file FROM contributions c JOIN objects o ON o.object_id = c.object_id "
        "ORDER BY c.contribution_id",
    )
    assert [tuple(row.values()) for row in shown] == [
        ("prod", "strategic merge patch", "apps/prod/patch.yaml"),
        ("prod", "labels", "base.yaml"),
        ("staging", "strategic merge patch", "apps/prod/patch.yaml"),
        ("staging", "labels", "base.yaml"),
    ]
    assert rows(location, "SELECT count(DISTINCT contribution_id) AS n FROM contributions") == [{"n": 4}]
    assert rows(location, "SELECT count(*) AS n FROM substitutions") == [{"n": 4}]
    assert rows(location, "SELECT count(*) AS n FROM inputs") == [{"n": 8}]


def test_writing_again_replaces_everything(location, cluster, build):
    replace(location, build(fingerprint="f0"), [cluster("old"), cluster("older")])
    replace(location, build(), [cluster()])
    check_everything(location)


@pytest.mark.parametrize("view", ["clusters", "units", "objects", "contributions", "substitutions", "inputs"])
def test_nothing_is_left_of_what_was_replaced(location, cluster, build, view):
    replace(location, build(), [cluster()])
    replace(location, build(), [])
    assert rows(location, f"SELECT * FROM {view}") == []  # noqa: S608 - our own names


def test_repositories_share_an_index(location, cluster, build):
    replace(location, build(), [cluster("prod")])
    replace(location, build("/srv/other/.git"), [cluster("prod"), cluster("lab")])
    replace(location, build(), [cluster("staging")])
    assert rows(location, "SELECT build, cluster FROM clusters ORDER BY build, cluster") == [
        {"build": "/srv/fleet/.git", "cluster": "staging"},
        {"build": "/srv/other/.git", "cluster": "lab"},
        {"build": "/srv/other/.git", "cluster": "prod"},
    ]
    assert rows(location, "SELECT count(*) AS n FROM objects") == [{"n": 6}]
    assert rows(location, "SELECT DISTINCT file FROM contributions ORDER BY file") == [
        {"file": "apps/prod/patch.yaml"},
        {"file": "base.yaml"},
    ]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("apps/caf\udce9.yaml", r"apps/caf\xe9.yaml"),
        ("apps/café.yaml", "apps/café.yaml"),
        ("a\0b", r"a\x00b"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("lone \ud800 surrogate", r"lone \ud800 surrogate"),
        ("two\nlines", "two\nlines"),
        ("", ""),
    ],
)
def test_any_text_can_be_stored_and_found(location, cluster, build, text, stored):
    one = cluster()
    units = (changed(one.units[0], reason=text, path=text), *one.units[1:])
    replace(location, build(), [one._replace(units=units)])
    assert storable(text) == stored
    assert rows(location, "SELECT reason FROM units WHERE path = :path", path=text) == [{"reason": stored}]


def test_readers_see_the_old_index_until_the_new_one_is_whole(location, cluster, build, paused_writer):
    replace(location, build(), [cluster("old")])
    writer = paused_writer(location.url, build(), [cluster("new")])
    with connect(location) as early:
        assert early.rows("SELECT cluster FROM clusters") == [{"cluster": "old"}]
        writer.go()
        assert early.rows("SELECT DISTINCT cluster FROM objects") == [{"cluster": "old"}]
    assert rows(location, "SELECT DISTINCT cluster FROM objects") == [{"cluster": "new"}]


def test_a_killed_build_leaves_the_old_index(location, cluster, build, paused_writer):
    replace(location, build(), [cluster()])
    paused_writer(location.url, build(fingerprint="f2"), [cluster("new")]).kill()
    check_everything(location)
    replace(location, build(), [cluster()])
    check_everything(location)


def test_the_first_build_may_be_killed_too(location, cluster, build, paused_writer):
    paused_writer(location.url, build(), [cluster()]).kill()
    replace(location, build(), [cluster()])
    check_everything(location)


def test_an_index_that_cannot_be_written_names_the_place(tmp_path, cluster, build):
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexUnusable, match=r"file: the index cannot be written: .*--index"):
        replace(at_path(tmp_path / "file" / "index.db"), build(), [cluster()])
    (tmp_path / "text").write_text("not a database, and long enough to be none" * 30)
    with pytest.raises(IndexUnusable, match=r"text: the index cannot be written: file is not a database"):
        replace(at_path(tmp_path / "text"), build(), [cluster()])


def test_a_new_index_is_written_without_sqlalchemy(tmp_path, build):
    script = (
        "import sys; from pathlib import Path; from indexer.index.location import at_path; "
        "from indexer.index.write import Build, replace; "
        f"replace(at_path(Path({str(tmp_path / 'index.db')!r})), {build()!r}, []); "
        "print({'sqlalchemy', 'alembic'} & set(sys.modules))"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": root},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "set()\n"
