"""Training in a notebook: one output cell that follows it, with the curves and the samples of the moment.

```python
for progress in ganvas.watch(ganvas.train(method, data, run, minutes=10)):
    pass
```
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from ganvas.runs import grids
from ganvas.runs.latents import draw
from ganvas.runs.notebook_view import image
from ganvas.training import Interrupted, Progress

EVERY = 5.0
PICTURES, POINTS = 32, 1000
SHARE = 0.05
"""Drawing may take this share of the time: after a drawing of t seconds the next waits t / SHARE."""


def watch(progresses: Iterable[Progress], *, every: float = EVERY) -> Iterator[Progress]:
    """Passes on the progress of ``ganvas.train`` and shows it: a live cell in a notebook, a line each time elsewhere.

    The notebook's stop button ends the loop without a traceback: the trainer finishes its step and saves, the model stays.

    Args:
        progresses: of ``ganvas.train``.
        every: seconds between two views.
    """
    cell, due = Cell(), 0.0
    try:
        for progress in progresses:
            started = time.monotonic()
            if started >= due or progress.done:
                cell.show(progress)
                took = time.monotonic() - started
                due = time.monotonic() + max(every, took / SHARE)
            yield progress
    except Interrupted as stop:
        cell.say(f"{stop.cause}: train(..., resume=True) goes on from there")


class Cell:
    """What is looked at: an output cell that is drawn anew, or lines on stderr where there is no notebook."""

    def __init__(self) -> None:
        self.display: Any = import_module("IPython.display") if in_notebook() else None
        self.handle: Any = None

    def show(self, progress: Progress) -> None:
        """Draws this moment."""
        if self.display is None:
            print(sentence(progress), file=sys.stderr)
            return
        page = self.display.HTML(view(progress))
        if self.handle is None:
            self.handle = self.display.display(page, display_id=True)
        else:
            self.handle.update(page)

    def say(self, words: str) -> None:
        """One line that stays."""
        print(words, file=sys.stderr)


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this process; IPython is not imported to find out."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and hasattr(shell, "kernel")


def sentence(progress: Progress) -> str:
    """Where training stands and what the doctor says."""
    terms = "  ".join(f"{name} {value:.4g}" for name, value in progress.terms.items())
    estimate = "" if progress.wasserstein is None else f"  W estimate {progress.wasserstein:+.4g} (signed)"
    troubles = " | ".join(f"{f.seen}: {f.meaning}; {f.remedy}" for f in progress.findings if f.severity != "ok")
    place = f"step {progress.step:,} ({progress.fraction:.0%}), {progress.images_per_second:,.0f} images/s"
    return f"{place}  {terms}{estimate}  doctor: {troubles or 'nothing wrong so far'}"


def view(progress: Progress) -> str:
    """The cell as HTML: the sentence, the samples of always the same latents, the curves."""
    parts = [f"<p>{html.escape(sentence(progress))}</p>"]
    method = progress.engine.method
    if not method.translates:
        config, count = method.config, PICTURES if method.spec.is_image else POINTS
        latent = draw(0, count, config.latent_size, seed=0, prior=config.prior)
        parts.append(image(grids.picture_bytes(progress.sample(latent)), "samples"))
    if progress.session is not None and (drawing := grids.curves_bytes(progress.session.run.stats())):
        parts.append(image(drawing, "curves"))
    return "".join(parts)
