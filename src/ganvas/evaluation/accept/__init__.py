"""The acceptance suite: rows of figures that each part must show, rerunnable by anyone with any seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ganvas.errors import UsageError
from ganvas.evaluation.accept import digits, plane
from ganvas.evaluation.accept.augmentation import does_not_leak, helps_few
from ganvas.evaluation.accept.by_class import digits_by_class
from ganvas.evaluation.accept.closed_forms import objectives
from ganvas.evaluation.accept.copies import planted_copies
from ganvas.evaluation.accept.dirac import dirac
from ganvas.evaluation.accept.estimates import estimates_against_exact
from ganvas.evaluation.accept.gradients import gradients_at_fakes
from ganvas.evaluation.accept.hues import changes_hues
from ganvas.evaluation.accept.inked import keeps_digits
from ganvas.evaluation.accept.inverted import held_out_faces
from ganvas.evaluation.accept.mutants import planted_faults
from ganvas.evaluation.accept.overshoot import overshoot
from ganvas.evaluation.accept.pictures import repaints
from ganvas.evaluation.accept.resizing import equals_pillow
from ganvas.evaluation.accept.rivals import against_rivals
from ganvas.evaluation.accept.rows import Check, Outcome, Row, run_checks
from ganvas.evaluation.accept.scores_closed_forms import closed_forms_of_scores
from ganvas.evaluation.accept.smoothness import smoothness
from ganvas.evaluation.accept.stacked_modes import every_mode
from ganvas.evaluation.accept.strongest import strongest
from ganvas.evaluation.accept.structure import reference_networks
from ganvas.evaluation.accept.styles import styles
from ganvas.evaluation.accept.truncation import truncates
from ganvas.evaluation.accept.two_valued import decides

LEVELS: dict[int, list[Check]] = {
    1: [
        Check("A0", "reference networks", "41,857 and 1,176,835 parameters, every layer as in the thesis", reference_networks),
        Check("A2", "objectives against closed forms, value and gradient", "1e-6", objectives),
        Check("A3", "overshoot law of the gradient penalty, shift W = 2", "within 5 % of 1 + W/(2 lambda)", overshoot, 0.3),
        Check("A5", "DiracGAN convergence rates", "within 10 % of the eigenvalues; only R1 and R2 converge", dirac),
        Check(
            "A7",
            "penalties, spectral norm, averages, clipping",
            "1e-4; spectral norm 1 %; EMA 1e-6; clipping exact",
            smoothness,
        ),
        Check("B1", "(x, x^2): exact EMD over that of two real samples", "2x", plane.curve, 1),
        Check(
            "B2",
            "ring of 8: modes, high-quality share, KL to uniform",
            "r3gan 8, >= 0.75, <= 0.02; wgan-gp is reported",
            plane.ring,
            3,
        ),
        Check("B3", "grid of 25: the same", "r3gan 25, >= 0.70, <= 0.02, a third of gan's KL", plane.grid, 5),
        Check("B4", "Swiss roll: exact EMD over that of two real samples", "2.5x", plane.swiss_roll, 2),
        Check(
            "B5",
            "wgan on one digit at 92, 184, 276, 368",
            "Frechet falls at each; sharpness falls from noise to that of real ones; >= 84 % read as it",
            digits.one_digit,
            5,
        ),
        Check(
            "B6",
            "wgan's estimate against exact EMD over training on (x, x^2)",
            "Spearman >= 0.9; Gaussians to both sides are reported",
            plane.tracks_distance,
            3,
        ),
        Check("C1a", "cgan on MNIST: accuracy of the label asked for", "0.90 after 10 min", digits.conditional, 11),
    ],
    2: [
        Check("A6", "scores against closed forms", "3 %", closed_forms_of_scores, 0.2),
        Check("A8", "resizing against Pillow", "equal to the last bit", equals_pillow),
        Check("M1", "copies of training pictures planted at 0, 10, 50 %", "detected; 5 points", planted_copies, 0.3),
        Check(
            "A1",
            "N(-3,1), N(3,1): |gradient| at the fakes",
            "minimax <= 1e-3; non-saturating >= 1; penalised 15 %, spread 10 %; clipped 10 %",
            gradients_at_fakes,
            0.3,
        ),
        Check(
            "A4",
            "critic's estimate against exact W1 on pairs that are no shift",
            "15 %; over its slope <= exact + 2 %",
            estimates_against_exact,
            1,
        ),
        Check(
            "C4", "r3gan on MNIST and Fashion: Frechet (LeNet) over that of real pictures", "4 in 20 min each", strongest, 42
        ),
        Check("D3", "methods with one planted fault each", "every one fails a check, the real code none", planted_faults, 1),
    ],
    3: [
        Check(
            "C2",
            "pix2pix, fills of +1 or -1 at random: mean |y| inside",
            "L1 alone <= 0.1, with critic >= 0.85; L1 error <= 10 % worse",
            decides,
            1,
        ),
        Check(
            "C3a",
            "cyclegan, digits to ink, truth known",
            "labels kept >= 0.90, cycle L1 <= 0.05; without cycles >= 20 points fewer",
            keeps_digits,
            7,
        ),
        Check(
            "C3b",
            "stargan, digits in four hues",
            "domain >= 0.95, digit kept >= 0.93, reconstruction L1 <= 0.05",
            changes_hues,
            7,
        ),
        Check(
            "C3c",
            "pix2pix: colourise, upscale, restore, edges to colour",
            "KID below source's and L1's; PSNR within 1.5 dB of L1's; upscale above bicubic",
            repaints,
            30,
        ),
    ],
    4: [
        Check(
            "F1",
            "biggan on MNIST: truncated latents, precision and recall, orthogonal regularisation",
            "0.880, 0.540, 0.284 by 1 %; rises, falls; gradients 1e-6",
            truncates,
            10,
        ),
        Check(
            "F2",
            "stylegan: unit filters, psi 0, path length of a linear generator, mixing, lazy terms",
            "1e-5; one picture; 1 % of 2 |A|^2; at every layer alike; beta2 0.99059, 0.99199",
            styles,
            0.1,
        ),
        Check(
            "F3",
            "augmentation: p = 0, leaks at p = 0.5, the cap of an adaptive p",
            "identity; >= 95 % upright; 0.8",
            does_not_leak,
            3,
        ),
        Check("F4", "500 Fashion pictures: Frechet (LeNet) with ada over that without", "0.7", helps_few, 20),
        Check(
            "C1",
            "r3gan by class on MNIST: accuracy, accuracy of classifiers taught by samples",
            "0.97; >= real pictures' - 0.03",
            digits_by_class,
            33,
        ),
        Check(
            "F5",
            "r3gan on faces and emoji at 64: Frechet (EfficientNet) over floor, beside dcgan and wgan-gp",
            "a half of either's, or less, in 10 min each",
            against_rivals,
            80,
        ),
        Check(
            "D1",
            "stacked MNIST by auto, 26,000 samples: modes, KL to uniform",
            "1,000; 0.10, after 10 min of a GPU; reported after 30 min without one",
            every_mode,
            31,
        ),
        Check(
            "LI",
            "faces held out of training, inverted and tuned: nearer than the nearest training face",
            ">= 80 % of 50",
            held_out_faces,
            27,
        ),
    ],
}
"""The rows of each level, in the order in which they run."""


def run_level(level: int = 1, seed: int = 0, only: Sequence[str] | None = None) -> Iterator[Row]:
    """Runs the rows of a level and yields each as it finishes, with bound against measured.

    Raises:
        UsageError: no such level, or ``only`` names a row that it does not have.
    """
    if level not in LEVELS:
        raise UsageError(f"there is no acceptance level {level}", f"choose from {', '.join(map(str, LEVELS))}")
    return run_checks(LEVELS[level], seed, only)


__all__ = ["LEVELS", "Check", "Outcome", "Row", "run_level"]
