"""What keeps a critic smooth: gradient penalties, weight clipping, spectral normalisation.

Convention: penalties are returned without their weight, in float32 or wider, with the factors of their papers *inside the
caller's weight*; ``gamma / 2 * r1(...)`` is Mescheder's R1 and R3GAN's, ``lambda_ * gradient_penalty(...)`` is Gulrajani's.
A critic is a callable from samples (N, ...) to scores (N,); it must not mix the samples of a batch (no batch norm), since the
penalty takes the gradient of the *sum* of scores and reads each sample's row as that sample's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from ganvas.objectives.spectral import SpectralNorm

Critic = Callable[[Tensor], Tensor]


def squared_slope(scores: Tensor, samples: Tensor) -> Tensor:
    """|grad_x f(x)|^2 a sample, (N,), differentiable, in float32 or wider, from scores (N,) computed from ``samples``.

    Reuses a forward that the loss needs anyway; ``samples`` must require a gradient.
    """
    # The gradient of the sum is the stack of the samples' own gradients.
    (gradient,) = torch.autograd.grad(scores.sum(), samples, create_graph=True)
    return gradient.to(torch.promote_types(gradient.dtype, torch.float32)).flatten(1).square().sum(1)


def gradient_squared_norm(critic: Critic, samples: Tensor) -> Tensor:
    """|grad_x f(x)|^2 a sample, (N,), differentiable, in float32 or wider, with a forward of its own."""
    samples = samples.detach().requires_grad_(True)
    return squared_slope(critic(samples), samples)


def interpolate(real: Tensor, fake: Tensor) -> Tensor:
    """x^ = eps x + (1 - eps) x~ with one eps ~ U(0, 1) a sample (Gulrajani et al. 2017, Algorithm 1, lines 5-6)."""
    epsilon = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device, dtype=real.dtype)
    return torch.lerp(fake.to(real.dtype), real, epsilon)


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, *, one_sided: bool = False, target: float = 1.0) -> Tensor:
    """E[(|grad f(x^)| - target)^2] on interpolates (Gulrajani et al. 2017, eq. 3); weight lambda, 10 in the paper.

    ``one_sided`` penalises only norms above the target (ibid., section 4): max(0, |grad| - target)^2. The optimal critic
    under a finite lambda overshoots: between two distributions a shift W apart its slope is 1 + W / (2 lambda).
    """
    return slope_penalty(gradient_squared_norm(critic, interpolate(real, fake)), one_sided=one_sided, target=target)


def slope_penalty(squared_slopes: Tensor, *, one_sided: bool = False, target: float = 1.0) -> Tensor:
    """``gradient_penalty`` from |grad f(x^)|^2 a sample, (N,)."""
    # The square root has an infinite derivative at 0, which a dead critic reaches; the offset changes a norm of 1 by 5e-13.
    excess = (squared_slopes + 1e-12).sqrt() - target
    return (excess.relu() if one_sided else excess).square().mean()


def r1(critic: Critic, real: Tensor) -> Tensor:
    """E[|grad f(x)|^2] on real samples (Mescheder et al. 2018, eq. 9); weight gamma / 2."""
    return gradient_squared_norm(critic, real).mean()


def r2(critic: Critic, fake: Tensor) -> Tensor:
    """E[|grad f(G(z))|^2] on generated samples (Mescheder et al. 2018, eq. 10); weight gamma / 2."""
    return gradient_squared_norm(critic, fake).mean()


@torch.no_grad()
def clip_weights_(critic: nn.Module, bound: float) -> None:
    """w <- clip(w, -c, c), in place, every parameter (Arjovsky et al. 2017, Algorithm 1, line 7)."""
    for weight in critic.parameters():
        weight.clamp_(-bound, bound)


def normalise_spectrum(modules: Iterable[nn.Module]) -> None:
    """Divides each layer's weight by its largest singular value (Miyato et al. 2018), one power iteration a training forward.

    In evaluation mode the power iteration stands still, so that judging a critic does not change it.
    """
    for module in [*modules]:
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
            norm = SpectralNorm(module.weight, dim=1 if isinstance(module, nn.ConvTranspose2d) else 0)
            register_parametrization(module, "weight", norm, unsafe=True)  # its check would be one more power iteration


def orthogonality(weights: Iterable[Tensor]) -> Tensor:
    """sum over W of |W W^T - diag(W W^T)|_F^2, W a row an output (Brock et al. 2019, eq. 3); weight beta, 1e-4 in the paper.

    Without the diagonal it asks for outputs that look at different things and leaves their size alone. Zero, and so is its
    gradient, when rows are orthogonal, whatever their norms. In float32 or wider.
    """
    total: Tensor | None = None
    for weight in weights:
        with torch.autocast(weight.device.type, enabled=False):
            rows = weight.flatten(1).to(torch.promote_types(weight.dtype, torch.float32))
            if len(rows) <= rows.shape[1]:
                gram = rows @ rows.t()
                off = (gram - gram.diagonal().diag()).square().sum()
            else:  # |W W^T|_F = |W^T W|_F: of the two products the smaller; a dense layer's rows are many thousand
                off = (rows.t() @ rows).square().sum() - rows.square().sum(1).square().sum()
        total = off if total is None else total + off
    return torch.zeros(()) if total is None else total
