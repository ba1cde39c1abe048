"""A critic's scores and the squares of its slopes, |grad_x f(x)|^2, with the gradient of both in its weights.

Penalties on slopes make a critic's update a double backward. For critics built of affine layers and (leaky) ReLUs, autograd's
general one does much for nothing: such a critic is affine around each sample, so the second derivative through its activations
is zero, and autograd carries those zeros back through the whole network. What is left is short. With h_l the activations, m_l
the slopes of the rectifiers and delta_l = d f / d (pre-activation l) of each sample alone:

    forward    h_l = m_l * (W_l h_(l-1) + b_l)
    transpose  delta_(l-1) = m_(l-1) * (W_l^T delta_l),  grad_x f = W_1^T delta_1
    tangent    u_0 = d loss / d (grad_x f),  u_l = m_l * (W_l u_(l-1))
    gradients  d loss / d W_l = sum_i delta_l,i (s_i h_(l-1),i + u_(l-1),i)^T,  d loss / d b_l = sum_i s_i delta_l,i

where s_i = d loss / d f(x_i). That is four products a layer for samples that have both a score and a slope, where autograd
does eight; and without the graph's bookkeeping, which outweighs the arithmetic of small networks.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.networks.dcgan import DCGANDiscriminator
from ganvas.networks.mlp import MLP
from ganvas.networks.modern import Halving, ModernDiscriminator, Residual
from ganvas.networks.patches import quicker_by_patches, weight_gradient


def scores_and_slopes(
    critic: nn.Module, samples: Tensor, at: Tensor | None = None, *, label: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Scores f(x) (N,) and squared slopes |grad_x f(x)|^2, float32 (float64 for float64), differentiable in the weights.

    Args:
        critic: maps samples to scores (N,) without mixing the samples of a batch; any module, quick for those of this package.
        samples: what to score, (N, ...); no gradient reaches them.
        at: where to take the slopes, (M, ...); at the samples themselves when None.
        label: the classes, int64, of a critic that is told them: (N,), or (N + M,) with ``at``.
    """
    samples, at = samples.detach(), None if at is None else at.detach().to(samples.dtype)
    layers = layers_of(critic, label)
    if layers is None:
        return by_autograd(critic, samples, at, label)
    parameters = [p for layer in layers for p in parameters_of(layer)]
    both = samples if at is None else torch.cat([samples, at])
    autocast = torch.get_autocast_dtype(samples.device.type) if torch.is_autocast_enabled(samples.device.type) else None
    scored = len(samples)
    start = 0 if at is None else scored
    found: tuple[Tensor, Tensor] = ScoresAndSlopes.apply(both, label, scored, start, layers, autocast, *parameters)  # type: ignore[no-untyped-call]
    return found


def by_autograd(critic: nn.Module, samples: Tensor, at: Tensor | None, label: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The same for any critic, by double backward."""
    where = (samples if at is None else at).detach().requires_grad_(True)
    told = [] if label is None else [label[-len(where) :]]
    scores = critic(where, *told)
    # Each score depends on its own sample alone: the gradient of the sum is the stack of the samples' gradients.
    (gradient,) = torch.autograd.grad(scores.sum(), where, create_graph=True)
    if at is None:
        return scores, squared_norm(gradient)
    return critic(samples, *([] if label is None else [label[: len(samples)]])), squared_norm(gradient)


def squared_norm(gradient: Tensor) -> Tensor:
    """Sum of squares a sample, (N,), in float32 at least."""
    gradient = gradient if gradient.dtype == torch.float64 else gradient.float()
    return gradient.flatten(1).square().sum(1)


def layers_of(critic: nn.Module, label: Tensor | None = None) -> list[nn.Module] | None:
    """The critic as a list of layers that ``steps_of`` knows, ending in one score a sample, or in one for each class if there
    are labels; None for any other critic.
    """
    if not isinstance(critic, MLP | DCGANDiscriminator | ModernDiscriminator):
        return None
    layers = list(critic)
    classes = 0 if isinstance(critic, MLP) else critic.classes
    told = (label is None) == (classes == 0)
    ends_in_score = told and isinstance(layers[-1], nn.Linear) and layers[-1].out_features == max(1, classes)
    starts_affine = isinstance(layers[0], nn.Linear | nn.Conv2d)
    return layers if ends_in_score and starts_affine and all(known(layer) for layer in layers) else None


def known(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    if isinstance(layer, nn.Flatten):
        return layer.start_dim == 1 and layer.end_dim == -1
    if isinstance(layer, Residual):
        return all(known(inner) for inner in layer.branch)
    return isinstance(layer, nn.Linear | nn.LeakyReLU | nn.ReLU | Halving)


def parameters_of(layer: nn.Module) -> list[Tensor]:
    """Weight (as computed, if parametrised) and bias of each affine layer, in order."""
    if isinstance(layer, Residual):
        return [parameter for inner in layer.branch for parameter in parameters_of(inner)]
    if isinstance(layer, nn.Linear | nn.Conv2d):
        return [layer.weight] if layer.bias is None else [layer.weight, layer.bias]
    return []


class Step(Protocol):
    """A layer during one evaluation. ``transpose`` and ``tangent`` are its Jacobian's transpose and its Jacobian."""

    def forward(self, x: Tensor) -> Tensor: ...
    def transpose(self, delta: Tensor) -> Tensor: ...
    def tangent(self, u: Tensor) -> Tensor: ...


class Affine:
    """A dense layer or convolution; remembers its input and delta, and from them makes its gradients.

    The ``last`` one makes the scores: one, whose delta is 1, or one a class, of which a label takes its own.
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, weight: Tensor, bias: Tensor | None, *, last: bool) -> None:
        self.weight, self.bias, self.layer, self.last = weight, bias, layer, last
        self.input = self.delta = weight

    def apply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        layer = self.layer
        if isinstance(layer, nn.Linear):
            return F.linear(x, self.weight, bias)
        return F.conv2d(x, self.weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)

    def forward(self, x: Tensor) -> Tensor:
        self.input = x
        return self.apply(x, self.bias)

    def transpose(self, delta: Tensor) -> Tensor:
        self.delta = delta
        return self.to_input(delta, self.input)

    def to_input(self, delta: Tensor, like: Tensor) -> Tensor:
        if isinstance(self.layer, nn.Linear):
            if self.last and len(self.weight) == 1:
                return self.weight.expand(len(delta), -1)
            # MKL is several times slower where the second factor is a few columns wide and not transposed.
            narrow = self.weight.shape[1] < self.weight.shape[0]
            return F.linear(delta, self.weight.t().contiguous()) if narrow else delta @ self.weight
        return self.convolution_gradient(delta, like, True)

    def tangent(self, u: Tensor) -> Tensor:
        return self.apply(u, None)

    def gradients(self, u: Tensor, weights: Tensor, start: int) -> list[Tensor]:
        """Of weight and bias, from tangents ``u`` of rows ``start`` onwards and the scores' ``weights`` s of the first rows."""
        scored = len(weights)
        columns = weights.to(self.input.dtype).view(-1, *[1] * (self.input.dim() - 1))
        if start == 0:
            mixed = torch.addcmul(u, self.input, columns)
        else:  # the rows are scored or sloped: in place, the input has served
            mixed = self.input
            mixed[:scored].mul_(columns)
            if mixed[start:].data_ptr() != u.data_ptr():
                mixed[start:].copy_(u)
        if isinstance(self.layer, nn.Linear):
            narrow = mixed.shape[1] < self.delta.shape[1]
            found = [(mixed.t() @ self.delta).t() if narrow else self.delta.t() @ mixed]
        else:
            found = [self.convolution_gradient(self.delta, mixed, False)]
        if self.bias is not None:
            alone = self.delta[:scored]
            alone = alone.sum((2, 3)) if alone.dim() == 4 else alone  # sums of bf16 accumulate in float32
            found.append(weights @ alone.to(weights.dtype))
        return found

    def convolution_gradient(self, delta: Tensor, x: Tensor, to_input: bool) -> Tensor:
        layer = self.layer
        assert isinstance(layer, nn.Conv2d)
        if not to_input and quicker_by_patches(delta) and square(layer):
            return weight_gradient(delta, x, layer.kernel_size[0], layer.stride[0], int(layer.padding[0]))
        found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
            delta, x, self.weight, None, layer.stride, layer.padding, layer.dilation, False, [0, 0], layer.groups,
            [to_input, not to_input, False],
        )  # fmt: skip
        return found[0] if to_input else found[1]


def square(layer: nn.Conv2d) -> bool:
    """Whether both axes are treated alike, without groups or dilation."""
    alike = all(len({*sizes}) == 1 for sizes in (layer.kernel_size, layer.stride, layer.padding))
    return alike and layer.groups == 1 and layer.dilation == (1, 1)


class Rectifier:
    """(Leaky) ReLU. ``start``: tangents are of the rows from there on."""

    def __init__(self, slope: float, start: int, *, in_place: bool) -> None:
        self.slope, self.start, self.in_place = slope, start, in_place
        self.output = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.output = F.leaky_relu(x, self.slope, inplace=self.in_place)
        return self.output

    def transpose(self, delta: Tensor) -> Tensor:
        return torch.ops.aten.leaky_relu_backward(delta, self.output, self.slope, True)  # type: ignore[no-any-return]

    def tangent(self, u: Tensor) -> Tensor:
        if self.start == 0:
            return torch.ops.aten.leaky_relu_backward(u, self.output, self.slope, True)  # type: ignore[no-any-return]
        # Into the activations' own rows, of which only the signs were still needed: the next layer finds its tangents in place.
        rows = self.output[self.start :]
        torch.ops.aten.leaky_relu_backward.grad_input(u, rows, self.slope, True, grad_input=rows)
        return rows


class Flattening:
    """(N, C, H, W) -> (N, C * H * W)."""

    def __init__(self) -> None:
        self.shape = torch.Size()

    def forward(self, x: Tensor) -> Tensor:
        self.shape = x.shape
        return x.flatten(1)

    def transpose(self, delta: Tensor) -> Tensor:
        return delta.reshape(-1, *self.shape[1:]).contiguous(memory_format=torch.channels_last)

    def tangent(self, u: Tensor) -> Tensor:
        return u.flatten(1)


class Linearity:
    """A layer without parameters that is linear, its Jacobian itself."""

    def __init__(self, layer: Halving) -> None:
        self.forward = self.tangent = layer.forward
        self.transpose = layer.transpose


class Branch:
    """x + inner(x), the inner steps ending in an affine one. Its tangents are ``carry``'s."""

    def __init__(self, steps: list[Step | Branch]) -> None:
        self.steps = steps

    def forward(self, x: Tensor) -> Tensor:
        added = x
        for step in self.steps:
            added = step.forward(added)
        return x + added

    def transpose(self, delta: Tensor) -> Tensor:
        added = delta
        for step in reversed(self.steps):
            added = step.transpose(added)
        return delta + added


def steps_of(layers: list[nn.Module], parameters: list[Tensor], start: int) -> list[Step | Branch]:
    """The steps of an evaluation; takes the affine layers' weights and biases from the front of ``parameters``."""
    steps: list[Step | Branch] = []
    for layer in layers:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            weight = parameters.pop(0)
            bias = None if layer.bias is None else parameters.pop(0)
            steps.append(Affine(layer, weight, bias, last=isinstance(layer, nn.Linear) and layer is layers[-1]))
        elif isinstance(layer, nn.LeakyReLU | nn.ReLU):
            slope = layer.negative_slope if isinstance(layer, nn.LeakyReLU) else 0.0
            steps.append(Rectifier(slope, start, in_place=bool(steps) and isinstance(steps[-1], Affine)))
        elif isinstance(layer, Residual):
            steps.append(Branch(steps_of(list(layer.branch), parameters, start)))
        elif isinstance(layer, Halving):
            steps.append(Linearity(layer))
        else:
            steps.append(Flattening())
    return steps


def carry(steps: list[Step | Branch], u: Tensor, weights: Tensor, start: int) -> tuple[Tensor, list[Tensor]]:
    """Carries tangents through the steps; returns them, and the gradients that they make in the order of ``parameters_of``."""
    found: list[Tensor] = []
    for step in steps:
        if isinstance(step, Branch):
            added, inner = carry(step.steps, u, weights, start)
            u, found = u + added, found + inner
            continue
        if isinstance(step, Affine):
            found += step.gradients(u, weights, start)
            if step.last:
                break
        u = step.tangent(u)
    return u, found


class ScoresAndSlopes(torch.autograd.Function):
    """Scores of the first ``scored`` rows and squared slopes of the rows from ``start`` (0, or ``scored``)."""

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        label: Tensor | None,
        scored: int,
        start: int,
        layers: list[nn.Module],
        autocast: torch.dtype | None,
        *parameters: Tensor,
    ) -> tuple[Tensor, Tensor]:
        dtype = autocast or rows.dtype
        with torch.autocast(rows.device.type, enabled=False):
            steps = steps_of(layers, [p.to(dtype) for p in parameters], start)
            x = rows.to(dtype)
            for step in steps:
                x = step.forward(x)  # ends as (N, 1), or (N, classes)
            delta = torch.ones_like(x) if label is None else F.one_hot(label, x.shape[1]).to(dtype)
            for step in steps[:0:-1]:
                delta = step.transpose(delta)
            first = steps[0]
            assert isinstance(first, Affine)
            first.delta = delta
            gradient = first.to_input(delta[start:], first.input[start:])
        ctx.steps, ctx.start, ctx.gradient, ctx.parameters_dtype = steps, start, gradient, [p.dtype for p in parameters]
        score = x[:scored, 0] if label is None else x[:scored].gather(1, label[:scored, None])[:, 0]
        return score.clone() if score.dtype == torch.float64 else score.float().clone(), squared_norm(gradient)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, score_grad: Tensor, slope_grad: Tensor) -> tuple[Any, ...]:
        if ctx.steps is None:
            raise RuntimeError("the gradient of scores_and_slopes can be taken only once")
        steps, gradient = ctx.steps, ctx.gradient
        u = (2 * slope_grad).to(gradient.dtype).view(-1, *[1] * (gradient.dim() - 1)) * gradient
        _, gradients = carry(steps, u, score_grad, ctx.start)
        found = [g.to(dtype) for g, dtype in zip(gradients, ctx.parameters_dtype, strict=True)]
        ctx.steps = None
        return (None, None, None, None, None, None, *found)
