"""The command tree. A command is a dotted name here: its module is imported when the command runs or its help is shown."""

from __future__ import annotations

from cyclopts import App, Group

from ganvas import __version__
from ganvas.cli.settings import SOURCES

HELP = """Train a generative adversarial network on your data, and know whether it works.

For example:

    ganvas demo                                      learn digits, in minutes
    ganvas train auto --data photos/ --minutes 30    your own pictures, everything chosen
    ganvas train wgan-gp --data mnist --minutes 10   train any method on any data
    ganvas resume wgan-gp-mnist-001 --minutes 30     go on where it stopped
    ganvas sample wgan-gp-mnist-001 -o grid.png      new pictures
"""

EPILOGUE = """Any flag can also be set in the environment (GANVAS_BATCH_SIZE=32); flags of
training also in ganvas.toml, --config FILE or a --preset. A flag goes before
GANVAS_*, that before the file, that before the preset.
"""

THEMES: dict[str, dict[str, str]] = {
    "Train": {
        "demo": "ganvas.cli.demo:demo",
        "train": "ganvas.cli.train:app",
        "resume": "ganvas.cli.resume:resume",
        "reproduce": "ganvas.cli.reproduce:reproduce",
        "examples": "ganvas.cli.examples:examples",
    },
    "Use": {
        "sample": "ganvas.cli.sample:sample",
        "apply": "ganvas.cli.apply:apply",
        "interpolate": "ganvas.cli.interpolate:interpolate",
        "walk": "ganvas.cli.walk:walk",
        "mix": "ganvas.cli.mix:mix",
        "invert": "ganvas.cli.invert:invert",
        "directions": "ganvas.cli.directions:directions",
        "steer": "ganvas.cli.steer:steer",
        "neighbours": "ganvas.cli.neighbours:neighbours",
        "augment": "ganvas.cli.augment:augment",
        "info": "ganvas.cli.info:info",
        "runs": "ganvas.cli.info:runs",
        "export": "ganvas.cli.export:export",
    },
    "Know": {
        "evaluate": "ganvas.cli.evaluate:evaluate",
        "report": "ganvas.cli.report:report",
        "compare": "ganvas.cli.compare:compare",
        "transport": "ganvas.cli.transport:transport",
        "methods": "ganvas.cli.methods:methods",
        "data": "ganvas.cli.data:app",
        "config": "ganvas.cli.config:app",
        "doctor": "ganvas.cli.doctor:doctor",
        "accept": "ganvas.cli.accept:accept",
        "cache": "ganvas.cli.cache:app",
    },
}


def build(*, whole: bool = False) -> App:
    """The command tree, fresh, so that parsing leaves no trace between two calls of ``main`` in one process.

    Args:
        whole: import every command's module now, as the list of commands needs for their summaries.
    """
    app = App(
        name="ganvas",
        help=HELP,
        version=f"ganvas {__version__}",
        help_format="plaintext",
        help_epilogue=EPILOGUE,
        config=SOURCES,
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for position, (theme, commands) in enumerate(THEMES.items()):
        group = Group(theme, sort_key=position)
        for order, (name, path) in enumerate(commands.items()):
            app.command(path, name=name, group=group, sort_key=order)
    app.register_install_completion_command(help="Install completion for this shell, and exit.")
    if whole:
        app.resolved_commands()
    return app


def command_names() -> set[str]:
    """The names of all commands."""
    return {name for commands in THEMES.values() for name in commands}
