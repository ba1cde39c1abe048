"""The contract: a GAN is an order of updates between players.

A method file says what each player minimises and in which order; the engine (``ganvas.training``) owns everything else:
gradients, precision, devices, ranks, averaging, logging, saving.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganvas.data.batches import Images, Pairs, Spec, TwoDomains
from ganvas.errors import UsageError
from ganvas.networks.augment import Augmentation, Choice, choice

Terms = dict[str, Tensor]
"""Named, weighted scalar terms. Their sum is minimised and their names are the log."""


class Update(Protocol):
    """The engine's one verb, handed to ``Method.train_step``."""

    def __call__(self, player: str, loss: Callable[..., Terms], *arguments: Any) -> None:
        """Minimise ``sum(loss(*arguments).values())`` by one step of ``player``'s optimiser, everyone else frozen."""


def number(default: float, *, at_least: float = -math.inf, above: float = -math.inf, at_most: float = math.inf) -> Any:
    """A numeric config field with its range: ``at_least <= value <= at_most`` and ``value > above``; never NaN or infinite."""
    return field(default=default, metadata={"at_least": at_least, "above": above, "at_most": at_most})


@dataclass(frozen=True, kw_only=True)
class MethodConfig:
    """What every method's settings share; each method adds its own and sets its paper's defaults.

    Args:
        latent_size: components of the latent z.
        prior: distribution of each component of z: normal is N(0, 1), uniform is U(-1, 1).
        batch_size: real samples an update, over all ranks of one machine each.
        width: channels of the narrowest image layer, or neurons of a points network's hidden layers.
        ema_half_life: half-life of the averaged weights that sampling uses, in images; 0 samples the raw weights.
        ema_warm_up: the half-life is at most this share of the images seen, so that averages forget the random start.
        schedule: how the learning rates fall over decay_images; late-linear begins to after half of them.
        decay_images: images over which the schedule falls to zero; 0 keeps the rates constant.
        augment: how the pictures that the critic sees, real and generated, are changed: ada adapts its strength to how far
            the critic overfits; bgc:0.3 fixes it; diffaugment, or a chance as 0.5 for it; 0 changes nothing.
    """

    latent_size: int = number(100, at_least=1)
    prior: Literal["normal", "uniform"] = "normal"
    batch_size: int = number(64, at_least=1)
    width: int = number(64, at_least=1)
    ema_half_life: float = number(10_000.0, at_least=0)
    ema_warm_up: float = number(0.05, above=0, at_most=1)
    schedule: Literal["constant", "linear", "cosine", "late-linear"] = "constant"
    decay_images: int = number(0, at_least=0)
    augment: float | str = 0.0

    def __post_init__(self) -> None:
        choice(self.augment)  # refuses what is none
        for setting in fields(self):
            value, rule = getattr(self, setting.name), setting.metadata
            if not rule:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise UsageError(f"{setting.name}={value!r} is not a finite number", f"the default is {setting.default}")
            if isinstance(setting.default, int) and not isinstance(value, int):
                raise UsageError(f"{setting.name}={value!r} is not a whole number", f"the default is {setting.default}")
            if value < rule["at_least"] or value > rule["at_most"] or value <= rule["above"]:
                raise UsageError(
                    f"{setting.name}={value!r} is out of range", f"{range_in_words(rule)}, default {setting.default}"
                )


@dataclass(frozen=True, kw_only=True)
class TranslatorConfig(MethodConfig):
    """Settings of methods that translate pictures: they start from a picture and not from a latent, so they have none."""

    # A class variable takes the place of the inherited field: it is no argument, no flag and no entry of config.json.
    latent_size: ClassVar[int] = 0  # type: ignore[misc]
    prior: ClassVar[Literal["normal", "uniform"]] = "normal"  # type: ignore[misc]


LEARNS_FROM = {
    Images: ("samples of one kind", "name data of one kind, as --data mnist or --data FOLDER"),
    Pairs: ("pairs of pictures", "name pairs, as --data paired:FOLDER"),
    TwoDomains: ("two domains of pictures without pairs", "name two domains, as --data unpaired:FOLDER"),
}
"""What a kind of batch holds in words, and how to get data of it."""


def range_in_words(rule: Any) -> str:
    """The range of a ``number`` field for help texts and errors: "above 0", "0 to 1"."""
    low = f"above {rule['above']:g}" if rule["above"] > -math.inf else f"at least {rule['at_least']:g}"
    if rule["at_most"] == math.inf:
        return f"it must be {low}"
    return f"it must be {low} and at most {rule['at_most']:g}"


class Method(nn.Module):
    """One paper's GAN: players as sub-modules, an optimiser each, and the order of their updates.

    A subclass has the signature ``(config, spec)``. It sets ``self.generator`` and draws its randomness from torch's global
    generator, which the engine seeds with (seed, rank, step) before each step: nothing random needs saving. State that
    training changes lives in ``state_dict`` (buffers, ``get_extra_state``), or it does not exist.

    Attributes:
        name: what the registry and the command line call it.
        title: its full name, with the year of its paper.
        paper: authors, title and arXiv number.
        Config: its frozen dataclass of settings, the defaults the paper's.
        conditional: whether ``sample`` takes labels. A method that also learns without sets its own when it meets the data.
        translates: whether it translates pictures (``translate``) instead of making samples from noise (``sample``).
        averaged: the sub-modules of which the engine keeps an exponential moving average; sampling uses these.
        kept: the sub-modules that a trained model needs besides, as they are.
        batch: the kind of batch that it learns from.
        own_to_rank: the sub-modules whose buffers differ from rank to rank and are saved for each, such as an image pool.
        eager: the names of losses that are never compiled: those with a gradient's gradient in them, which compilers of
            backward passes do not know, and those with a number in them that moves from step to step.
        world: how many ranks share a step, each with a batch of its own; the engine sets it.
        wasserstein_term: the logged term that is *minus* the critic's Wasserstein estimate, or None when there is none.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    Config: ClassVar[type[MethodConfig]]
    conditional: bool = False
    translates: ClassVar[bool] = False
    averaged: ClassVar[tuple[str, ...]] = ("generator",)
    kept: ClassVar[tuple[str, ...]] = ()
    batch: ClassVar[type[Images] | type[Pairs] | type[TwoDomains]] = Images
    own_to_rank: ClassVar[tuple[str, ...]] = ()
    eager: ClassVar[tuple[str, ...]] = ()
    wasserstein_term: ClassVar[str | None] = None
    world: int = 1
    config: MethodConfig
    generator: nn.Module

    def __init__(self, config: MethodConfig, spec: Spec) -> None:
        super().__init__()
        given = Images if spec.source is None else Pairs if spec.paired else TwoDomains
        if given is not self.batch:
            (wanted, mend), (found, _) = LEARNS_FROM[self.batch], LEARNS_FROM[given]
            raise UsageError(f"{self.name} learns from {wanted}, this data is {found}", mend)
        if self.translates and not spec.is_image:
            raise UsageError(f"{self.name} translates pictures, this data is points", "name pictures")
        self.config = config
        self.spec = spec
        self.augmentation = Augmentation()

    def optimizers(self) -> dict[str, Optimizer]:
        """One optimiser a player, keyed by the player's name. Called once, after the method is on its device."""
        raise NotImplementedError

    def train_step(self, step: int, batches: Iterator[Any], update: Update) -> None:
        """The algorithm box: one generator iteration as an order of ``update`` calls. ``step`` counts from 0.

        ``batches`` are of the kind that ``batch`` says.
        """
        raise NotImplementedError

    def latent(self, count: int) -> Tensor:
        """Draws ``count`` latents z from the prior, (count, latent size), on the method's device."""
        device = next(self.parameters()).device
        shape = (count, self.config.latent_size)
        if self.config.prior == "uniform":
            return torch.rand(shape, device=device).mul_(2).sub_(1)
        return torch.randn(shape, device=device)

    def seen(self, samples: Tensor) -> Tensor:
        """What the critic or discriminator sees of samples, real or generated: pictures augmented with ``config.augment``.

        Every term of either player's adversarial loss judges pictures through it. A penalty may take its slopes in what it
        returns: then the critic is smooth on what it sees.
        """
        seen: Tensor = self.augmentation(samples, self.augments) if self.augments.parts else samples
        return seen

    def observe(self, on_real: Tensor, on_fake: Tensor, level: float | None = 0.0) -> None:
        """Tells adaptive augmentation the discriminator's scores of real and generated pictures, in each of its updates.

        Above ``level`` a picture is called real; None goes with objectives in which only differences of scores count, see
        ``Augmentation.observe``.
        """
        if self.augments.adapts:
            self.augmentation.observe(on_real, on_fake, level)

    @property
    def augments(self) -> Choice:
        """What ``config.augment`` says; nothing for points."""
        return choice(self.config.augment if self.spec.is_image else 0.0)

    def judge(self, samples: Tensor, label: Tensor | None = None) -> Tensor:
        """The critic's or discriminator's own output (N,), higher for what it takes for real; labels (N,) if conditional."""
        player = self.get_submodule("critic" if hasattr(self, "critic") else "discriminator")
        scores: Tensor = player(samples, label) if self.conditional else player(samples)
        return scores

    def sample(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Pictures (N, C, H, W) in [-1, 1] or points (N, d) from latents (N, latent size); labels (N,) if conditional."""
        if self.translates:
            raise UsageError(f"{self.name} translates pictures, it makes none from noise", "give it pictures to translate")
        samples: Tensor
        if self.conditional:
            samples = self.generator(latent, self.asked_for(latent, label))
            return samples
        if label is not None:
            raise UsageError(f"{self.name} is not conditional, it takes no labels", "train cgan or biggan for samples by class")
        samples = self.generator(latent)
        return samples

    def asked_for(self, latent: Tensor, label: Tensor | None) -> Tensor:
        """``label`` (N,) when in range; None is the classes in turn, so that a grid of ten columns shows a class a column."""
        classes = len(self.spec.classes)
        if label is None:
            return torch.arange(len(latent), device=latent.device) % classes
        if len(label) and (int(label.min()) < 0 or int(label.max()) >= classes):
            raise UsageError(f"label out of range, the model knows {classes} classes", "count labels from 0")
        return label

    def translate(self, source: Tensor, label: Tensor | None = None) -> Tensor:
        """Pictures (N, C, H, W) of the target domain from pictures (N, C', H, W) of the source, of any size, in [-1, 1].

        ``label`` is what they shall become, if conditional: classes (N,), or attributes (N, K) of zeros and ones; float (N, K)
        in 0..1 is something between.
        """
        raise UsageError(f"{self.name} makes samples from noise, it translates no pictures", "train pix2pix or cyclegan")

    def translate_back(self, target: Tensor) -> Tensor:
        """The other way, from the target domain to the source domain, for methods that learn both."""
        raise UsageError(f"{self.name} does not translate back", "train cyclegan for both ways")

    def judge_translated(self, source: Tensor, target: Tensor) -> Tensor:
        """The discriminator's mean score (N,) of ``target`` as a translation of ``source``; higher where it seems real."""
        raise NotImplementedError

    def recognise(self, pictures: Tensor) -> Tensor:
        """What pictures (N, C, H, W) of the training size are: the chance of each class or attribute, (N, K) in 0..1."""
        raise UsageError(f"{self.name} tells no domains apart", "train stargan for pictures of several domains")


@runtime_checkable
class Styled(Protocol):
    """What a method with a style space W has beside ``sample``; apps and models ask ``isinstance(method, Styled)``.

    ``sample(z, y)`` is ``synthesise(styles(z, y))``. Each layer of the generator is driven by its own row of the styles: the
    first rows say the coarse (pose, shape), the last the fine (colours). Different rows may come from different latents.
    Gradients flow through both functions, to the latents and to the styles.
    """

    @property
    def layers(self) -> int:
        """How many rows a picture's styles have."""

    def styles(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """w of latents (N, latent size), the same for each layer: (N, layers, W); labels (N,) if conditional."""

    def average_style(self, label: Tensor | None = None) -> Tensor:
        """The mean of w over latents, (W,); with labels (N,) that of each label's class, (N, W).

        Truncation moves styles towards it: ``average + psi * (styles - average)`` (Karras et al. 2019, section B).
        """

    def synthesise(self, styles: Tensor) -> Tensor:
        """Pictures (N, C, H, W) in [-1, 1] from styles (N, layers, W); the noise is the fixed one, the same for all."""
