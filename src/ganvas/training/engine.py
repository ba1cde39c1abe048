"""The engine: plays one step of a method. It owns gradients, precision, ranks, averaging and the log of terms."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganvas.data.batches import Images
from ganvas.errors import ModelError
from ganvas.method import Method, Terms
from ganvas.networks.augment import EVERY
from ganvas.training.at_rest import at_rest
from ganvas.training.averaging import Average
from ganvas.training.compiled import CompiledLosses
from ganvas.training.micro_batches import MicroBatches
from ganvas.training.ranks import Ranks


def step_seed(seed: int, rank: int, step: int) -> int:
    """A 32-bit seed that is a hash of (seed, rank, step), so that resuming at a step needs no generator state (splitmix64)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + rank * 0xD1B54A32D192ED03 + step * 0x8CB92BA72F3D8DD7) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ (mixed >> 31)) & 0xFFFFFFFF


class Engine:
    """A method on its device with its optimisers and averages.

    Args:
        method: moved to the device in place, four-dimensional weights in channels-last order (faster on every device).
        device: where it trains.
        autocast: dtype of the networks' matrix work, or None for float32; losses and penalties reduce in float32.
        seed: of every random draw, with the rank and the step.
        ranks: the other processes, if any.
        compiled: whether losses go through ``torch.compile``.
        cuda_graphs: whether they are recorded as CUDA graphs, too; implies ``compiled``.

    Attributes:
        unseen: pictures that are never trained on, on the device: adaptive augmentation goes by how they are scored, if any.
    """

    def __init__(
        self,
        method: Method,
        *,
        device: torch.device,
        autocast: torch.dtype | None,
        seed: int,
        ranks: Ranks,
        compiled: bool = False,
        cuda_graphs: bool = False,
    ) -> None:
        self.device, self.seed, self.ranks, self.autocast = device, seed, ranks, autocast
        self.method = method.to(device=device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        method.world = ranks.world
        ranks.share_norms(method)
        ranks.broadcast([*method.parameters(), *method.buffers()])
        self.optimizers = method.optimizers()
        self.rates = {name: [group["lr"] for group in o.param_groups] for name, o in self.optimizers.items()}
        c = method.config
        self.averages = {name: Average(getattr(method, name), c.ema_half_life, c.ema_warm_up) for name in method.averaged}
        self.window: dict[str, list[Tensor]] = {}
        self.compiled = CompiledLosses(method, graphs=cuda_graphs) if compiled or cuda_graphs else None
        self.micro: MicroBatches | None = None
        self.unseen: Images | None = None
        self.gauging = False
        self.gauges: dict[str, Tensor] = {}
        self._players = {name: [p for g in o.param_groups for p in g["params"]] for name, o in self.optimizers.items()}
        everyone = list(method.parameters())
        mine = {name: {id(p) for p in parameters} for name, parameters in self._players.items()}
        self._others = {name: [p for p in everyone if id(p) not in ids] for name, ids in mine.items()}

    def step(self, step: int, batches: Iterator[Any]) -> None:
        """Plays the method's step number ``step``; every random draw in it is a function of (seed, rank, step)."""
        self.seed_generators(step)
        autocast = torch.autocast(self.device.type, self.autocast) if self.autocast else nullcontext()
        moving = self.method.augments.adapts and (step + 1) % EVERY == 0
        with self.micro.around(self.method) if self.micro else nullcontext(), autocast:
            if moving and self.unseen is not None:
                self.look(self.unseen, step // EVERY)
            self.method.train_step(step, batches, self.update)
        if moving:
            self.adapt(step + 1)

    @torch.no_grad()
    def look(self, unseen: Images, number: int) -> None:
        """Scores a batch of unseen pictures as the step will its own: each rank another one, the next ones at the next look."""
        method, count = self.method, len(unseen.image)
        batch = min(method.config.batch_size, count)
        first = (number * self.ranks.world + self.ranks.rank) * batch
        rows = torch.arange(first, first + batch, device=self.device) % count
        label = unseen.label[rows] if method.conditional and unseen.label is not None else None
        with at_rest(method):
            method.augmentation.look(method.judge(method.seen(unseen.image[rows]), label))

    def adapt(self, steps: int) -> None:
        """Moves the strength of an adaptive augmentation by what was observed on all ranks, after so many steps in all."""
        augmentation, batch = self.method.augmentation, self.method.config.batch_size * self.ranks.world
        self.ranks.add_up(augmentation.signs)
        self.ranks.add_up(augmentation.scores)
        found = augmentation.adapt(EVERY * batch, steps * batch, looked=self.unseen is not None)
        for name, value in ({"p": augmentation.p.clone()} | found).items():
            self.window.setdefault(f"augment/{name}", []).append(value)

    def seed_generators(self, step: int) -> None:
        number = step_seed(self.seed, self.ranks.rank, step)
        torch.default_generator.manual_seed(number)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(number)
        elif self.device.type == "mps":
            torch.mps.manual_seed(number)

    def update(self, player: str, loss: Callable[..., Terms], *arguments: Any) -> None:
        """The one verb of a training step, see ``ganvas.method.Update``."""
        optimizer, others = self.optimizers[player], self._others[player]
        loss = self.compiled.of(loss, adds_up=self.micro is not None) if self.compiled else loss
        for parameter in others:
            parameter.requires_grad_(False)
        optimizer.zero_grad(set_to_none=True)
        if self.micro:
            terms = self.micro.minimise(loss, arguments, self.backward)
        else:
            terms = loss(*arguments)
            total = sum(terms.values())
            assert isinstance(total, Tensor)
            self.backward(total)
        with torch.autocast(self.device.type, enabled=False) if self.autocast else nullcontext():
            self.ranks.average_gradients(self._players[player])
            if self.gauging:
                gradients = [p.grad for p in self._players[player] if p.grad is not None]
                self.gauges[f"gradient/{player}"] = torch.nn.utils.get_total_norm(gradients)
            optimizer.step()
        self.method.augmentation.fresh = False
        for parameter in others:
            parameter.requires_grad_(True)
        if self.autocast:
            torch.clear_autocast_cache()  # it holds bf16 copies of the weights from before this update
        for name, value in terms.items():
            self.window.setdefault(f"{player}/{name}", []).append(value.detach())

    def backward(self, of: Tensor, gradient: Tensor | None = None) -> None:
        """Adds up the gradients of a sum of terms, each operation in the number format of its forward pass."""
        with torch.autocast(self.device.type, enabled=False) if self.autocast else nullcontext():
            of.backward(gradient)

    def take_at_most(self, samples: int | None) -> None:
        """Makes updates from at most ``samples`` samples at a time from now on (see ``MicroBatches``); None: from the batch."""
        batch = self.method.config.batch_size
        self.micro = MicroBatches(batch, samples) if samples is not None and samples < batch else None

    def average(self, images: int, batch: int) -> None:
        """Moves the averages towards the weights, after a step that ends at ``images`` images."""
        if self.method.config.ema_half_life:
            for average in self.averages.values():
                average.update(images, batch)

    def set_rates(self, factor: float) -> None:
        """Sets every learning rate to ``factor`` times what its optimiser started with."""
        for name, optimizer in self.optimizers.items():
            for group, rate in zip(optimizer.param_groups, self.rates[name], strict=True):
                group["lr"] = rate * factor

    def terms(self) -> dict[str, float]:
        """The mean of each term since ``clear_terms``. The only place where the host waits for the device."""
        names = list(self.window)
        if not names:
            return {}
        means = torch.stack([torch.stack(self.window[name]).float().mean() for name in names]).tolist()
        return dict(zip(names, means, strict=True))

    def clear_terms(self) -> None:
        self.window.clear()

    def read_gauges(self, wasserstein_term: str | None, steps: int) -> dict[str, float]:
        """The doctor's figures of the step that ``gauging`` was on for, and of the window of ``steps`` steps that it ends.

        gradient/PLAYER: the norm of the player's last gradient. clipped/critic: the share of weights at the clip's bounds.
        inner/critic: by how much the critic's Wasserstein estimate rises within the inner steps of one step, on average.
        """
        figures = dict(self.gauges)
        clip = getattr(self.method.config, "clip", None)
        if clip is not None:
            weights = [p.detach() for p in self.method.get_submodule("critic").parameters()]
            at_bound = torch.stack([(w.abs() >= 0.999 * clip).sum() for w in weights]).sum()
            figures["clipped/critic"] = at_bound / sum(w.numel() for w in weights)
        term = self.window.get(wasserstein_term or "", [])
        if steps > 0 and len(term) > steps and len(term) % steps == 0:
            minus_estimate = torch.stack(term).view(steps, -1)
            figures["inner/critic"] = (minus_estimate[:, 0] - minus_estimate[:, -1]).mean()
        self.gauges.clear()
        if not figures:
            return {}
        return dict(zip(figures, torch.stack([f.float() for f in figures.values()]).tolist(), strict=True))

    def averaged(self, name: str) -> nn.Module:
        """The module that sampling uses: the average, or the raw weights when averaging is off."""
        if self.method.config.ema_half_life:
            return self.averages[name].module
        module: nn.Module = getattr(self.method, name)
        return module

    @torch.no_grad()
    def sample(self, latent: Tensor, label: Tensor | None = None, *, averaged: bool = True) -> Tensor:
        """Samples from the averaged weights, or the raw ones, on the CPU in float32; does not disturb training."""
        with self.at_inference(averaged) as method:
            labels = None if label is None else label.to(self.device)
            samples: Tensor = method.sample(latent.to(self.device), labels).float().cpu()
            return samples

    @torch.no_grad()
    def translate(self, source: Tensor, label: Tensor | None = None, *, averaged: bool = True, back: bool = False) -> Tensor:
        """Translations of pictures (N, C, H, W) in [-1, 1], on the CPU in float32; as ``sample`` otherwise.

        ``back``: from the target domain to the source domain, by a method that learns both ways.
        """
        with self.at_inference(averaged) as method:
            pictures, labels = source.to(self.device), None if label is None else label.to(self.device)
            made: Tensor = method.translate_back(pictures) if back else method.translate(pictures, labels)
            return made.float().cpu()

    @contextmanager
    def at_inference(self, averaged: bool) -> Iterator[Method]:
        """The method with its averaged (or raw) weights in evaluation mode; with the raw ones in their own mode afterwards."""
        method = self.method
        own = {name: getattr(method, name) for name in method.averaged}
        modes = {name: module.training for name, module in own.items()}
        try:
            for name, module in own.items():
                setattr(method, name, self.averaged(name).eval() if averaged else module.eval())
            yield method
        finally:
            for name, module in own.items():
                setattr(method, name, module.train(modes[name]))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that training changes: tensors, and what JSON holds."""
        tensors: dict[str, Tensor] = {}
        if self.ranks.world > 1:
            own = self.own_buffers()
            self.ranks.broadcast([buffer for name, buffer in self.method.named_buffers() if name not in own])
            for name, buffer in own.items():
                everyones = self.ranks.gather(buffer)
                tensors |= {f"rank.{rank}.{name}": value for rank, value in enumerate(everyones) if rank > 0}
        extra: dict[str, Any] = {}
        for key, value in self.method.state_dict().items():
            if isinstance(value, Tensor):
                tensors[f"method.{key}"] = value
            else:
                extra[key] = json.loads(json.dumps(value))
        for name, average in self.averages.items():
            tensors |= {f"average.{name}.{key}": value for key, value in average.module.state_dict().items()}
        for player, optimizer in self.optimizers.items():
            tensors |= optimizer_tensors(player, optimizer, self._players[player])
        for name, values in self.window.items():
            tensors[f"window.{name}"] = torch.stack(values)
        return tensors, {"extra": extra}

    def own_buffers(self) -> dict[str, Tensor]:
        """The buffers that are each rank's own, by their names in the method."""
        inside = tuple(f"{name}." for name in self.method.own_to_rank)
        return {name: buffer for name, buffer in self.method.named_buffers() if name.startswith(inside)}

    def load_state(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Restores what ``state`` returned, bit for bit, memory layouts included; ModelError when it is of another method."""
        own: dict[str, Any] = {}
        for prefix in ("method.", f"rank.{self.ranks.rank}."):  # a rank that is new takes what the first one has
            own |= {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
        load_strictly(self.method, own | state["extra"])
        for name, average in self.averages.items():
            prefix = f"average.{name}."
            load_strictly(average.module, {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        for player, optimizer in self.optimizers.items():
            load_optimizer(player, optimizer, self._players[player], tensors)
        self.window = {
            key.removeprefix("window."): list(value.to(self.device).unbind())
            for key, value in tensors.items()
            if key.startswith("window.")
        }


def load_strictly(module: nn.Module, state: dict[str, Any]) -> None:
    """``load_state_dict`` whose failure is one line that names the first key or shape that differs."""
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise ModelError(
            f"the checkpoint is of other networks ({reason})", "resume with the settings that it was trained with"
        ) from error


def optimizer_tensors(player: str, optimizer: Optimizer, parameters: list[Tensor]) -> dict[str, Tensor]:
    """An optimiser's state as flat names: optimizer.<player>.<parameter's index>.<quantity>."""
    return {
        f"optimizer.{player}.{index}.{quantity}": value if isinstance(value, Tensor) else torch.tensor(float(value))
        for index, parameter in enumerate(parameters)
        for quantity, value in optimizer.state[parameter].items()
    }


def load_optimizer(player: str, optimizer: Optimizer, parameters: list[Tensor], tensors: dict[str, Tensor]) -> None:
    """Puts flat names back, each tensor in the memory layout of its parameter: another order would add up differently."""
    prefix = f"optimizer.{player}."
    optimizer.state.clear()
    for key, value in tensors.items():
        if not key.startswith(prefix):
            continue
        index, quantity = key.removeprefix(prefix).split(".", 1)
        parameter = parameters[int(index)]
        if value.shape == parameter.shape and value.dim():
            restored = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
        elif optimizer.defaults.get("fused") and quantity == "step":
            restored = value.to(parameter.device, copy=True)
        else:
            restored = value.clone()
        optimizer.state[parameter][quantity] = restored
