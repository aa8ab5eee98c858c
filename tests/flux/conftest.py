"""What the tests of this room share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from indexer.flux.model import Unit

sys.path.append(str(Path(__file__).parent))

from flux_fleet import Fleet, sync


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """An empty repository whose remote is ``flux_fleet.URL``."""
    return Fleet(tmp_path)


@pytest.fixture
def units(fleet: Fleet) -> Callable[..., dict[str, Unit]]:
    """Renders a cluster ``one`` of some files: its units by ``Kind/namespace/name``."""

    def render(files: Mapping[str, str], *, bootstrap: bool = True) -> dict[str, Unit]:
        start = {"clusters/one/flux-system/gotk-sync.yaml": sync("one")} if bootstrap else {}
        fleet.write(**start, **files)
        (cluster,) = fleet.render().values()
        return {str(unit.id): unit for unit in cluster.units}

    return render
