"""Latents: their distribution, and that they depend on the seed and the sample's number alone."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from ganvas.runs.latents import draw


@pytest.mark.parametrize(("prior", "reference"), [("normal", stats.norm()), ("uniform", stats.uniform(-1, 2))])
def test_the_prior(prior, reference):
    z = draw(0, 2000, 50, seed=1, prior=prior)
    assert z.dtype == torch.float32 and z.shape == (2000, 50) and z.isfinite().all()
    assert stats.kstest(z.flatten().numpy(), reference.cdf).pvalue > 0.001
    assert torch.corrcoef(z.T).fill_diagonal_(0).abs().max() < 0.12


@pytest.mark.parametrize(("psi", "deviation"), [(2.0, 0.880), (1.0, 0.540), (0.5, 0.284)])
def test_truncation_is_the_normal_inside_the_threshold(psi, deviation):
    """Standard deviations as of BigGAN's truncation trick, acceptance row F1, within 1 %; the law by a Kolmogorov test."""
    z = draw(0, 4000, 50, seed=2, prior="normal", truncation=psi).double()
    assert z.abs().max() <= psi
    assert z.std() == pytest.approx(deviation, rel=0.01)
    assert stats.kstest(z.flatten().numpy(), stats.truncnorm(-psi, psi).cdf).pvalue > 0.001


def test_a_wide_threshold_changes_nothing_and_a_narrow_one_moves_smoothly():
    free = draw(0, 100, 20, seed=3, prior="normal")
    torch.testing.assert_close(draw(0, 100, 20, seed=3, prior="normal", truncation=40.0), free)
    path = [draw(0, 100, 20, seed=3, prior="normal", truncation=psi).abs() for psi in (4.0, 2.0, 1.0, 0.1, 1e-6)]
    assert all((after <= before).all() for before, after in zip([free.abs(), *path], path, strict=False))
    assert draw(0, 9, 4, seed=0, prior="uniform", truncation=0.25).abs().max() <= 0.25
    torch.testing.assert_close(draw(0, 9, 4, seed=0, prior="uniform", truncation=3.0), draw(0, 9, 4, seed=0, prior="uniform"))


def test_any_window_sees_the_same_samples():
    z = draw(0, 300, 7, seed=5, prior="normal")
    for start, count in ((0, 1), (63, 2), (64, 64), (1, 299), (299, 1), (130, 0)):
        assert torch.equal(draw(start, count, 7, seed=5, prior="normal"), z[start : start + count])
    assert not torch.equal(draw(64, 64, 7, seed=4, prior="normal"), draw(0, 64, 7, seed=5, prior="normal"))
    assert len(z.unique()) == z.numel()
