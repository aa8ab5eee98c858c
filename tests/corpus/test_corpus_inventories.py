"""What the index lists for a cluster is what a real kustomize-controller deployed there."""

import json
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO

import pytest

from indexer.cli.main import run


def printed(*arguments):
    with redirect_stdout(StringIO()) as out:
        assert run(arguments) == 0
    return out.getvalue()


def cluster_of(indexed, inventory):
    """``--cluster`` for the cluster which was bootstrapped from the same files, where there are several.

    Of a hub, what it applies elsewhere through ``kubeConfig`` is listed under the other cluster.
    """
    files = {entry.partition(" ")[0] for entry in inventory["entry"]}
    rows = indexed.scope.index.rows("SELECT cluster, entry FROM clusters")
    (cluster,) = [row["cluster"] for row in rows if files & set(json.loads(row["entry"]))]
    return ("--cluster", cluster) if len(rows) > 1 else ()


def test_units_hold_what_flux_deployed(indexed, shared, tmp_path) -> None:
    inventories = sorted((shared / "inventories").glob(f"{indexed.name}--*.json"))
    if not inventories:
        pytest.skip("nobody has taken an inventory of this repository's clusters")
    for answer in ("ls", "units"):
        (tmp_path / answer).write_text(printed(answer, "-o", "json", "--repo", str(indexed.path)))
    for inventory in inventories:
        cluster = cluster_of(indexed, json.loads(inventory.read_text()))
        compare = [
            *(sys.executable, shared / "inventories" / "compare", inventory, "--quiet", *cluster),
            *("--ls", tmp_path / "ls", "--units", tmp_path / "units"),
        ]
        done = subprocess.run(compare, capture_output=True, text=True, check=False)
        print(f"\n{inventory.stem}: {done.stdout.strip()}")  # noqa: T201 - how many were compared
        assert done.returncode == 0, done.stdout
