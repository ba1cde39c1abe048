"""Scores as pure functions of samples or features; each is reported with a ``Stamp`` of how it was measured."""

from __future__ import annotations

from ganvas.metrics.aliasing import AliasReport, aliased
from ganvas.metrics.conditional import ConditionalAccuracy, conditional_accuracy
from ganvas.metrics.density_coverage import DensityCoverage, density_coverage, perfect_coverage
from ganvas.metrics.frechet import frechet_between_gaussians, frechet_distance
from ganvas.metrics.frechet_infinity import FrechetInfinity, frechet_infinity
from ganvas.metrics.inception import InceptionScore, inception_score
from ganvas.metrics.kernel import KernelDistance, cmmd, kernel_distance
from ganvas.metrics.memorisation import Memorisation, authenticity, memorisation
from ganvas.metrics.modes import ModeCoverage, mode_coverage
from ganvas.metrics.moments import Moments
from ganvas.metrics.ms_ssim import ms_ssim, ms_ssim_diversity
from ganvas.metrics.networks import FEATURE_NETWORKS, FeatureNetwork, feature_network
from ganvas.metrics.over_ranks import gather_over_ranks, merge_over_ranks
from ganvas.metrics.perceptual import PathLength, lpips_distance, perceptual_path_length
from ganvas.metrics.precision_recall import PrecisionRecall, precision_recall
from ganvas.metrics.psnr_ssim import l1, psnr, ssim
from ganvas.metrics.real_statistics import RealStatistics, real_statistics
from ganvas.metrics.resize import quantise, resize
from ganvas.metrics.score import Score
from ganvas.metrics.sharpness import sharpness
from ganvas.metrics.stacked import StackedModes, stacked_digits, stacked_modes
from ganvas.metrics.stamp import Stamp

__all__ = [
    "FEATURE_NETWORKS",
    "AliasReport",
    "ConditionalAccuracy",
    "DensityCoverage",
    "FeatureNetwork",
    "FrechetInfinity",
    "InceptionScore",
    "KernelDistance",
    "Memorisation",
    "ModeCoverage",
    "Moments",
    "PathLength",
    "PrecisionRecall",
    "RealStatistics",
    "Score",
    "StackedModes",
    "Stamp",
    "aliased",
    "authenticity",
    "cmmd",
    "conditional_accuracy",
    "density_coverage",
    "feature_network",
    "frechet_between_gaussians",
    "frechet_distance",
    "frechet_infinity",
    "gather_over_ranks",
    "inception_score",
    "kernel_distance",
    "l1",
    "lpips_distance",
    "memorisation",
    "merge_over_ranks",
    "mode_coverage",
    "ms_ssim",
    "ms_ssim_diversity",
    "perceptual_path_length",
    "perfect_coverage",
    "precision_recall",
    "psnr",
    "quantise",
    "real_statistics",
    "resize",
    "sharpness",
    "ssim",
    "stacked_digits",
    "stacked_modes",
]
