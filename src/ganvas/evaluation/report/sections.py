"""The parts of a run's report, each from what the run's files tell; a part that they do not tell says so."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Any

from ganvas.evaluation.account import Account, Moment, flatten, number, players, terms_of
from ganvas.evaluation.compare import is_default
from ganvas.evaluation.judgement import Judgement, best_of, figure
from ganvas.evaluation.report.charts import Line, Mark, chart
from ganvas.evaluation.report.page import Child, Html, element, prose, section, table

AUGMENTATION = "Adaptive augmentation: p, each change's chance, and overfit, E[sign D(x)] on real pictures; above 0.6, p rises."
MOST_TERMS = 12
"""Curves of one player that are drawn; a method has two or three."""


def heading(account: Account) -> Html:
    config = account.config
    minutes = f"{account.seconds / 60:.1f} minutes" if account.seconds >= 60 else f"{account.seconds:.0f} seconds"
    told = f"{config['method']} on {config['data'].get('name')}: {account.step:,} steps, {account.images:,} images, {minutes}"
    return element("header", element("h1", account.name), element("p", told, class_="sub"))


def verdict(judgement: Judgement) -> Html:
    because = element("ul", [element("li", prose(words)) for words in judgement.because]) if judgement.because else ""
    advice = element("ul", [element("li", prose(words)) for words in judgement.advice]) if judgement.advice else ""
    parts = [element("h2", judgement.headline), because, element("h3", "What to do next") if advice else "", advice]
    return element("section", *parts, class_=f"verdict {judgement.state}")


def key_numbers(account: Account) -> Html:
    """The scores, how each was measured below them by its number, then how far and how fast training came."""
    told = scores_told(account)
    stamps = list(dict.fromkeys(str(moment.score.stamp) for _, moment in told))
    rows: list[list[Child]] = [
        [
            [element("strong", moment.score.name), f" [{stamps.index(str(moment.score.stamp)) + 1}]", element("br"), source],
            element("span", figure(moment), class_="num"),
            moment.score.better,
            "not known" if moment.floor is None else f"{moment.floor:.4g}",
        ]
        for source, moment in told
    ]
    scores: list[Child] = [element("p", prose(f"No scores are on record. `ganvas evaluate {spoken(account)}` measures them."))]
    if rows:
        scores = [table(("score", "value", "better", "real data"), rows)]
        scores += [element("p", f"[{number}] {stamp}", class_="note") for number, stamp in enumerate(stamps, 1)]
    sentences = account.evaluation.get("words")
    words = [element("p", words) for words in (sentences if isinstance(sentences, list) else []) if isinstance(words, str)]
    speed = account.images_per_second
    parameters = ", ".join(f"{name} {count:,}" for name, count in players(account.config).items())
    facts: list[list[Child]] = [
        ["images a second", "not known" if speed is None else f"{speed:,.0f}, saving and sampling included"],
        ["parameters", parameters or "not known: this version does not build the method"],
    ]
    return section("Key numbers", *scores, words, table((), facts))


def scores_told(account: Account) -> list[tuple[str, Moment]]:
    """The scores with what they are of; the best snapshot's and the last one stand once where they are the same."""
    best, last = account.best, account.trend[-1] if account.trend else None
    if best is not None and best == last:
        told = [("best snapshot, end of training", best)]
    else:
        told = [(source, m) for source, m in (("best snapshot", best), ("end of training", last)) if m is not None]
    return told + [("last evaluation", moment) for moment in account.evaluated]


def spoken(account: Account) -> str:
    return shlex.quote(str(account.folder))


def score_curve(account: Account) -> Html:
    """The score over images, its best marked, and why training ended."""
    trend = account.trend
    stop = f"Training ended: {account.ended}." if account.ended else "Why training ended is not on record."
    if len(trend) < 2:
        few = "There is only one score over time: no curve." if trend else "There are no scores over time."
        return section("Score over training", element("p", few), element("p", stop))
    best, score = best_of(trend), trend[-1].score
    nan = float("nan")
    errors = [nan if m.score.standard_error is None else m.score.standard_error for m in trend]
    line = Line("", [m.images for m in trend], [m.score.value for m in trend], errors)
    floors = [m.floor for m in trend if m.floor is not None]
    about = f"{score.name} over images, from {trend[0].score.value:.3g} to {trend[-1].score.value:.3g}"
    drawing = chart(
        [line], x_name="images", about=about, floor=floors[-1] if floors else None,
        marks=[Mark(best.images, best.score.value, f"best: {best.score.value:.3g} at step {best.step:,}")],
    )  # fmt: skip
    band = " The band is one standard error." if all(e == e for e in errors) else ""
    caption = f"{score.name}: {score.better} is better. {score.stamp}.{band}"
    return section("Score over training", chart_figure(drawing, caption), element("p", stop))


def chart_figure(drawing: Html, caption: str) -> Html:
    return element("figure", drawing, element("figcaption", caption), class_="chart")


def term_curves(account: Account) -> Html:
    """What each player minimised, one drawing a player, and the critic's signed estimate."""
    by_player: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for record in account.stats:
        x = number(record.get("images", record.get("step")))
        for name, told in terms_of(record).items():
            player, _, term = name.partition("/")
            if x is not None:
                by_player.setdefault(player, {}).setdefault(term, []).append((x, float("nan") if told is None else float(told)))
    figures = []
    for player, terms in by_player.items():
        lines = [Line(term, *columns(points)) for term, points in list(terms.items())[:MOST_TERMS] if drawable(points)]
        if lines:
            words = f"{player}: {', '.join(line.name for line in lines)}"
            caption = AUGMENTATION if player == "augment" else f"What the {player} minimises, by term."
            figures.append(chart_figure(chart(lines, x_name="images", about=words), caption))
    if not figures:
        return section("Terms of the game", element("p", "There are fewer than two records: no curves."))
    return section("Terms of the game", element("div", *figures, class_="pair"), estimate(account))


def columns(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def drawable(points: list[tuple[float, float]]) -> bool:
    return sum(math.isfinite(y) for _, y in points) >= 2


def estimate(account: Account) -> Child:
    """The critic's Wasserstein estimate over training, and what its sign means."""
    told = [(number(r.get("images")), number(r.get("wasserstein"))) for r in account.stats]
    points = [(x, y) for x, y in told if x is not None and y is not None]
    if len(points) < 2:
        return ""
    drawing = chart([Line("", *columns(points))], x_name="images", about="the critic's Wasserstein estimate over images")
    words = (
        "The critic's Wasserstein estimate E[f(x)] - E[f(G(z))], signed: above 0 the critic scores real samples higher, as it "
        "should; below 0 it lags behind the generator. It should fall as samples improve. It is not a distance until it is "
        "divided by the critic's Lipschitz constant."
    )
    return joined_figure(drawing, words, points[-1][1])


def joined_figure(drawing: Html, words: str, last: float) -> Html:
    return element("div", element("h3", f"Wasserstein estimate, last {last:+.4g}"), chart_figure(drawing, words))


def findings(account: Account) -> Html:
    """What the doctor saw, what it means, what to try, how sure; and what of the files could not be read."""
    rows: list[list[Child]] = []
    for finding in account.findings:
        sure = getattr(finding, "sure", None)
        certainty = f"{sure:.0%}" if isinstance(sure, float) else str(sure or finding.severity)
        name = element("span", finding.name, class_=finding.severity)
        rows.append([name, finding.seen, finding.meaning, finding.remedy, certainty])
    shown = (
        table(("finding", "seen", "means", "try", "how sure"), rows)
        if rows
        else element("p", "The doctor sees nothing wrong." if account.stats else "There are no records to examine.")
    )
    notes = [element("p", words[:1].upper() + words[1:] + ".", class_="note") for words in account.troubles]
    return section("The doctor", shown, *notes)


def settings(account: Account) -> Html:
    """The method's settings, defaults marked, and those of training."""
    config = account.config
    rows: list[list[Child]] = [
        [name, f"{told}{' (default)' if is_default(config, name, told) else ''}"] for name, told in flatten(config["config"])
    ]
    rows += [[name, str(told)] for name, told in flatten(config.get("training", {})) if told is not None]
    return section("Settings", table((), [["method", config["method"]], *rows, ["seed", str(config["seed"])]]))


def origin(account: Account, spoken: str) -> Html:
    """Data and licence, machine, versions, and how to do it again."""
    config = account.config
    data, provenance = config["data"], config.get("provenance", {})
    shape = "x".join(str(n) for n in config["spec"].get("shape", []))
    rows: list[list[Child]] = [
        ["data", f"{data.get('name')}, samples of {shape}, {len(config['spec'].get('classes', []))} classes"],
        ["licence of the data", str(data.get("licence", "not stated"))],
        ["from", str(data.get("origin", "not known"))],
        ["fingerprint", element("code", str(data.get("fingerprint", "none")))],
        ["started", str(provenance.get("date", "not known"))],
    ]
    machine = dict(flatten(provenance.get("machine", {})))
    if isinstance(machine.get("memory"), int):
        machine["memory"] = f"{machine['memory'] / 1e9:.1f} GB"
    rows += [[name.replace("_", " "), words_of(told)] for name, told in machine.items() if told not in (None, [])]
    rows.append(["versions", ", ".join(f"{k} {v}" for k, v in provenance.get("versions", {}).items() if v)])
    git = provenance.get("git") or {}
    if git:
        changed = f", {git.get('changed')} files changed" if git.get("changed") else ""
        rows.append(["git", element("span", element("code", str(git.get("commit"))), changed)])
    command = provenance.get("command")
    if isinstance(command, list) and command:
        first, *rest = (str(word) for word in command)
        program = "ganvas" if Path(first).name == "__main__.py" else Path(first).name
        rows.append(["command", element("code", shlex.join([program, *rest]))])
    rows.append(["once more", prose(f"`ganvas reproduce {spoken}` trains it again and compares the weights bit for bit")])
    return section("Where it comes from, and how to do it again", table((), rows))


def words_of(told: Any) -> str:
    if isinstance(told, list):
        return ", ".join(str(part) for part in told)
    return str(told)
