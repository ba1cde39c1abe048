"""StarGAN: Choi, Choi, Kim, Ha, Kim and Choo 2018, "StarGAN: Unified Generative Adversarial Networks for Multi-Domain
Image-to-Image Translation", arXiv 1711.09020.

One generator for all pairs of domains: it is told what the picture shall be, and the critic also says what a picture is.
Domains are the data's classes, or its attributes, of which a picture has several at once. Of several sets with labels of their
own (``ganvas.data.joint``), each picture is asked for what its set knows, and a mask tells the generator which that is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, l1_loss, one_hot
from torch.optim import Adam, Optimizer

from ganvas.data.batches import Images, Spec
from ganvas.data.joint import mask_of
from ganvas.errors import DataError, UsageError
from ganvas.method import Method, Terms, TranslatorConfig, Update, number
from ganvas.networks.padding import padded
from ganvas.networks.patchgan import DomainDiscriminator, domain_levels
from ganvas.networks.translator import ResNetTranslator
from ganvas.objectives.adversarial import wasserstein_critic, wasserstein_generator
from ganvas.objectives.penalties import gradient_penalty


@dataclass(frozen=True, kw_only=True)
class StarGANConfig(TranslatorConfig):
    """Settings of sections 3 and 4 of the paper. It trains for 20 epochs, of which the rates fall over the last 10: set
    decay_images to the images of the whole training.

    Args:
        critic_steps: n_critic, updates of the critic for each of the generator.
        classification: lambda_cls, the weight of the domains' classification.
        reconstruction: lambda_rec, the weight of |x - G(G(x, c'), c)| (L1).
        penalty: lambda_gp, the weight of the gradient penalty.
        blocks: residual blocks of the generator.
        learning_rate: of both Adams.
        beta1: Adam's first decay.
        beta2: Adam's second decay.
    """

    batch_size: int = number(16, at_least=1)
    schedule: Literal["constant", "linear", "cosine", "late-linear"] = "late-linear"
    critic_steps: int = number(5, at_least=1)
    classification: float = number(1.0, at_least=0)
    reconstruction: float = number(10.0, at_least=0)
    penalty: float = number(10.0, at_least=0)
    blocks: int = number(6, at_least=0, at_most=30)
    learning_rate: float = number(1e-4, above=0)
    beta1: float = number(0.5, at_least=0, at_most=0.9999)
    beta2: float = number(0.999, at_least=0, at_most=0.99999)


class StarGAN(Method):
    """L_D = -L_adv + lambda_cls L_cls^r, L_G = L_adv + lambda_cls L_cls^f + lambda_rec L_rec (eq. 5 to 8)."""

    name: ClassVar[str] = "stargan"
    title: ClassVar[str] = "StarGAN (2018)"
    paper: ClassVar[str] = "Choi et al. 2018, StarGAN: Unified GANs for Multi-Domain Translation, arXiv 1711.09020"
    conditional: bool = True
    translates: ClassVar[bool] = True
    kept: ClassVar[tuple[str, ...]] = ("critic",)
    wasserstein_term: ClassVar[str | None] = "critic/wasserstein"
    eager: ClassVar[tuple[str, ...]] = ("critic_loss",)
    Config = StarGANConfig
    config: StarGANConfig
    generator: ResNetTranslator

    def __init__(self, config: StarGANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.groups = [len(group) for group in spec.attributes] or [len(spec.classes)]
        domains = sum(self.groups)
        if not domains:
            raise DataError("stargan needs labels or attributes, this data has none", "name --data attributes:FOLDER")
        channels, *size = spec.shape
        self.generator = ResNetTranslator(
            channels, channels, width=config.width, blocks=config.blocks, border="zeros", labels=spec.label_size, kernel=4,
            affine=True,
        )  # fmt: skip
        levels = domain_levels(min(size))
        self.step = 2**levels
        rows, columns = (-(-side // self.step) * self.step for side in size)
        self.critic = DomainDiscriminator(channels, (rows, columns), domains, width=config.width, levels=levels)

    def optimizers(self) -> dict[str, Optimizer]:
        c = self.config
        named = {"critic": self.critic, "generator": self.generator}
        return {n: Adam(p.parameters(), c.learning_rate, (c.beta1, c.beta2), fused=True) for n, p in named.items()}

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        for t in range(self.config.critic_steps):
            real, label = next(batches)
            assert label is not None
            given = self.domains(label)
            wanted = self.others(given)
            with torch.set_grad_enabled(t == self.config.critic_steps - 1):  # the last fakes are the generator's, too
                fake = self.translate(real, wanted)
            update("critic", self.critic_loss, real, given, fake.detach())
        update("generator", self.generator_loss, real, given, wanted, fake)

    def critic_loss(self, real: Tensor, given: Tensor, fake: Tensor) -> Terms:
        c = self.config
        real, fake = self.seen(real), self.seen(fake)
        on_real, named = self.scores(real)
        on_fake = self.scores(fake)[0]
        self.observe(on_real, on_fake, level=None)
        # The slope of the sum over patches, while the game is played for their mean: so it is in the authors' code, with which
        # lambda_rec = 10 was chosen. Penalising the mean's slope makes the game as many times heavier as there are patches.
        penalty = gradient_penalty(lambda between: self.scores(between)[0], real, fake)
        return {
            "wasserstein": wasserstein_critic(on_real, on_fake),
            "gradient_penalty": c.penalty * penalty,
            "classification": c.classification * self.misnamed(named, given),
        }

    def generator_loss(self, real: Tensor, given: Tensor, wanted: Tensor, fake: Tensor) -> Terms:
        c = self.config
        on_fake, named = self.scores(self.seen(fake))
        return {
            "wasserstein": wasserstein_generator(on_fake),
            "classification": c.classification * self.misnamed(named, wanted),
            "reconstruction": c.reconstruction * l1_loss(self.translate(fake, given).float(), real),
        }

    def domains(self, label: Tensor) -> Tensor:
        """Labels as the generator takes them, float32 of zeros and ones: (N, K) of classes (N,) or attributes (N, K).

        Of several sets (N, K + sets), c~ = [c_1, ..., c_n, m] (eq. 7).
        """
        return one_hot(label, self.groups[0]).float() if label.dim() == 1 else label.float()

    def others(self, given: Tensor) -> Tensor:
        """The batch's labels in random order, so that attributes come in the data's own combinations; within each set."""
        if not self.spec.sets:
            return given[torch.randperm(len(given), device=given.device)]
        order = torch.rand(len(given), device=given.device)
        of_set = mask_of(given, self.spec).argmax(1)
        wanted = torch.empty_like(given)
        wanted[of_set.argsort(stable=True)] = given[(of_set + order).argsort()]
        return wanted

    def scores(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The critic's scores of each picture's patches, (N, h w), and its logits of the domains, (N, K)."""
        on_patches, named = self.critic(padded(pictures, self.step)[0])
        return on_patches.float().flatten(1), named.float()

    def misnamed(self, logits: Tensor, domains: Tensor) -> Tensor:
        """-E[log D_cls(c | x)], (eq. 2 and 3), summed over attributes: one of a group by softmax, a yes or no by itself.

        Of several sets, each group's mean is over the pictures of its own set (section 3.3).
        """
        known = domains[:, : sum(self.groups)]
        reduction = "none" if self.spec.sets else "mean"
        losses = []
        for logit, domain in zip(logits.split(self.groups, 1), known.split(self.groups, 1), strict=True):
            loss = binary_cross_entropy_with_logits if logit.shape[1] == 1 else cross_entropy
            losses.append(loss(logit, domain, reduction=reduction).flatten())
        if not self.spec.sets:
            return torch.cat(losses).sum()
        owner = [number for number, count in enumerate(self.spec.sets) for _ in range(count)]
        of_group = mask_of(domains, self.spec).T[owner]  # (groups, N): whether the picture's set knows the group
        return ((torch.stack(losses) * of_group).sum(1) / of_group.sum(1).clamp(min=1)).sum()

    def judge_translated(self, source: Tensor, target: Tensor) -> Tensor:
        return self.scores(target)[0].mean(1)

    def recognise(self, pictures: Tensor) -> Tensor:
        named = self.scores(pictures)[1].split(self.groups, 1)
        return torch.cat([part.sigmoid() if part.shape[1] == 1 else part.softmax(1) for part in named], 1)

    def translate(self, source: Tensor, label: Tensor | None = None) -> Tensor:
        if label is None:
            raise UsageError("stargan was not told what to make of the pictures", "give labels")
        wide, crop = padded(source, self.generator.multiple, least=8)
        return crop(self.generator(wide, label if label.is_floating_point() else self.domains(label)))
