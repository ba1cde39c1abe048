"""Scores as pure functions of samples or features; each is reported with a ``Stamp`` of how it was measured."""

from __future__ import annotations

from ganvas.metrics.frechet import frechet_between_gaussians, frechet_distance
from ganvas.metrics.modes import ModeCoverage, mode_coverage
from ganvas.metrics.sharpness import sharpness
from ganvas.metrics.stamp import Stamp

__all__ = ["ModeCoverage", "Stamp", "frechet_between_gaussians", "frechet_distance", "mode_coverage", "sharpness"]
