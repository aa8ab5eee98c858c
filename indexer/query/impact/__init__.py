"""What merging a change does, on every cluster: see ``impact``."""

from indexer.query.impact.answer import impact
from indexer.query.impact.model import (
    Accounted,
    Cause,
    ChangeKind,
    ClusterImpact,
    FieldChange,
    Impact,
    ObjectChange,
    Reach,
    Side,
    Unexplained,
    UnitChange,
    UnitChangeKind,
    Unrendered,
)

__all__ = [
    "Accounted",
    "Cause",
    "ChangeKind",
    "ClusterImpact",
    "FieldChange",
    "Impact",
    "ObjectChange",
    "Reach",
    "Side",
    "Unexplained",
    "UnitChange",
    "UnitChangeKind",
    "Unrendered",
    "impact",
]
