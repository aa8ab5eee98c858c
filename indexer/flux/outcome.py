"""What is known of a Kustomization before it is rendered, and what became of it."""

from __future__ import annotations

from collections.abc import Callable

from indexer.deferred import NamedTuple, dataclass, field
from indexer.flux.delivery import Delivery
from indexer.flux.kustomization import UnitFailure
from indexer.flux.model import Inputs, UnitId
from indexer.flux.objects import Applied
from indexer.flux.resources import KustomizationSpec
from indexer.flux.scope import Kind
from indexer.flux.sources import Artifact
from indexer.flux.store import Record
from indexer.flux.variables import Carried, Loaded
from indexer.kustomize.layer import Unmatched
from indexer.manifest.history import Contribution


class Task(NamedTuple):
    """A Kustomization whose source and variables are known."""

    spec: KustomizationSpec
    tree_digest: bytes | None
    """Of the Kustomization itself, where it was worked out."""
    artifact: Artifact
    loaded: Loaded | None
    carried: Carried

    @property
    def id(self) -> UnitId:
        return UnitId("Kustomization", self.spec.namespace, self.spec.name)


class Beyond(NamedTuple):
    """What the rows of a unit depend on beyond its own outcome, of what the rest of the cluster knows."""

    releases: tuple[tuple[int, str, str], ...]
    """Of the HelmReleases among its objects: which object it is, its namespace and name."""
    files: tuple[str, ...]
    """Files that its objects point at and that were not read for it: their comments may hold markers."""
    objects: int
    """Number of its objects."""


class Ahead(NamedTuple):
    """A Kustomization that a forked process rendered, packed: all but what its cluster says of it in the end."""

    key: bytes
    inputs: bytes
    outcome: bytes
    objects: bytes
    scoped: tuple[Kind, ...]
    """Those of its kinds that were taken for cluster-scoped."""
    trees: dict[int, bytes]
    """The deliveries, by number, whose trees must not be stored."""
    further: int
    """How many Kustomizations it delivers."""


@dataclass(slots=True)
class Outcome:
    """What became of a Kustomization, as far as its cluster has to know."""

    inputs: Inputs
    failure: UnitFailure | None = None
    unknown: str | None = None
    """What is not known of its objects; None: all is."""
    encrypted: tuple[str, str] | None = None
    """Kind and name of the first object that only a key of SOPS's own kinds opens."""
    kinds: tuple[Kind, ...] = ()
    """Of its objects, each once."""
    scopes: dict[Kind, bool] = field(default_factory=dict)
    """What its CustomResourceDefinitions say: whether a kind is cluster-scoped."""
    unmatched: tuple[Unmatched, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    objects: tuple[Applied, ...] | None = None
    """None where they were not rendered in this process."""
    asked: tuple[str, ...] = ()
    """The variables that were asked for, known or not."""
    answer: bytes = b""
    """What stands for all that was known of them."""
    key: bytes | None = None
    """What it is stored under; None where it is not."""
    record: Record | None = None
    """What it was read from."""
    ahead: Ahead | None = None
    """What that was made of, where it does not come from the store."""
    is_firm: bool = True
    """Whether it rests on nothing but what is recorded of it, its task, and what this repository is called."""
    beyond: Beyond | None = None
    """None until its rows are made."""


class Around(NamedTuple):
    """What the cluster says of the objects of its units."""

    crds: dict[Kind, bool]
    parts_of: Callable[[str, str], tuple[Contribution, ...]]
    """What has a part in a HelmRelease, by namespace and name."""

    def parts(self, beyond: Beyond) -> dict[int, tuple[Contribution, ...]]:
        """What has a part in the HelmReleases of a unit, by the numbers of these objects."""
        found = ((number, self.parts_of(namespace, name)) for number, namespace, name in beyond.releases)
        return {number: parts for number, parts in found if parts}
