"""Findings about activity: data of a wrong scale, dead and saturated layers, and time constants that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spikeinit.interop.diagnose import criteria, remedies
from spikeinit.interop.diagnose.criteria import Finding
from spikeinit.interop.diagnose.measures import Measured
from spikeinit.interop.diagnose.words import number, percent


def activity(measured: Sequence[Measured]) -> list[Finding]:
    """What is wrong, each at the layer where it begins: layers behind it with the same trouble belong to it."""
    found = []
    start = 0
    while start < len(measured):
        kind = _kind(measured[start])
        stop = start + 1
        if kind is not None:
            while stop < len(measured) and (measured[stop].site is None or _kind(measured[stop]) is kind):
                stop += 1
            found.append(kind(list(measured), start, stop))
        start = stop
    silent_data = _silent_data(measured) if not found or found[0].code != "input_scale" else None
    return [silent_data, *found] if silent_data else found


def dead(each: Measured) -> bool:
    """Whether nearly all neurons are silent, and not for want of looks."""
    if each.site is None or each.silent < criteria.SILENT_SHARE:
        return False
    if each.looks * each.neurons < criteria.FEW_VALUES:
        return False
    return each.looks >= criteria.FEW_LOOKS or each.rate < criteria.DEAD_RATE


def saturated(each: Measured) -> bool:
    """Whether half of the neurons fire always, or nearly all potentials lie out of reach of the threshold."""
    if each.site is None:
        return False
    if each.looks >= criteria.FEW_LOOKS and each.saturated >= criteria.SATURATED_SHARE:
        return True
    near = each.potentials.within_reach if each.potentials is not None else float("nan")
    return near < criteria.REACH_SHARE and each.rate >= criteria.FIRING


def _kind(each: Measured) -> Callable[[list[Measured], int, int], Finding] | None:
    if dead(each):
        return _dead_layer
    return _saturated_layer if saturated(each) else None


def _silent_data(measured: Sequence[Measured]) -> Finding | None:
    first = measured[0]
    return _input_scale(first, ()) if first.input_square == 0 else None


def _dead_layer(measured: list[Measured], start: int, stop: int) -> Finding:
    each, layers = measured[start], _names(measured, start, stop)
    low, _ = criteria.INPUT_SQUARE
    if start == 0 and each.layer is not None and each.input_square < low:
        return _input_scale(each, layers)
    too_short = _time_constant(each, layers)
    if too_short is not None:
        return too_short
    numbers = {"silent": each.silent, "firing_rate": each.rate}
    where = _place(measured, start)
    sentence = f"{where}: {percent(each.silent)} of its neurons are silent"
    remedy = []
    if each.layer is not None and each.layer.driver is not None and each.input_square == 0:
        sentence += ", because no spike reaches it"
        remedy.append("mend the layer before it")
    elif each.needed_variance > each.weight_variance:
        fading = _fading(measured, start)
        weak = measured[fading]
        numbers |= {"weight_variance": weak.weight_variance, "needed_variance": weak.needed_variance}
        if fading < start:
            sentence += f"; activity fades from {_place(measured, fading)} on, where"
        else:
            sentence += ";"
        sentence += (
            f" Var[w] is {number(weak.weight_variance)}, and this fan-in ({weak.fan_in}), input rate "
            f"({number(weak.input_square)}), threshold and decay need {number(weak.needed_variance)}"
        )
        remedy.append(f"initialise with {weak.initializer}{_outcome(weak)}")
    elif each.potentials is not None and each.potentials.mean < 0:
        numbers |= {"potential_mean": each.potentials.mean}
        sentence += f"; its potentials have a mean of {number(each.potentials.mean)}, below the threshold of "
        sentence += f"{number(each.dynamics.threshold_value)}"
        remedy.append("let its weights and biases have a mean of zero, as micheli2024 does")
    _advise_threshold("lower", _lower_threshold(each), numbers, remedy)
    sentence += _behind(layers, "as silent")
    remedy = ", or ".join(remedy) or "initialise with micheli2024 or lower its threshold"
    return Finding("dead_layer", "error", each.name, sentence, remedy, layers, numbers)


def _advise_threshold(
    verb: str, found: tuple[float, float] | None, numbers: dict[str, float], remedy: list[str]
) -> None:
    """Add the threshold that would help, and the rate that it gives, to the numbers and the remedies of a finding."""
    if found is None:
        return
    threshold, rate = found
    numbers |= {"threshold": threshold, "rate_with_threshold": rate}
    remedy.append(f"{verb} the threshold to {number(threshold)}, which gives a rate of {number(rate)}")


def _fading(measured: Sequence[Measured], start: int) -> int:
    """Where the weights begin to be too small, layer behind layer, up to the dead one."""
    while start > 0 and measured[start - 1].needed_variance > measured[start - 1].weight_variance:
        start -= 1
    return start


def _outcome(each: Measured) -> str:
    """What the needed variance would do to the currents that were measured."""
    if each.potentials is None or each.weight_variance == 0:
        return ""
    rate = remedies.rate_with(each, scale=(each.needed_variance / each.weight_variance) ** 0.5)
    return f" (weights of the variance needed give {each.name} a rate of {number(rate)})" if rate > each.rate else ""


def _saturated_layer(measured: list[Measured], start: int, stop: int) -> Finding:
    each, layers = measured[start], _names(measured, start, stop)
    _, high = criteria.INPUT_SQUARE
    if start == 0 and each.layer is not None and each.input_square > high:
        return _input_scale(each, layers)
    where = _place(measured, start)
    numbers = {"saturated": each.saturated, "firing_rate": each.rate}
    if each.saturated >= criteria.SATURATED_SHARE:
        sentence = f"{where}: {percent(each.saturated)} of its neurons fire at every step for every image"
    else:
        numbers["within_reach"] = each.potentials.within_reach
        sentence = f"{where}: only {percent(each.potentials.within_reach)} of its potentials lie within reach of the "
        sentence += "threshold, so that neurons fire always or never"
    remedy = []
    if each.potentials is not None and each.potentials.mean > each.dynamics.threshold_value:
        numbers |= {"potential_mean": each.potentials.mean}
        sentence += f"; the potentials have a mean of {number(each.potentials.mean)} at a threshold of "
        sentence += number(each.dynamics.threshold_value)
        remedy.append("let its weights and biases have a mean of zero, as micheli2024 does")
    elif each.weight_variance > each.needed_variance:
        numbers |= {"weight_variance": each.weight_variance, "needed_variance": each.needed_variance}
        sentence += f"; Var[w] is {number(each.weight_variance)}, and fan-in, input rate and decay need "
        sentence += number(each.needed_variance)
        remedy.append(f"initialise with {each.initializer}")
    _advise_threshold("raise", _higher_threshold(each), numbers, remedy)
    sentence += _behind(layers, "as saturated")
    remedy = ", or ".join(remedy) or "raise its threshold"
    return Finding("saturated_layer", "error", each.name, sentence, remedy, layers, numbers)


def _input_scale(first: Measured, layers: tuple[str, ...]) -> Finding:
    low, high = criteria.INPUT_SQUARE
    square = first.input_square
    numbers = {"input_mean": first.input_mean, "input_square": square}
    if square == 0:
        sentence, remedy = f"the data that {first.name} receives are zero", "give a batch with images in it"
    else:
        side = "large" if square > high else "small"
        sentence = (
            f"the data that {first.name} receives are too {side}: their mean square is {number(square)}, where "
            f"{low:g} to {high:g} is usual and the laws assume 1"
        )
        remedy = f"standardise the data, or divide them by {number(square**0.5)}"
    return Finding("input_scale", "error", first.name, sentence, remedy, layers or (first.name,), numbers)


def _time_constant(each: Measured, layers: tuple[str, ...]) -> Finding | None:
    """A dead layer whose own currents would make it fire with a longer memory, or with more steps."""
    dynamics = each.dynamics
    if each.potentials is None:
        return None
    steps, decay = each.site.steps, dynamics.decay_value
    wanted = criteria.REVIVED_SHARE * remedies.usual_rate(each)
    if decay < criteria.SHORT_DECAY and steps > 1:
        rate = remedies.rate_with(each, decay=criteria.USUAL_DECAY)
        if rate < wanted:
            return None
        sentence = (
            f"{each.name}: {percent(each.silent)} of its neurons are silent, because their potential forgets "
            f"{percent(1 - decay)} in a step; with a decay of {criteria.USUAL_DECAY:g} in the place of {number(decay)} "
            f"the same currents give a rate of {number(rate)}"
        )
        remedy = f"take a decay of {criteria.USUAL_DECAY:g} or so, or larger weights"
        numbers = {"decay": decay, "silent": each.silent, "rate_with_usual_decay": rate}
        return Finding("time_constant", "error", each.name, sentence, remedy, layers, numbers)
    if decay < 1 and steps < 1 / (1 - decay):
        share = remedies.share_that_would_reach(each)
        if share < wanted:
            return None
        needed = remedies.steps_to_reach(each, wanted)
        sentence = (
            f"{each.name}: {percent(each.silent)} of its neurons are silent, because {steps} steps are too few for a "
            f"time constant of {number(1 / (1 - decay))} steps; the same currents would bring {percent(share)} of the "
            "potentials to the threshold in the end"
        )
        remedy = f"take {needed} steps or more, or a shorter time constant with the same factor on the input"
        numbers = {"decay": decay, "steps": steps, "silent": each.silent, "needed_steps": needed, "share": share}
        return Finding("time_constant", "error", each.name, sentence, remedy, layers, numbers)
    return None


def _lower_threshold(each: Measured) -> tuple[float, float] | None:
    """A lower threshold that gives at least half of the usual rate, and the rate."""
    return _other_threshold(each, lambda threshold: threshold < each.dynamics.threshold_value)


def _higher_threshold(each: Measured) -> tuple[float, float] | None:
    """A higher threshold that brings the rate down to the usual one, and the rate."""
    return _other_threshold(each, lambda threshold: threshold > each.dynamics.threshold_value)


def _other_threshold(each: Measured, accepted: Callable[[float], bool]) -> tuple[float, float] | None:
    if each.potentials is None or each.potentials.variance == 0 or each.dynamics.threshold_value <= 0:
        return None
    usual = remedies.usual_rate(each)
    found = remedies.threshold_for(each, usual)
    if found is None or not accepted(found[0]) or not usual / 2 <= found[1] <= 2 * usual:
        return None
    return found


def _names(measured: Sequence[Measured], start: int, stop: int) -> tuple[str, ...]:
    return tuple(each.name for each in measured[start:stop] if each.site is not None)


def _place(measured: Sequence[Measured], place: int) -> str:
    each = measured[place]
    count = len({other.name for other in measured[: place + 1] if other.layer is not None})
    return f"layer {count} ({each.name})" if each.layer is not None else f"neurons {each.name}"


def _behind(layers: tuple[str, ...], trouble: str) -> str:
    more = len(layers) - 1
    if not more:
        return ""
    return f" ({layers[-1]} behind it is {trouble})" if more == 1 else f" (the {more} behind it are {trouble})"
