"""What a picture shall become, in words: the names of a model's classes or attributes, and how much of each."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ganvas.apps.through import Options, reduced, to_float
from ganvas.data.batches import Spec
from ganvas.errors import UsageError
from ganvas.runs import Model


def parsed(text: str) -> dict[str, float]:
    """``smile=1,glasses=0,young`` by name; a name alone is 1.

    Raises:
        UsageError: a value that is no number in 0..1, a name that is empty or named twice.
    """
    values: dict[str, float] = {}
    for part in text.split(","):
        name, sign, said = (word.strip() for word in part.partition("="))
        if not name or name in values:
            raise UsageError(
                f"--set {text} names {'an attribute twice' if name else 'nothing'}", "write --set smile=1,glasses=0"
            )
        try:
            values[name] = float(said) if sign else 1.0
        except ValueError:
            raise UsageError(f"--set {name}={said} is no number", "give 0 (without) to 1 (with)") from None
        if not 0 <= values[name] <= 1:  # also for NaN
            raise UsageError(f"--set {name}={said} is out of range", "give 0 (without) to 1 (with)")
    return values


def strength_of(options: Options) -> float:
    """How far the picture goes to what is asked of it, 1 unless said.

    Raises:
        UsageError: it is not in 0..1.
    """
    strength = 1.0 if options.strength is None else options.strength
    if not (math.isfinite(strength) and 0 <= strength <= 1):
        raise UsageError(f"--strength {strength:g} is out of range", "give 0 (the picture as it is) to 1 (all of the change)")
    return strength


def groups_of(spec: Spec) -> tuple[tuple[str, ...], ...]:
    """Names of which a picture has exactly one, or of one that it has or has not."""
    return spec.attributes or ((spec.classes,) if spec.classes else ())


def known_name(name: str, spec: Spec) -> str:
    """The model's own word for a name: capitals, spaces, hyphens and underscores do not matter.

    Raises:
        UsageError: it has none such; names the nearest, or those that there are.
    """

    def plain(word: str) -> str:
        return word.casefold().replace("_", " ").replace("-", " ")

    names = spec.domains
    if name in names:
        return name
    alike = [own for own in names if plain(own) == plain(name)]
    if len(alike) == 1:
        return alike[0]
    near = difflib.get_close_matches(name, names, n=1)
    what = "attribute" if spec.attributes else "class"
    listed = ", ".join(names[:40]) + (", ..." if len(names) > 40 else "")
    mend = f"did you mean {near[0]}? It knows {listed}" if near else f"it knows {listed}"
    raise UsageError(f"the model never saw the {what} {name!r}", mend)


def wanted_of(options: Options, app: str, spec: Spec) -> dict[str, float]:
    """What ``--to`` and ``--set`` ask for, by the model's own names.

    Raises:
        UsageError: nothing is asked for, or a name that the model does not know.
    """
    asked = ({} if options.to is None else {options.to: 1.0}) | ({} if options.settings is None else parsed(options.settings))
    if not asked:
        flag = "--set" if spec.attributes else "--to"
        raise UsageError(
            f"{app} was not told what to make of the picture", f"say it with {flag}: {', '.join(spec.domains[:40])}"
        )
    wanted: dict[str, float] = {}
    for name, value in asked.items():
        own = known_name(name, spec)
        if own in wanted:
            raise UsageError(f"{own} is asked for twice", "name it once")
        wanted[own] = value
    return wanted


def label_for(spec: Spec, wanted: Mapping[str, float], own: Tensor) -> Tensor:
    """The label (K,) in 0..1, with the mask of its set (K + sets,), that asks for ``wanted`` of a picture that is ``own`` (K,).

    An attribute that stands alone gets its value. One of a group takes its value's share of the group, and what the picture is
    keeps the rest; where only a 0 is named, the picture's other one of that group must be named.

    Raises:
        UsageError: two of a group that exclude each other, or none in place of one that shall go.
    """
    label, start = own.clone(), 0
    for group in groups_of(spec):
        place = slice(start, start + len(group))
        start += len(group)
        named = {name: wanted[name] for name in group if name in wanted}
        if not named:
            continue
        if len(group) == 1:
            label[place] = named[group[0]]
            continue
        others = ", ".join(group)
        chosen = [name for name, value in named.items() if value > 0]
        if len(chosen) > 1:
            raise UsageError(f"{' and '.join(chosen)} exclude each other", f"ask for one of {others}")
        if not chosen:
            raise UsageError(f"{' and '.join(named)} is to go, but nothing to come in its place", f"ask for one of {others}")
        share = named[chosen[0]]
        new = torch.zeros(len(group))
        new[group.index(chosen[0])] = 1.0
        label[place] = torch.lerp(label[place], new, share)
    return in_set(spec, wanted, label)


def in_set(spec: Spec, wanted: Mapping[str, float], label: Tensor) -> Tensor:
    """A label (K,) as the generator takes it: of several sets (K + sets,), with what the set of ``wanted`` knows and its mask.

    Raises:
        UsageError: names of two sets.
    """
    if not spec.sets:
        return label
    homes = {name: next(n for n, place in enumerate(spec.places) if name in spec.domains[place]) for name in wanted}
    if len(set(homes.values())) > 1:
        first, *others = homes
        other = next(name for name in others if homes[name] != homes[first])
        raise UsageError(f"{first} and {other} are of two sets of pictures", "ask for one after the other, of the result")
    number = homes[next(iter(homes))]
    place, told = spec.places[number], torch.zeros(spec.label_size)
    told[place] = label[place]
    told[len(spec.domains) + number] = 1
    return told


def recognised(model: Model, pixels: Tensor) -> Tensor:
    """What a picture, uint8 (C, H, W), is: (K,) of zeros and ones, the likeliest of each group."""
    chances = model.recognise(to_float(reduced(pixels, model.spec.shape[1:]))[None])[0]
    parts = []
    for part in chances.split([len(group) for group in groups_of(model.spec)]):
        alone = len(part) == 1
        parts.append((part > 0.5).float() if alone else torch.nn.functional.one_hot(part.argmax(), len(part)).float())
    return torch.cat(parts)


def require_domains(model: Model, app: str) -> None:
    """Raises UsageError for a model that cannot be told what to make."""
    if not model.method.conditional:
        raise UsageError(
            f"the model is a {model.method_name}, it cannot be told what to make", f"`ganvas train {app}` trains one"
        )
