"""``ganvas report RUN``: one page that says whether a run works."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from ganvas.cli.output import NORMAL, Speaking


def report(
    run: str, /, *, open_: Annotated[bool, Parameter(name="--open", negative="")] = False, output: Speaking = NORMAL
) -> None:
    """Write report.html into a run's folder: verdict, scores, curves, samples, nearest training pictures, settings.

    The page is one file that needs no network. Training writes it too, when it ends.

    For example:

        ganvas report wgan-gp-mnist-001
        ganvas report wgan-gp-mnist-001 --open

    Args:
        run: the run's name or path.
        open_: show the page in the browser.
    """
    from ganvas.cli import names
    from ganvas.evaluation import report as pages

    folder = names.existing(run)
    path, judgement = pages.write(folder, names.spoken(folder))
    lines = [judgement.headline, *judgement.because, *judgement.advice, f"report    {path}"]
    output.result({"report": str(path), "verdict": judgement.to_json()}, "\n".join(lines))
    if open_:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
