"""Feature networks: what turns pictures into the vectors that scores compare."""

from __future__ import annotations

from ganvas.metrics.networks.choice import FEATURE_NETWORKS, feature_network
from ganvas.metrics.networks.contract import FeatureNetwork, StagedNetwork
from ganvas.metrics.networks.raw import Raw

__all__ = ["FEATURE_NETWORKS", "FeatureNetwork", "Raw", "StagedNetwork", "feature_network"]
