"""WGAN: Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN", arXiv 1701.07875."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, RMSprop

from ganvas.data.batches import Images, Spec
from ganvas.method import Method, MethodConfig, Terms, Update, number
from ganvas.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganvas.networks.mlp import MLP
from ganvas.networks.reference import ReferenceDiscriminator, ReferenceGenerator, check_reference_size
from ganvas.objectives.adversarial import wasserstein_critic, wasserstein_generator
from ganvas.objectives.penalties import clip_weights_


@dataclass(frozen=True, kw_only=True)
class WGANConfig(MethodConfig):
    """Algorithm 1's defaults: alpha, c, m, n_critic. Pictures to 32 pixels use the thesis's networks, larger ones DCGAN's.

    Args:
        learning_rate: alpha, of both RMSprops.
        clip: c, the bound of every critic weight.
        critic_steps: n_critic, critic updates a generator update.
        early_critic_steps: critic updates in the first 25 generator steps and at every 500th; the authors' code has 100.
        fresh_latent: draw new latents for the generator's update, as Algorithm 1 does; else it shares the last critic step's.
    """

    width: int = number(128, at_least=1)
    learning_rate: float = number(5e-5, above=0)
    clip: float = number(0.01, above=0)
    critic_steps: int = number(5, at_least=1)
    early_critic_steps: int = number(0, at_least=0)
    fresh_latent: bool = False


def players(config: WGANConfig, spec: Spec) -> tuple[nn.Module, nn.Module]:
    """Generator and critic by the data: MLP for points, the thesis's pair with batch norm to 32 pixels, DCGAN above."""
    if not spec.is_image:
        (size,) = spec.shape
        critic = MLP(size, 1, width=config.width, slope=0.2, squeeze=True)
        return MLP(config.latent_size, size, width=config.width), critic
    if max(spec.shape[1:]) <= 32:
        check_reference_size("wgan", spec)
        generator = ReferenceGenerator(spec, latent_size=config.latent_size, width=config.width, batch_norm=True)
        return generator, ReferenceDiscriminator(spec, width=max(1, config.width // 2), dropout=0, batch_norm=True)
    width = max(1, config.width // 2)
    return DCGANGenerator(spec, latent_size=config.latent_size, width=width), DCGANDiscriminator(spec, width=width)


class WGAN(Method):
    """max over |w| <= c of E[f_w(x)] - E[f_w(g(z))], min over g (eq. 3): the critic is trained to near optimality."""

    name: ClassVar[str] = "wgan"
    title: ClassVar[str] = "Wasserstein GAN with weight clipping (2017)"
    paper: ClassVar[str] = "Arjovsky et al. 2017, Wasserstein GAN, arXiv 1701.07875"
    wasserstein_term: ClassVar[str | None] = "critic/wasserstein"
    Config = WGANConfig
    config: WGANConfig

    def __init__(self, config: WGANConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.generator, self.critic = players(config, spec)

    def optimizers(self) -> dict[str, Optimizer]:
        # Momentum makes the critic's training unstable (section 4), hence RMSprop.
        rate = self.config.learning_rate
        return {"critic": RMSprop(self.critic.parameters(), rate), "generator": RMSprop(self.generator.parameters(), rate)}

    def train_step(self, step: int, batches: Iterator[Images], update: Update) -> None:
        c = self.config
        early = c.early_critic_steps and (step < 25 or step % 500 == 0)
        critic_steps = c.early_critic_steps if early else c.critic_steps
        for t in range(critic_steps):  # lines 2-8
            real = next(batches).image
            shared = t == critic_steps - 1 and not c.fresh_latent
            with torch.set_grad_enabled(shared):
                fake = self.generator(self.latent(len(real)))
            update("critic", self.critic_loss, real, fake.detach())
            clip_weights_(self.critic, c.clip)
        if c.fresh_latent:
            fake = self.generator(self.latent(len(real)))
        update("generator", self.generator_loss, fake)  # lines 9-11

    def critic_loss(self, real: Tensor, fake: Tensor) -> Terms:
        on_real, on_fake = self.critic(self.seen(real)), self.critic(self.seen(fake))
        self.observe(on_real, on_fake, level=None)
        return {"wasserstein": wasserstein_critic(on_real, on_fake)}

    def generator_loss(self, fake: Tensor) -> Terms:
        return {"wasserstein": wasserstein_generator(self.critic(self.seen(fake)))}
