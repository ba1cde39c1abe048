"""StarGAN on two sets with labels of their own: the mask, what is not known is not asked for, exact resume."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

import ganvas
from ganvas.apps import APPS, Options
from ganvas.apps.asked import label_for
from ganvas.data.batches import Spec
from ganvas.data.dataset import ArrayData
from ganvas.data.joint import JointData, joined, mask_of
from ganvas.errors import UsageError
from ganvas.evaluation.fixed import fixed_inputs, in_each_domain
from ganvas.methods import StarGAN, StarGANConfig
from ganvas.runs import Run, load

SMALL = StarGANConfig(width=4, blocks=1, batch_size=5, critic_steps=2)


def pictures(count: int, seed: int) -> Tensor:
    return torch.randint(0, 256, (count, 3, 12, 12), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


@pytest.fixture
def data() -> JointData:
    """30 pictures with two attributes and glasses, and 18 of two classes, one of which has an attribute's name."""
    rows = torch.arange(30)
    attributes = torch.stack([rows % 2, 1 - rows % 2, rows // 2 % 2], 1)
    faces = ArrayData(pictures(30, 1), attributes, attributes=(("black", "blond"), ("glasses",)), name="faces").split(0.3)
    moods = ArrayData(pictures(18, 2), torch.arange(18) % 2, classes=("happy", "black"), name="moods").split(0.3)
    return JointData([faces, moods])


@pytest.fixture
def method(data) -> StarGAN:
    torch.manual_seed(0)
    return StarGAN(SMALL, data.spec)


def test_labels_hold_what_is_known_and_a_mask(data):
    assert data.spec == Spec(
        (3, 12, 12), attributes=(("black (faces)", "blond"), ("glasses",), ("happy", "black (moods)")), sets=(2, 1)
    )
    assert Spec.from_json(data.spec.to_json()) == data.spec
    assert (data.spec.label_size, data.spec.places) == (7, (slice(0, 3), slice(3, 5)))
    batch = data.stream(5, seed=0).at(3)
    assert batch.image.shape == (5, 3, 12, 12)
    assert mask_of(batch.label, data.spec).tolist() == [[1, 0]] * 3 + [[0, 1]] * 2
    assert (batch.label[:3, 3:5] == 0).all() and (batch.label[3:, :3] == 0).all()
    assert (batch.label[:3, :2].sum(1) == 1).all() and (batch.label[3:, 3:5].sum(1) == 1).all()
    faces, moods = data.parts
    wanted = joined([faces.stream(3, seed=0).at(3), moods.stream(2, seed=0).at(3)], data.spec)
    assert torch.equal(wanted.image, batch.image) and torch.equal(wanted.label, batch.label)
    both = [data.stream(2, seed=0, rank=rank, world=2).at(1).image for rank in range(2)]
    whole = data.stream(4, seed=0).at(1).image
    assert torch.equal(torch.cat([both[0][:1], both[1][:1], both[0][1:], both[1][1:]]), whole)


def test_a_batch_asks_within_its_sets_and_only_for_what_is_known(method, data):
    batch = data.stream(20, seed=0).at(0)
    given = method.domains(batch.label)
    wanted = method.others(given)
    assert torch.equal(mask_of(wanted, data.spec), mask_of(given, data.spec))
    for rows in (slice(0, 10), slice(10, 20)):
        assert sorted(wanted[rows].tolist()) == sorted(given[rows].tolist())
    assert not torch.equal(wanted, given)
    logits = torch.randn(20, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = method.misnamed(logits, given)
    by_hand = (
        cross_entropy(logits[:10, :2], given[:10, :2])
        + binary_cross_entropy_with_logits(logits[:10, 2:3], given[:10, 2:3])
        + cross_entropy(logits[10:, 3:], given[10:, 3:5])
    )
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-5)
    loss.backward()
    assert (logits.grad[:10, 3:] == 0).all() and (logits.grad[10:, :3] == 0).all()
    assert (logits.grad[:10, :3] != 0).all() and (logits.grad[10:, 3:] != 0).all()


def test_resume_is_exact_and_the_model_edits_in_either_set(tmp_path, data):
    def train(name: str, *stops: int) -> Run:
        torch.manual_seed(0)
        method = StarGAN(SMALL, data.spec)
        for number, steps in enumerate(stops):
            for _ in ganvas.train(method, data, Run(tmp_path / name), steps=steps, device="cpu", resume=number > 0):
                pass
            torch.manual_seed(7)
            method = StarGAN(SMALL, data.spec)
        return Run(tmp_path / name)

    whole, parts = train("whole", 3), train("parts", 2, 3)
    a, b = whole.load().tensors, parts.load().tensors
    assert a.keys() == b.keys()
    assert all(torch.equal(a[key], b[key]) for key in a)
    model = load(tmp_path / "whole")
    assert model.spec == data.spec
    picture = pictures(1, 3)[0]
    for settings in ("glasses", "happy"):
        assert APPS["edit"].apply(model, picture, Options(settings=settings)).shape == picture.shape
    with pytest.raises(UsageError, match="glasses and happy are of two sets of pictures"):
        APPS["edit"].channels(model, Options(settings="glasses,happy"))
    label = label_for(model.spec, {"happy": 1.0}, torch.tensor([1.0, 0, 1, 0, 1]))
    assert label.tolist() == [0, 0, 0, 1, 0, 0, 1]


def test_held_out_pictures_are_asked_for_in_each_domain(method, data):
    inputs = fixed_inputs(method, data, 8, 0)
    assert torch.equal(mask_of(inputs.label, data.spec).sum(1), torch.ones(len(inputs.label), dtype=torch.int64))
    asked = in_each_domain(inputs, data.spec)
    assert len(asked) == 5
    for number, each in enumerate(asked):
        assert (mask_of(each.label, data.spec)[:, int(number > 2)] == 1).all()
        assert (each.label[:, (slice(3, 5), slice(0, 3))[int(number > 2)]] == 0).all()


def test_what_cannot_be_joined(data):
    faces, moods = data.parts
    other = ArrayData(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.arange(4) % 2, classes=("a", "b"), name="small")
    for parts, said in (
        ([faces], "nothing to join"),
        ([faces, other], "faces is 3x12x12, small is 3x8x8"),
        ([faces, ArrayData(pictures(4, 0), name="bare")], "bare has no labels"),
    ):
        with pytest.raises(UsageError, match=said):
            JointData(parts)
    with pytest.raises(UsageError, match="no place for 2 sets"):
        JointData([faces, moods]).stream(1, seed=0)
