"""The U-Net against the layer table of the paper and of its reference code."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganvas.errors import UsageError
from ganvas.networks.unet import UNet, unet_levels


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_paper_s_256_pixel_net_layer_by_layer() -> None:
    """C64-C128-C256-C512-C512-C512-C512-C512 and its mirror, counted as 16 weights a pair of channels of a 4x4 kernel.

    The reference code's net has 54,413,955 parameters: its only bias is in the last layer (3). With one in the first layer as
    well (64, no norm follows) it is 54,414,019; ours has one at the innermost map too (512, no norm follows).
    """
    net = UNet(3, 3, norm="batch")
    down = [3, 64, 128, 256, 512, 512, 512, 512, 512]
    encoder = sum(16 * i * o for i, o in zip(down[:-1], down[1:], strict=True))
    up = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64), (128, 3)]
    decoder = sum(16 * i * o for i, o in up)
    norms = 2 * sum([128, 256, 512, 512, 512, 512]) + 2 * sum(o for _, o in up[:-1])
    reference = encoder + decoder + norms + 3
    assert reference == 54_413_955
    assert reference + 64 == 54_414_019
    assert parameters(net) == reference + 64 + 512
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert [(m.in_channels, m.out_channels) for m in convolutions] == [*zip(down[:-1], down[1:], strict=True), *up]


def test_dropout_is_after_the_first_three_decoder_layers() -> None:
    found = [any(isinstance(m, nn.Dropout) for m in layer.modules()) for layer in UNet(3, 3, width=2).up]
    assert found == [True, True, True, False, False, False, False, False]
    assert not any(isinstance(m, nn.Dropout) for m in UNet(3, 3, width=2, dropout=0).modules())


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_any_multiple_any_channels(norm: str) -> None:
    net = UNet(1, 4, width=4, levels=3, norm=norm)  # type: ignore[arg-type]
    for size in ((8, 8), (16, 40)):
        out = net(torch.randn(2, 1, *size))
        assert out.shape == (2, 4, *size)
        assert out.abs().max() <= 1


def test_every_map_reaches_the_output() -> None:
    """A skip that was lost would leave an encoder layer's gradient to the longer ways alone; none at all when both are."""
    torch.manual_seed(0)
    net = UNet(3, 3, width=4, levels=4, dropout=0)
    source = torch.randn(2, 3, 32, 32)
    whole = net(source)
    for layer in net.down:
        handle = layer.register_forward_hook(lambda _m, _i, out: torch.zeros_like(out))
        assert not torch.allclose(net(source), whole)
        handle.remove()
    # What the outermost decoder layer sees of the picture directly: with everything inside it silent, the picture still counts.
    silent = net.up[-2].register_forward_hook(lambda _m, _i, out: torch.zeros_like(out))
    assert not torch.allclose(net(source), net(-source))
    silent.remove()


def test_dropout_is_noise_in_training_only() -> None:
    torch.manual_seed(0)
    net = UNet(3, 3, width=4, levels=5)
    source = torch.randn(1, 3, 32, 32)
    assert not torch.equal(net(source), net(source))
    net.eval()
    assert torch.equal(net(source), net(source))


def test_levels_by_size() -> None:
    sizes = {(256, 256): 8, (128, 128): 7, (64, 64): 6, (32, 32): 5, (28, 28): 5, (96, 96): 5, (256, 64): 6, (2048, 2048): 8}
    assert {size: unet_levels(*size) for size in sizes} == sizes
    assert unet_levels(8, 8) == 3
    for side in range(4, 300, 7):
        innermost = -(-side // 2 ** unet_levels(side, side))
        assert 1 <= innermost <= 4


@pytest.mark.parametrize("levels", [1, 9])
def test_refuses_other_depths(levels: int) -> None:
    with pytest.raises(UsageError, match="2 to 8"):
        UNet(3, 3, levels=levels)


def test_refuses_an_unknown_norm() -> None:
    with pytest.raises(UsageError, match="instance or batch"):
        UNet(3, 3, width=2, levels=3, norm="layer")  # type: ignore[arg-type]
