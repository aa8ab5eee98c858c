"""The commands that show an index: build, ls, units, sql."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from indexer.index.location import locate

pytestmark = pytest.mark.usefixtures("rendering")


def valid(name, text):
    """The answer, checked against the schema that ships with the package."""
    answer = json.loads(text)
    jsonschema.validate(answer, json.loads(files("indexer.report").joinpath(f"schema/{name}.json").read_text()))
    return answer


def test_build_lists_each_reason_once_with_its_units(fluxidx, any_index):
    code, out, err = fluxidx("build")
    assert (code, err) == (0, "")
    assert out == (
        "prod     4 units (1 failed, 1 unresolved), 2 objects\n"
        "staging  4 units (1 failed, 1 unresolved), 2 objects\n"
        "\n"
        "Failed\n"
        "  no such file\n"
        "    prod: Kustomization/flux-system/infra  infra/kustomization.yaml:3:5\n"
        "    staging: Kustomization/flux-system/infra  infra/kustomization.yaml:3:5\n"
        "\n"
        "2 HelmReleases not rendered: their charts are not at hand (-v lists them)\n"
        f"Indexed: working tree, in {locate(any_index, Path())}\n"
    )
    assert fluxidx("build")[1].splitlines()[-1].startswith("Up to date: working tree")


def test_build_fails_for_its_units_only_when_strict(fluxidx):
    assert fluxidx("build", "--jobs", "2")[0] == 0
    assert fluxidx("build", "--strict")[0] == 1


def test_build_as_json(fluxidx):
    code, out, _ = fluxidx("build", "--rev", "main", "-o", "json")
    answer = valid("build", out)
    assert code == 0
    assert (answer["schema"], answer["query"], answer["rendered"]) == (
        "fluxidx/1",
        {"command": "build", "revision": "main"},
        True,
    )
    assert answer["clusters"][0] == {
        "cluster": "prod",
        "units": {"rendered": 2, "failed": 1, "unresolved": 1, "suspended": 0},
        "objects": 2,
    }
    assert answer["problems"][1] == {
        "cluster": "prod",
        "unit": {"kind": "Kustomization", "namespace": "flux-system", "name": "infra"},
        "state": "failed",
        "reason": "infra/kustomization.yaml:3:5: no such file",
    }


def test_units_are_a_tree(fluxidx):
    code, out, err = fluxidx("units", "--cluster", "prod")
    assert code == 0
    assert err.endswith("there is no index: building it\n")
    assert out == (
        "prod                                                          4 units, 2 objects\n"
        "✓ Kustomization flux-system/flux-system  ./                            0 objects\n"
        "├─ ✓ Kustomization flux-system/apps  ./apps/prod                       2 objects\n"
        "│  └─ ? HelmRelease bar/redis                                         unresolved\n"
        "└─ ✗ Kustomization flux-system/infra  ./infra                             failed\n"
        "       infra/kustomization.yaml:3:5: no such file\n"
        "\n"
        "1 HelmRelease not rendered: its chart is not at hand (-v lists it)\n"
    )


def test_units_say_with_v_what_each_release_waits_for(fluxidx):
    assert fluxidx("units", "-v", "--cluster", "prod")[1] == (
        "prod                                                          4 units, 2 objects\n"
        "✓ Kustomization flux-system/flux-system  ./                            0 objects\n"
        "├─ ✓ Kustomization flux-system/apps  ./apps/prod                       2 objects\n"
        "│  └─ ? HelmRelease bar/redis                                         unresolved\n"
        "│         expanded by chart redis of HelmRepository bar/redis: edit the values\n"
        "│         at apps/redis.yaml:7:5\n"
        "└─ ✗ Kustomization flux-system/infra  ./infra                             failed\n"
        "       infra/kustomization.yaml:3:5: no such file\n"
    )


def test_units_as_json(fluxidx):
    units = valid("units", fluxidx("units", "-o", "json", "--cluster", "prod")[1])
    assert [unit["unit"]["name"] for unit in units] == ["redis", "apps", "flux-system", "infra"]
    assert units[0] == {
        "cluster": "prod",
        "unit": {"kind": "HelmRelease", "namespace": "bar", "name": "redis"},
        "state": "unresolved",
        "reason": "expanded by chart redis of HelmRepository bar/redis: edit the values at apps/redis.yaml:7:5",
        "source": None,
        "path": None,
        "parent": {"kind": "Kustomization", "namespace": "flux-system", "name": "apps"},
        "definition": None,
        "objects": 0,
        "target": None,
    }
    assert units[1] == {
        "cluster": "prod",
        "unit": {"kind": "Kustomization", "namespace": "flux-system", "name": "apps"},
        "state": "rendered",
        "reason": None,
        "source": {
            "kind": "GitRepository",
            "namespace": "flux-system",
            "name": "flux-system",
            "url": "https://git.example.org/fleet.git",
            "ref": "branch main",
        },
        "path": "./apps/prod",
        "parent": {"kind": "Kustomization", "namespace": "flux-system", "name": "flux-system"},
        "definition": {
            "repository": None,
            "file": "clusters/prod/apps.yaml",
            "document": 0,
            "line": 1,
            "column": 1,
            "end_line": 15,
            "end_column": 9,
        },
        "objects": 2,
        "target": None,
    }
    assert [json.loads(line) for line in fluxidx("units", "-o", "jsonl", "--cluster", "prod")[1].splitlines()] == units


def test_ls_is_a_table(fluxidx):
    assert fluxidx("ls", "--cluster", "prod")[:2] == (
        0,
        (
            "CLUSTER  KIND       NAMESPACE  NAME      DEFINED AT                  UNIT\n"
            "prod     Namespace  -          bar       apps/base/namespace.yaml:1  Kustomization/flux-system/apps\n"
            "prod     ConfigMap  bar        settings  -                           Kustomization/flux-system/apps\n"
        ),
    )


def test_ls_as_json(fluxidx):
    objects = valid("ls", fluxidx("ls", "-o", "json")[1])
    assert len(objects) == 4
    assert objects[0] == {
        "cluster": "prod",
        "applied_by": None,
        "unit": {"kind": "Kustomization", "namespace": "flux-system", "name": "apps"},
        "object": {"group": "", "version": "v1", "kind": "Namespace", "namespace": None, "name": "bar"},
        "role": "defines",
        "definition": {
            "repository": None,
            "file": "apps/base/namespace.yaml",
            "document": 0,
            "line": 1,
            "column": 1,
            "end_line": 6,
            "end_column": 9,
        },
        "digest": "aa" * 32,
    }
    assert [json.loads(line) for line in fluxidx("ls", "-o", "jsonl")[1].splitlines()] == objects


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["ns/bar"], ["bar", "bar"]),
        (["namespace", "bar", "--cluster", "prod"], ["bar"]),
        (["cm/*", "-n", "bar"], ["settings", "settings"]),
        (["-n", "bar", "--cluster", "prod"], ["settings"]),
        (["-n", "b*", "--cluster", "prod"], ["settings"]),
        (["-n", "nowhere"], []),
    ],
)
def test_ls_of_some_objects(fluxidx, arguments, names):
    code, out, _ = fluxidx("ls", "-o", "json", *arguments)
    assert (code, [row["object"]["name"] for row in json.loads(out)]) == (0, names)


def test_ls_of_an_object_that_is_not_there(fluxidx):
    code, out, err = fluxidx("ls", "ns/baz")
    assert (code, out) == (1, "")
    assert "bar" in err


@pytest.mark.parametrize("command", [["ls"], ["units"]])
def test_no_build_needs_an_index(fluxidx, any_index, command):
    code, out, err = fluxidx(*command, "--no-build")
    assert (code, out) == (3, "")
    assert err == f"fluxidx: {locate(any_index, Path())}: there is no index: run `fluxidx build`\n"


def test_an_unknown_cluster_is_an_error(fluxidx):
    code, _, err = fluxidx("units", "--cluster", "prd")
    assert code == 2
    assert "'prd'" in err


def test_sql_as_text_and_json(fluxidx, tmp_path, monkeypatch):
    index = str(tmp_path / "elsewhere.db")
    fluxidx("build", "--index", index)
    monkeypatch.chdir(tmp_path)
    query = "SELECT name, reason, objects FROM units WHERE cluster = 'prod' AND kind = 'Kustomization' ORDER BY name"
    assert fluxidx("sql", "--index", index, query)[:2] == (
        0,
        (
            "name         reason                                      objects\n"
            "-----------  ------------------------------------------  -------\n"
            "apps                                                           2\n"
            "flux-system                                                    0\n"
            "infra        infra/kustomization.yaml:3:5: no such file        0\n"
        ),
    )
    rows = [
        {"name": "apps", "reason": None, "objects": 2},
        {"name": "flux-system", "reason": None, "objects": 0},
        {"name": "infra", "reason": "infra/kustomization.yaml:3:5: no such file", "objects": 0},
    ]
    assert json.loads(fluxidx("sql", "--index", index, "-o", "json", query)[1]) == rows
    assert [json.loads(row) for row in fluxidx("sql", "--index", index, "-o", "jsonl", query)[1].splitlines()] == rows
    assert fluxidx("sql", "--index", index, "SELECT name FROM units WHERE 0")[1] == "name\n----\n"


def test_sql_that_is_wrong_is_one_message(fluxidx):
    fluxidx("build")
    code, out, err = fluxidx("sql", "DELETE FROM unit")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"fluxidx: sql: (not authorized: only SELECT is allowed|syntax error at or near .*)\n", err)
    code, out, err = fluxidx("sql", "SELECT x FROM units")
    assert (code, out) == (2, "")
    assert re.fullmatch(r"fluxidx: sql: (no such column: x|column .x. does not exist)\n", err)


def test_sql_builds_nothing(fluxidx):
    code, _, err = fluxidx("sql", "SELECT 1")
    assert code == 3
    assert "run `fluxidx build`" in err


def test_sql_gives_plain_numbers(fluxidx):
    fluxidx("build")
    query = "SELECT sum(objects) AS n, avg(objects) * 3 AS x FROM units"
    assert json.loads(fluxidx("sql", "-o", "json", query)[1]) == [{"n": 4, "x": 1.5}]
