"""``report.html``: one page in the run folder that says whether the run works, shows why, and needs nothing but itself.

It holds no script, loads nothing, and escapes every word that comes from a file.
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL.Image import Image

from ganvas.data import Data
from ganvas.errors import GanvasError
from ganvas.evaluation import account as accounts
from ganvas.evaluation.account import Account
from ganvas.evaluation.judgement import Judgement, judge
from ganvas.evaluation.report import figures, sections
from ganvas.evaluation.report.extremes import extremes
from ganvas.evaluation.report.page import Child, Html, document, element, section
from ganvas.runs import Model, load
from ganvas.runs.checkpoint import step_of
from ganvas.runs.durable import replace_file
from ganvas.runs.grids import grid, side_by_side

NAME = "report.html"


def write(folder: Path, spoken: str = "", data: Data | None = None) -> tuple[Path, Judgement]:
    """Writes ``folder``/report.html.

    Args:
        folder: of a run.
        spoken: what commands call the run; its path by default.
        data: what it was trained on; opened from the run's record when None.

    Returns:
        The file, and the judgement that it begins with.

    Raises:
        UsageError: a model folder. ModelError: no run, or its config is damaged. ResourceError: the disk is full.
    """
    account = accounts.read(folder)
    spoken = spoken or str(folder)
    judgement = judge(account, spoken)
    page = document(
        f"{account.name}: {judgement.headline}",
        sections.heading(account),
        sections.verdict(judgement),
        sections.key_numbers(account),
        sections.score_curve(account),
        samples(account, data),
        sections.term_curves(account),
        sections.findings(account),
        sections.settings(account),
        sections.origin(account, spoken),
    )
    path = folder / NAME
    replace_file(path, page.encode())
    return path, judgement


def samples(account: Account, data: Data | None) -> Html:
    """Progress strip, last and best samples, and the training pictures that are nearest to some."""
    parts: list[Child] = []
    strip = figures.read_picture(account.folder / "samples" / "progress.png")
    if strip is not None:
        parts.append(figures.figure(strip, "samples over time", "The same latents over time, the newest at the bottom."))
    drawings = sorted((account.folder / "samples").glob("step-*.png"))
    last = figures.read_picture(drawings[-1]) if drawings else None
    step = (step_of(drawings[-1].with_suffix("")) or 0) if drawings else 0
    shown = []
    if last is not None:
        shown.append(figures.figure(last, "last samples", f"The last samples that were drawn, of step {step:,}; seed 0."))
    try:
        model = load(account.folder)
    except GanvasError as error:
        return section("Samples", *parts, *shown, element("p", f"No model to draw from: {error.cause}."))
    if model.method.translates:
        return translations(strip, last, step, model, data if data is not None else opened(account)[0])
    data, trouble = (data, "") if data is not None else opened(account)
    drawn = figures.sampled(model)
    if last is None or model.facts.get("step") != step:
        words = f"The model that ganvas sample uses, of step {model.facts.get('step', 0):,}; seed 0."
        shown.append(figures.figure(figures.drawn(drawn, data), "samples of the kept model", words))
    return Html(section("Samples", *parts, element("div", *shown, class_="pair")) + nearest(model, drawn, data, trouble))


def translations(strip: Image | None, last: Image | None, step: int, model: Model, data: Data | None) -> Html:
    """The best, the median and the worst translation of held-out pictures, and those that the run drew as it went."""
    parts: list[Child] = []
    found = None if data is None else extremes(model, data)
    if found is not None:
        picture = grid(side_by_side(*found.columns), len(found.columns))
        parts.append(figures.figure(picture, "best, median and worst translation", *found.caption()))
    if last is not None:
        target = ", target" if model.spec.paired else ""
        words = f"Held-out pictures and their translations at step {step:,}: input, output{target}."
        parts.append(figures.figure(last, "translations", words))
    if strip is not None:
        parts.append(figures.figure(strip, "translations over time", "The same outputs over time, the newest at the bottom."))
    return section("Translations", *parts)


def opened(account: Account) -> tuple[Data | None, str]:
    """The run's data, or why it cannot be had."""
    try:
        return accounts.open_data(account.config), ""
    except GanvasError as error:
        return None, error.cause


def nearest(model: Model, drawn: torch.Tensor, data: Data | None, trouble: str) -> Html:
    """The nearest training picture of each of the first samples, and what that proves."""
    title = "Nearest training pictures"
    if not model.spec.is_image:
        words = (
            "Points have no copies to look for: each batch of training is a fresh draw. The scatter above shows data beneath."
        )
        return section(title, element("p", words))
    found = None if data is None else figures.neighbours(drawn, data)
    if found is None:
        return section(title, element("p", f"Not shown: {trouble or 'the training data is endless'}."))
    picture = grid(torch.cat([found.samples, found.found]), len(found.samples))
    distances = ", ".join(f"{distance:.3g}" for distance in found.distances)
    usual = (
        "" if found.usual is None else f" Real pictures that training never saw are typically {found.usual:.3g} from theirs."
    )
    searched = "all" if data is not None and found.searched == len(data) else "a random part"
    caption = (
        f"Above: samples. Below: the nearest of {found.searched:,} training pictures ({searched} of them), by Euclidean "
        f"distance of raw pixels: {distances}.{usual}"
    )
    proof = (
        "A pair that looks the same, or a distance far below the usual one, proves a copy. Pairs that differ do not prove that "
        "there are none: a shifted or recoloured copy is far away in raw pixels."
    )
    return section(title, figures.figure(picture, "samples and their neighbours", caption), element("p", proof))
