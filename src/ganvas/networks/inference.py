"""Networks made ready to sample: nothing that only training needs is left to compute."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

Norm = nn.BatchNorm1d | nn.BatchNorm2d


def prepare(module: nn.Module) -> nn.Module:
    """A copy of ``module`` in evaluation mode that computes the same, faster; the original is left as it is.

    Batch norm's running statistics are folded into the convolution, transposed convolution or dense layer before it in an
    ``nn.Sequential``, parametrisations (spectral norm) are written into the weights, four-dimensional weights are put in
    channels-last order, and no parameter requires a gradient. Outputs agree with the evaluation mode of ``module`` up to
    rounding (1e-5 of their range).
    """
    ready = copy.deepcopy(module).eval()
    for part in ready.modules():
        if parametrize.is_parametrized(part):
            bake_parametrisations(part)
    for part in [*ready.modules()]:
        if isinstance(part, nn.Sequential):
            fold_norms(part)
    if any(weight.dim() == 4 for weight in ready.parameters()):
        ready = ready.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return ready.requires_grad_(False)


def bake_parametrisations(layer: nn.Module) -> None:
    """Makes the computed weights of a parametrised layer its parameters, in place."""
    # remove_parametrizations takes the properties from the class, which the copy shares with the original.
    names = [*layer.get_submodule("parametrizations")._modules]
    weights = {name: getattr(layer, name).detach().clone() for name in names}
    layer.__class__ = type(layer).__bases__[0]
    del layer._modules["parametrizations"]
    for name, weight in weights.items():
        layer.register_parameter(name, nn.Parameter(weight))


@torch.no_grad()
def fold_norms(layers: nn.Sequential) -> None:
    """Folds each batch norm into the layer before it, in place; an ``nn.Identity`` keeps the names of the layers after it."""
    names = list(layers._modules)
    for before, name in itertools.pairwise(names):
        norm = layers._modules[name]
        layer = layers._modules[before]
        pixels = 1
        if isinstance(layer, nn.Unflatten) and before != names[0]:  # dense -> (C, H, W) -> norm: one gain for H * W neurons
            layer = layers._modules[names[names.index(before) - 1]]
            pixels = unflattened_pixels(layers._modules[before], layer)
        if isinstance(norm, Norm) and norm.running_mean is not None and pixels and fold_norm(layer, norm, pixels):
            layers._modules[name] = nn.Identity()


def unflattened_pixels(unflatten: nn.Module | None, layer: nn.Module | None) -> int:
    """H * W when ``layer`` is dense and its outputs become (C, H, W), else 0."""
    if not isinstance(unflatten, nn.Unflatten) or not isinstance(layer, nn.Linear) or unflatten.dim != 1:
        return 0
    sizes = [int(size) for size in unflatten.unflattened_size]
    return layer.out_features // sizes[0] if len(sizes) == 3 and sizes[0] > 0 else 0


def fold_norm(layer: nn.Module | None, norm: Norm, pixels: int) -> bool:
    """Writes ``norm`` into ``layer``; False when it is no layer that can take it. ``pixels``: neurons that share a channel."""

    def each(value: Tensor | None) -> Tensor | None:
        return None if value is None else value.repeat_interleave(pixels)

    mean, variance, gain, shift = each(norm.running_mean), each(norm.running_var), each(norm.weight), each(norm.bias)
    assert mean is not None and variance is not None
    if isinstance(layer, nn.Linear) and layer.out_features == len(mean):
        folded = fuse_linear_bn_weights(layer.weight, layer.bias, mean, variance, norm.eps, gain, shift)  # type: ignore[arg-type]
    elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.out_channels == len(mean) and foldable(layer):
        transposed = isinstance(layer, nn.ConvTranspose2d)
        folded = fuse_conv_bn_weights(layer.weight, layer.bias, mean, variance, norm.eps, gain, shift, transposed)
    else:
        return False
    layer.weight, layer.bias = folded
    return True


def foldable(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    """A grouped transposed convolution keeps its outputs of several groups on one axis, which the folding does not know."""
    return layer.groups == 1 or isinstance(layer, nn.Conv2d)
