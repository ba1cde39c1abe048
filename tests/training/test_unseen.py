"""Adaptive augmentation goes by pictures that are held out: whom the engine shows, and that a look leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganvas.data.dataset import ArrayData
from ganvas.methods import METHODS
from ganvas.networks.augment import EVERY
from ganvas.runs import Run
from ganvas.training import Progress, train
from tiny import SAMPLERS, config_for, data_for, pictures


def trained(name: str, data: ArrayData, folder: Path, steps: int = 2 * EVERY, **settings: object) -> Progress:
    torch.manual_seed(0)
    method = METHODS[name](config_for(name, **({"augment": "ada"} | settings)), data.spec)
    *_, last = train(method, data, Run(folder, seed=0), steps=steps, threads=1)
    return last


def labelled(count: int = 40) -> ArrayData:
    return ArrayData(pictures(count), torch.arange(count) % 3, classes=("a", "b", "c"))


def test_pictures_are_shown_in_turn_and_are_never_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = labelled().split(held=torch.arange(20))
    held, shown = data.held_out().real(20).image.flatten(1), []
    method = METHODS["r3gan"]
    seen = method.seen

    def watched(self: object, samples: torch.Tensor) -> torch.Tensor:
        if len(samples) == 8 and not torch.is_grad_enabled():
            shown.append(samples.flatten(1))
        return seen(self, samples)  # type: ignore[arg-type]

    monkeypatch.setattr(method, "seen", watched)
    trained("r3gan", data, tmp_path / "run", steps=5 * EVERY)
    places = [torch.cdist(batch, held) for batch in shown]
    looks = [distances.argmin(1) for distances in places if float(distances.amin(1).max()) == 0]
    assert len(looks) == 5
    assert sorted(torch.cat(looks).tolist()) == sorted([*range(20)] * 2)  # 5 looks at 8 of 20: each of them twice
    rest = torch.cat([distances for distances in places if float(distances.amin(1).max()) > 0])
    assert float(rest.min()) > 0  # what the generator's loss pairs with are training pictures


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "gan"])
def test_a_look_changes_neither_norms_nor_power_iterations(name: str, tmp_path: Path) -> None:
    data = data_for(name)
    assert isinstance(data, ArrayData)
    progress = trained(name, data.split(held=torch.arange(16)), tmp_path / "run", steps=1)
    engine = progress.engine
    assert engine.unseen is not None
    before = {key: value.clone() for key, value in engine.method.state_dict().items()}
    modes = [module.training for module in engine.method.modules()]
    engine.look(engine.unseen, 0)
    after = engine.method.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert modes == [module.training for module in engine.method.modules()]
    assert float(engine.method.augmentation.scores[2, 1]) == 8


@pytest.mark.parametrize("name", ["dcgan", "wgan-gp", "sngan"])
def test_only_the_discriminator_of_the_look_is_held_against_it(name: str, tmp_path: Path) -> None:
    """Later ones of the same step, of which wgan-gp and sngan have several, may have drifted."""
    progress = trained(name, labelled().split(held=torch.arange(16)), tmp_path / "run", steps=EVERY)
    assert progress.engine.method.augmentation.scores[:, 1].tolist() == [8, 8, 8]
    assert float(progress.engine.method.augmentation.scores[0, 0]) != 0


def test_a_discriminator_that_knows_its_pictures_by_heart_is_found_out_by_unseen_ones(tmp_path: Path) -> None:
    trained("dcgan", labelled(24).split(held=torch.arange(16)), tmp_path / "few", steps=200)
    records = [record for record in Run(tmp_path / "few").stats() if "augment/unseen" in record]
    assert max(record["augment/unseen"] for record in records) > 0.5  # noise: eight pictures say nothing of others
    assert max(record["augment/p"] for record in records) > 0.1


def test_few_or_no_held_out_pictures_leave_it_to_the_sign(tmp_path: Path) -> None:
    for number, data in enumerate((labelled(), labelled().split(held=torch.arange(15)))):
        folder = tmp_path / str(number)
        assert trained("dcgan", data, folder).engine.unseen is None
        assert {"augment/overfit", "augment/p"} <= Run(folder).stats()[-1].keys()
        assert "augment/unseen" not in Run(folder).stats()[-1]
