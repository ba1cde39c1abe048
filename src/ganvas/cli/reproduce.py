"""``ganvas reproduce RUN``: trains a run again from its record and compares the weights."""

from __future__ import annotations

from typing import Any

from ganvas.cli.output import NORMAL, Speaking, speaks


def reproduce(run: str, /, *, into: str | None = None, output: Speaking = NORMAL) -> None:
    """Train a run again with its data, settings, seed and threads, as far as it came, and compare the weights bit for bit.

    For example:

        ganvas reproduce wgan-gp-mnist-001

    Args:
        run: the run's name or path.
        into: name or path of the new run; by default the next free number.
    """
    from ganvas.cli import names
    from ganvas.cli.session import again, follow
    from ganvas.runs import Run, provenance

    original = Run(names.existing(run))
    config = original.config
    for line in differences(config["provenance"], provenance()):
        output.say(f"not as it was: {line}", "yellow")
    outcome = follow(again(original, names.folder_of(into) if into else names.free_like(original.path)), output)
    if not speaks():
        return
    old, new = original.load(), Run(outcome.document["run"]).load()
    assert old is not None and new is not None
    apart = sorted(name for name, tensor in old.tensors.items() if not same(tensor, new.tensors.get(name)))
    verdict = f"differs in {len(apart)} of {len(old.tensors)} tensors" if apart else "bit-identical"
    document = {"original": str(original.path), "identical": not apart, "differing": apart, **outcome.document}
    output.result(document, f"{outcome.shown}\n{names.spoken(original.path)} at step {old.step}: {verdict}")


def same(one: Any, other: Any) -> bool:
    """Whether two tensors are equal bit for bit."""
    return other is not None and one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())


def differences(then: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """What of versions and machine is not as it was, in words; dates and command lines always differ and are left out."""
    found = []
    for key in sorted(then.keys() & now.keys() - {"date", "command", "argv", "folder"}):
        if isinstance(then[key], dict) and isinstance(now[key], dict):
            found += differences(then[key], now[key], f"{prefix}{key}.")
        elif then[key] != now[key]:
            found.append(f"{prefix}{key} was {then[key]}, is {now[key]}")
    return found
