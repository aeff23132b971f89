"""Checks of configuration values that several studies share; each returns a list of (key path, what is wrong)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spikeinit.config.schema_errors import as_meant
from spikeinit.errors import UserError
from spikeinit.names.neurons import BEFORE_LEAK
from spikeinit.registry import near
from spikeinit.study import Problems

if TYPE_CHECKING:
    from spikeinit.networks.layers import Network


def dataset_problems(path: str, names: Sequence[str], config: Mapping[str, Any]) -> Problems:
    """Data sets that neither the catalogue, nor a user's file, nor `datasets.custom` knows."""
    from spikeinit.datasets import catalogue

    known = [*catalogue.REGISTRY.names(), *config["datasets"]["custom"]]
    found = []
    for index, name in enumerate(names):
        if name not in known:
            hint = near(name, known)
            found.append((f"{path}.{index}", f"= {name!r}   unknown data set{hint} (known: {', '.join(known)})"))
    return found


def custom_problems(custom: Mapping[str, Mapping[str, Any]]) -> Problems:
    """Data sets in `datasets.custom` that have the name of one of the catalogue or of a user's file."""
    from spikeinit.datasets import catalogue

    return [
        (
            f"datasets.custom.{name}",
            f"{catalogue.REGISTRY.file(name) or 'the catalogue'} has a data set {name!r} too; give the images in"
            f" {entry['path']} another name",
        )
        for name, entry in custom.items()
        if name in catalogue.REGISTRY.names()
    ]


def decay_range_problems(path: str, bounds: Sequence[float]) -> Problems:
    """A range of decays whose lower end lies above its upper end."""
    low, high = bounds
    return [(path, f"= [{low}, {high}]   the lower end lies above the upper end")] if low > high else []


def of_layer(neuron: Mapping[str, Any], decay: float) -> dict[str, float]:
    """What a law is told of a layer's neurons: threshold, decay and gain of a section `neuron` at that decay."""
    gain = 1 - decay if neuron["gain"] == "one_minus_decay" else neuron["gain"]
    return {"threshold": neuron["threshold"], "decay": decay, "gain": gain}


def initializer_problems(path: str, choice: Mapping[str, Any], *layers: Mapping[str, Any]) -> Problems:
    """An initialiser that does not exist, or whose law does not accept its parameters in one of the `layers`.

    A layer is what the law is told of it, as `of_layer` gives it: the law is tried with that.
    """
    from spikeinit.initializers import registry

    try:
        initializer = registry.get(choice["name"])
    except UserError as error:
        return [(f"{path}.name", str(error))]
    parameters = {key: value for key, value in choice.items() if key != "name"}
    unknown = [key for key in parameters if key not in initializer.parameters]
    if unknown:
        allowed = ", ".join(initializer.parameters) or "none"
        return [(f"{path}.{key}", f"{choice['name']} takes no such parameter; it takes: {allowed}") for key in unknown]
    if texts := _texts_for_numbers(initializer.law, parameters):
        return [(f"{path}.{key}", f"= {parameters[key]!r}   must be a number{in_yaml}") for key, in_yaml in texts]
    for layer in layers:
        try:
            _try_law(initializer.law, {**layer, **parameters})
        except (ValueError, TypeError, UserError) as error:
            return [(path, f"= {dict(choice)}   {error}")]
        except ArithmeticError as error:
            return [(path, f"= {dict(choice)}   with {_said(layer)} its law gives no number ({error})")]
    return []


def _said(values: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:g}" for key, value in values.items()) or "these values"


def _texts_for_numbers(law: Callable[..., Any], parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(parameter, how YAML writes the number) of each parameter that is text where the law takes a number."""
    taken = inspect.signature(law).parameters
    return [
        (key, as_meant(value, ["number"]))
        for key, value in parameters.items()
        if isinstance(value, str) and taken[key].annotation in ("float", "int", float, int)
    ]


def _try_law(law: Callable[..., Any], values: Mapping[str, Any]) -> None:
    """Call a law as a layer of 100 inputs and outputs would, unless it needs something measured on data."""
    accepted = inspect.signature(law).parameters
    arguments = {"fan_in": 100, "fan_out": 100, **{key: value for key, value in values.items() if key in accepted}}
    needed = {name for name, parameter in accepted.items() if parameter.default is inspect.Parameter.empty}
    if needed <= set(arguments):
        law(**arguments)


def kernel_problems(path: str, neuron: Mapping[str, Any], config: Mapping[str, Any]) -> Problems:
    """A reset that the chosen kernel of all neurons does not have."""
    if neuron.get("reset") != BEFORE_LEAK or config.get("kernel") in (None, "auto", "reference"):
        return []
    return [(path, f"= {BEFORE_LEAK!r}   kernel {config['kernel']} has no such reset; set kernel to auto or reference")]


def spike_delay_problems(path: str, neuron: Mapping[str, Any], network: Mapping[str, Any], timesteps: int) -> Problems:
    """Layers whose spike delays are together so long that what comes out never depends on what goes in.

    network: a choice without `network_problems`.
    """
    from spikeinit.networks import describe
    from spikeinit.networks.layers import Conv, Dense, Encoder, Residual

    if not neuron["spike_delay"]:
        return []
    described = describe(network["name"], classes=10, width=network["width"], **network.get("options", {}))
    layers = sum(
        layer.active if isinstance(layer, (Conv, Dense)) else isinstance(layer, (Encoder, Residual))
        for layer in described.layers
    )  # a residual block counts once: its shortcut is the fastest way through
    if timesteps > layers:
        return []
    slow = f"{network['name']} takes {layers} steps from input to output and sees {timesteps}, so that it cannot answer"
    return [(f"{path}.spike_delay", f"= 1   {slow}; give more time steps than {layers}, or spike_delay 0")]


def published_fan_in_problems(path: str, network: Mapping[str, Any]) -> Problems:
    """A network whose published fan-in is unknown: its layers do not follow its width, or are others at width 1.

    network: a choice without `network_problems`.
    """
    from spikeinit.networks import describe

    name, width = network["name"], network["width"]
    if width == 1:
        return []
    full, own = (describe(name, classes=10, width=one, **network.get("options", {})).layers for one in (1.0, width))
    if full == own:
        what = f"{name} has the same layers at width {width} as at width 1"
    elif [type(layer) for layer in full] != [type(layer) for layer in own]:
        what = f"{name} has other kinds of layers at width {width} than at width 1"
    else:
        return []
    return [(path, f"= 'published'   {what}, so that there is no published fan-in; give fan_in: own, or width 1")]


def repeated_problems(path: str, choices: Sequence[Mapping[str, Any]]) -> Problems:
    """Choices listed twice."""
    return [
        (f"{path}.{index}", f"= {dict(choice)}   listed twice")
        for index, choice in enumerate(choices)
        if choice in choices[:index]
    ]


def encoding_problems(path: str, encoding: Mapping[str, Any], *datasets: str) -> Problems:
    """Parameters that the encoding does not take, values it cannot have, or other kinds of data than it is for."""
    from spikeinit.datasets.catalogue import holds_recordings
    from spikeinit.names.encodings import complete, misfit

    try:
        complete(encoding["name"], encoding["parameters"])
    except UserError as error:
        return [(f"{path}.parameters", str(error))]
    found = []
    for dataset in datasets:
        problem = misfit(encoding["name"], recordings=holds_recordings(dataset))
        if problem:
            found.append((f"{path}.name", f"= {encoding['name']!r}   {dataset}: {problem}"))
    return found


def network_problems(path: str, network: Mapping[str, Any], *datasets: str, analogue: bool = False) -> Problems:
    """A network family that does not exist, options it does not take, or layers too large for the images.

    analogue: whether the network is an analogue one, which is trained without neurons and then converted.
    """
    from spikeinit.networks import REGISTRY, describe, names

    name, options = network["name"], dict(network.get("options", {}))
    known = names(analogue=analogue)
    if name not in known:
        what = "analogue" if analogue else "spiking"
        allowed = f"allowed: {', '.join(known)}, or your own {what} network from network_files"
        return [(f"{path}.name", f"= {name!r}   {allowed}{near(name, known)}")]
    where = REGISTRY.file(name) or f"workflow/{REGISTRY.modules[name].replace('.', '/')}.py"
    try:
        described = describe(name, classes=10, width=network["width"], **options)
    except (ValueError, TypeError) as error:
        option = str(error).rpartition("keyword argument ")[2]
        if option in map(repr, options):
            return [(f"{path}.options", f"{name} takes no option {option}; its options stand in {where}")]
        return [(f"{path}.options", f"= {options}   {name}: {error}, see {where}")]
    except UserError as error:
        return [(f"{path}.name", f"{error}, see {where}")]
    except Exception as error:
        if REGISTRY.file(name) is None:
            raise
        return [(f"{path}.name", f"{where}: {name!r} failed, {type(error).__name__}: {error}")]
    return [(path, text) for dataset in datasets for text in _size_problems(described, dataset)]


def _size_problems(described: Network, dataset: str) -> list[str]:
    """Whether a layer leaves nothing of the catalogue's images, whose size is known without preparing them."""
    from spikeinit.datasets import catalogue
    from spikeinit.networks.sizes import behind, misfit

    if dataset not in catalogue.REGISTRY.names():
        return []
    shape = catalogue.get(dataset).shape
    height, width = shape[1:]
    for layer in described.layers:
        if text := misfit(layer, shape):
            return [f"{described.name} on images of {height} x {width} pixels: {text}"]
        shape = behind(layer, shape)
    return []


def schedule_problems(path: str, schedule: Mapping[str, Any]) -> Problems:
    """A multistep schedule without its steps."""
    if schedule["name"] == "multistep" and "milestones" not in schedule:
        return [(f"{path}.milestones", "missing; a multistep schedule needs the epochs after which the rate falls")]
    return []


def braces_problems(file: str) -> list[str]:
    """What is wrong with a path that has braces: in the path of an input they are wildcards to Snakemake."""
    if not set("{}") & set(file):
        return []
    return [
        f"= {file!r}   Snakemake reads braces in a path as wildcards; rename the folder or file, or give a link to it"
    ]


OPTIMIZER_OPTIONS = {
    "adam": ("betas", "weight_decay"),
    "sgd": ("momentum", "weight_decay"),
    "asgd": ("lambd", "alpha", "weight_decay"),
    "adagrad": ("weight_decay",),
}
"""Optimiser -> its options beside the learning rate."""


def optimizer_problems(path: str, optimizer: Mapping[str, Any]) -> Problems:
    """Options that belong to another optimiser."""
    allowed = OPTIMIZER_OPTIONS[optimizer["name"]]
    return [
        (f"{path}.{key}", f"{optimizer['name']} has no such option; it has: learning_rate, {', '.join(allowed)}")
        for key in optimizer
        if key not in ("name", "learning_rate", *allowed)
    ]


def training_problems(path: str, training: Mapping[str, Any]) -> Problems:
    """What is wrong with the optimiser and the schedule of a training."""
    return [
        *optimizer_problems(f"{path}.optimizer", training["optimizer"]),
        *schedule_problems(f"{path}.schedule", training["schedule"]),
    ]
