"""One training of the propagation study: an initialiser on a network and a data set, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spikeinit.config.configuration import Config
from spikeinit.jobs.runs import Run, evaluate_spec, initializer_spec, run_name, train_source
from spikeinit.networks import deep_mlp, describe
from spikeinit.networks.layers import Conv, Dense, Residual
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, NeuronSpec, TrainingSpec, TrainSpec, to_dict
from spikeinit.study import Section

NAME = "propagation"

LABELS = ("experiment", "dataset", "network", "initializer", "depth", "width", "decay", "threshold", "open_choice")


def compared(config: Config, section: Section, task: Mapping[str, Any], name: str, seeds: Sequence[int]) -> Run:
    """A training of figures 8 and 9: one initialiser on one task."""
    spec = training(config, section, task, name, network=network_of(section, task), seeds=seeds)
    return labelled(section, "comparison", spec, run_name(task["dataset"], {"name": name}, task["network"]["name"]))


def labelled(section: Section, experiment: str, spec: TrainSpec, name: str) -> Run:
    """The run of a training, with what tables and MLflow say of it."""
    sizes = hidden_sizes(to_dict(spec.network))
    values = (
        experiment,
        spec.images.dataset,
        spec.network.name,
        spec.initializer.name,
        len(sizes),
        sizes[0],
        spec.neuron.decay,
        spec.neuron.threshold,
        None,
    )
    return Run(
        name,
        NAME,
        dict(zip(LABELS, values, strict=True)),
        spec,
        evaluate_spec(spec, section["evaluation"]),
        tables=("metrics", "curves", "iterations", "accuracy"),
    )


def network_of(section: Section, task: Mapping[str, Any]) -> Mapping[str, Any]:
    """The network of a task, in the network's own terms: its `depth` is the number of hidden layers.

    Where `classification.depth_counts` is "all", the depth of a `deep_mlp` counts its encoding neurons and its output
    too. So ten layers have eight hidden ones.
    """
    network = task["network"]
    if network["name"] != "deep_mlp" or section["classification"]["depth_counts"] == "hidden":
        return network
    depth = network["options"].get("depth", deep_mlp.DEPTH) - deep_mlp.OUTER_LAYERS
    return {**network, "options": {**network["options"], "depth": depth}}


def hidden_sizes(network: Mapping[str, Any]) -> list[int]:
    """Neurons or channels of each hidden layer that has weights, first to last: [600, 600] for two layers of 600."""
    described = describe(network["name"], classes=10, width=network["width"], **network["options"])
    layers = [layer for one in described.layers for layer in (one.body if isinstance(one, Residual) else (one,))]
    weighted = [layer for layer in layers if isinstance(layer, (Conv, Dense))]
    return [layer.channels if isinstance(layer, Conv) else layer.features for layer in weighted[:-1]]


def training(
    config: Config,
    section: Section,
    task: Mapping[str, Any],
    name: str,
    *,
    network: Mapping[str, Any],
    seeds: Sequence[int],
    neuron: Mapping[str, float] = {},
) -> TrainSpec:
    """Spec of a training. neuron: what differs from the section's neurons."""
    settings = {**section["training"], "epochs": task["epochs"]}
    return TrainSpec(
        images=ImageSelection(task["dataset"], task["train_images"], task["test_images"]),
        network=NetworkSpec(**network),
        encoding=EncodingSpec(**task["encoding"]),
        neuron=NeuronSpec.from_section(section["neuron"], **neuron),
        initializer=initializer_spec(config, {"name": name}, section["initializer"]),
        training=TrainingSpec(**settings),
        seeds=tuple(seeds),
        source=train_source(network["name"]),
    )
