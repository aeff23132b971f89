"""Findings: what is wrong, causes without their consequences.

Numbers that are not finite hide all else. Gradients are judged only where activity is sound: behind dead or saturated
layers they vanish for that reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from spikeinit.interop.diagnose import criteria
from spikeinit.interop.diagnose.activity import activity
from spikeinit.interop.diagnose.criteria import Finding
from spikeinit.interop.diagnose.measures import DIFFERENT_SPIKES, Measured
from spikeinit.interop.diagnose.observer import LayerRecord, activated
from spikeinit.interop.diagnose.words import number, percent


def findings(measured: Sequence[Measured], never_reached: Sequence[str]) -> list[Finding]:
    """All findings, the most severe first and otherwise in the order of data."""
    broken = _not_finite(measured)
    if broken is not None:
        return [broken, *_notes(measured, never_reached)]
    found = [*_no_neurons(measured), *activity(measured)]
    if all(finding.severity != "error" for finding in found):
        found += _gradients(measured)
    found.sort(key=lambda finding: finding.severity != "error")
    return [*found, *_notes(measured, never_reached)]


def _not_finite(measured: Sequence[Measured]) -> Finding | None:
    for each in measured:
        weights = [] if each.layer is None else list(each.layer.module.parameters())
        if not all(torch.isfinite(weight).all() for weight in weights):
            what = f"weights of {each.name}"
            remedy = "initialise the network anew, with a lower learning rate or clipped gradients"
        elif each.layer is not None and not math.isfinite(each.input_square):
            what = f"numbers that {each.name} receives"
            remedy = "look at the data, and at what stands before this layer"
        elif not each.current_finite:
            what = f"currents of the neurons {each.site.neurons.name}"
            remedy = f"look at what stands between {each.name} and them"
        else:
            continue
        sentence = f"some of the {what} are NaN or infinite, and nothing behind them can be judged"
        return Finding("not_finite", "error", each.name, sentence, remedy, (each.name,))
    return None


def _no_neurons(measured: Sequence[Measured]) -> list[Finding]:
    """Layers whose output reaches another layer without neurons or an activation in between."""
    found = []
    for each in measured:
        for source, passed in (each.layer.sources or {}).items() if each.layer is not None else ():
            if not isinstance(source, LayerRecord) or activated(passed) or _depthwise(source):
                continue
            sentence = (
                f"{source.name} leads to {each.name} with neither neurons nor an activation between, so that the "
            )
            sentence += "two are one linear map"
            remedy = f"put neurons behind {source.name}, or leave one of the two out"
            finding = Finding("no_neurons", "warning", source.name, sentence, remedy, (source.name, each.name))
            if finding not in found:
                found.append(finding)
    return found


def _depthwise(layer: LayerRecord) -> bool:
    """A convolution of each channel by itself: it stands before one of size one by intention."""
    return getattr(layer.module, "groups", 1) > 1


def _gradients(measured: Sequence[Measured]) -> list[Finding]:
    """The first layer on the way back whose gradient has vanished or exploded, beside the last."""
    known = [each for each in measured if not math.isnan(each.current_gradient)]
    broken = next((each for each in reversed(known) if not math.isfinite(each.current_gradient)), None)
    if broken is not None:
        sentence = f"the gradient of the currents of {broken.name} is infinite"
        remedy = "look at the loss, or take a surrogate gradient that is bounded"
        return [Finding("exploding_gradient", "error", broken.name, sentence, remedy, (broken.name,))]
    if len(known) < 2:
        return []
    last = known[-1]
    if last.current_gradient == 0:
        sentence = f"the loss does not change with the currents of the last layer, {last.name}"
        remedy = "take a surrogate gradient that is wider, or a loss that depends on the output"
        return [Finding("vanishing_gradient", "error", last.name, sentence, remedy, (last.name,))]
    ratios = [(each, each.current_gradient / last.current_gradient) for each in known[:-1]]
    for code, verb, ill in (
        ("vanishing_gradient", "vanish", lambda ratio: ratio * criteria.GRADIENT_CHANGE <= 1),
        ("exploding_gradient", "explode", lambda ratio: ratio >= criteria.GRADIENT_CHANGE),
    ):
        layers = [each.name for each, ratio in ratios if ill(ratio)]
        if layers:
            return [_gradient_finding(code, verb, [*ratios, (last, 1.0)], tuple(layers))]
    return []


def _gradient_finding(
    code: str, verb: str, ratios: Sequence[tuple[Measured, float]], layers: tuple[str, ...]
) -> Finding:
    place = max(place for place, (each, _) in enumerate(ratios) if each.name in layers)
    (where, ratio), (first, at_first) = ratios[place], ratios[0]
    last = ratios[-1][0]
    per_layer = at_first ** (1 / (len(ratios) - 1))
    numbers = {
        "gradient": where.current_gradient,
        "last_gradient": last.current_gradient,
        "ratio": ratio,
        "first_ratio": at_first,
        "per_layer": per_layer,
    }
    sentence = (
        f"gradients {verb} on their way back: with respect to the currents of {where.name} their norm is "
        f"{number(where.current_gradient)}, and {number(last.current_gradient)} in the last layer, {last.name}"
    )
    if first is not where:
        sentence += f"; in {first.name} it is {number(first.current_gradient)}"
    if per_layer > 0:
        sentence += f", a factor of {number(per_layer)} per layer"
        remedy = (
            f"take a surrogate gradient {number(1 / per_layer)} times as high"
            if per_layer < 1
            else f"take a surrogate gradient {number(per_layer)} times lower"
        )
        remedy += ", another width of it, or connections that skip layers"
    else:
        remedy = "take a surrogate gradient that is wider"
    wrong = _weights_off(where, per_layer)
    return Finding(code, "error", where.name, sentence, f"{remedy}{wrong}", layers, numbers)


def _weights_off(each: Measured, per_layer: float) -> str:
    """A remedy by weights, where they are too small for a gradient that vanishes or too large for one that explodes."""
    advised = each.law_variance if each.initializer == "micheli2024" else each.needed_variance
    ratio = each.weight_variance / advised
    if not (ratio < criteria.WEIGHTS_OFF[0] if per_layer < 1 else ratio > criteria.WEIGHTS_OFF[1]):
        return ""
    own = number(each.weight_variance)
    return f"; or initialise with {each.initializer}, whose Var[w] is {number(advised)}, not {own}"


def _notes(measured: Sequence[Measured], never_reached: Sequence[str]) -> list[Finding]:
    found = []
    stale = [each for each in measured if each.site is not None and each.site.stale]
    if stale:
        names = tuple(dict.fromkeys(each.site.neurons.name for each in stale))
        first = stale[0].site.neurons
        call = criteria.REMEDY_OF_STATE.get(first.reader.library, "the library's reset")
        sentence = (
            f"{_listed(names)} would have started from potentials of an earlier batch; all numbers here are from "
        )
        sentence += "fresh ones"
        remedy = f"call {call} before every batch, if that is not done outside of the network"
        found.append(Finding("state_left", "note", names[0], sentence, remedy, names))
    for each in measured:
        if each.different_spikes > DIFFERENT_SPIKES:
            neurons, share = each.site.neurons.name, percent(each.different_spikes)
            sentence = (
                f"{neurons} behind {each.name} differ from their equation in {share} of the spikes, so that their "
            )
            sentence += "potentials are not known"
            remedy = "look whether they serve in several places, are handed a state, or have a forward of their own"
            found.append(Finding("equation_differs", "note", each.name, sentence, remedy, (each.name,)))
    if never_reached:
        sentence = f"no data reaches {_listed(never_reached)}"
        remedy = "leave them out, or give `run`, which calls the network as in training"
        found.append(Finding("unused_layer", "note", never_reached[0], sentence, remedy, tuple(never_reached)))
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
