"""Which runs the propagation study needs: simulations, trainings of eight initialisers, and of two that vary."""

from __future__ import annotations

from typing import Any

from spikeinit.config import checks
from spikeinit.config.configuration import Config
from spikeinit.config.schema import Schema
from spikeinit.jobs.provenance import source_digest
from spikeinit.jobs.runs import Run, law_source, run_name, sharing_jobs
from spikeinit.names.neurons import BEFORE_LEAK
from spikeinit.names.slugs import number_text
from spikeinit.networks import deep_mlp
from spikeinit.specs import SimulateSpec, Simulation
from spikeinit.studies.propagation import open_choices
from spikeinit.studies.propagation.trainings import (
    LABELS,
    NAME,
    compared,
    hidden_sizes,
    labelled,
    network_of,
    training,
)
from spikeinit.study import Section

SWEEPS = {"depths": "depth", "widths": "width", "decays": "decay", "thresholds": "threshold"}
"""Key of the robustness section -> what varies, as tables and labels call it."""


def runs(config: Config) -> list[Run]:
    """The simulations, the trainings of figures 8 and 9, task by task, of figure 10, and of open choices."""
    section = config.sections[NAME]
    trained = sharing_jobs(_trained(config, section), section["runs_per_job"])
    return [*_simulated(config), *trained, *open_choices.runs(config)]


def _simulated(config: Config) -> list[Run]:
    """Two jobs: everything with one time step (figures 2 to 4 and gradients), and over many steps (5 to 7)."""
    section = config.sections[NAME]["simulation"]
    groups = {"one_step": _one_step(section), "over_time": _over_time(section)}
    neuron = config.sections[NAME]["neuron"]
    return [
        Run(
            name,
            NAME,
            {**dict.fromkeys(LABELS), "experiment": "simulation"},
            SimulateSpec(
                tuple(_simulation(config, section, **values) for values in simulations),
                seed=section["seed"],
                surrogate=neuron["surrogate"],
                slope=neuron["slope"],
                source=source_digest("spikeinit.stages.simulate_network"),
            ),
            stage="simulate_network",
            tables=("signals", "repeats", "gradients"),
        )
        for name, simulations in groups.items()
    ]


def _one_step(section: Section) -> list[dict[str, Any]]:
    by_threshold = [
        {"label": "thresholds", "initializer": name, "threshold": float(threshold)}
        for name in ("micheli2024", "he")
        for threshold in section["thresholds"]
    ]
    by_initializer = [
        {"label": "initializers", "initializer": name, "gradient_repeats": section["gradient_repeats"]}
        for name in section["initializers"]
    ]
    by_width = [
        {"label": "finite_size", "initializer": "micheli2024", "width": width, "threshold": float(threshold)}
        for width in section["finite_size"]["widths"]
        for threshold in section["finite_size"]["thresholds"]
    ]
    return by_threshold + by_initializer + by_width


def _over_time(section: Section) -> list[dict[str, Any]]:
    time = section["time"]
    common = {"timesteps": time["timesteps"], "decay": float(time["decay"]), "repeats": time["repeats"]}
    followed = {"gradient_repeats": time["gradient_repeats"]}
    by_initializer = [
        {"label": "time_steps", "initializer": name, **common, **followed} for name in section["initializers"]
    ]
    clamped = {"label": "clamped_input", "initializer": "micheli2024", **common, "first_layer": "clamp"}
    earlier = {"label": "reset_before_leak", "initializer": "micheli2024", **common, "reset": BEFORE_LEAK}
    high = {"label": "high_decay", "initializer": "micheli2024", **common, "decay": float(time["high_decay"])}
    return [*by_initializer, clamped, earlier, high]


def _simulation(config: Config, section: Section, **values: Any) -> Simulation:
    shared = {key: section[key] for key in ("depth", "width", "repeats", "threshold")}
    simulation = {"decay": float(section["time"]["decay"]), "timesteps": 1, **shared, **values}
    name = simulation["initializer"]
    parameters = {}
    if simulation["timesteps"] == 1 and name == "rossbroich2022":
        # After one step from rest nothing has leaked yet: only a law without leak gives the potentials it promises.
        parameters = {"decay": 0.0}
    return Simulation(**simulation, parameters=parameters, source=law_source(config, name))


def _trained(config: Config, section: Section) -> list[Run]:
    comparison = [
        compared(config, section, task, name, section["classification"]["seeds"])
        for task in section["classification"]["tasks"]
        for name in section["classification"]["initializers"]
    ]
    robustness = section["robustness"]
    base = [_robust(config, section, name, "base", None) for name in robustness["initializers"]]
    swept = [
        _robust(config, section, name, parameter, value)
        for key, parameter in SWEEPS.items()
        for value in robustness[key]
        if value != _base_value(section, parameter)
        for name in robustness["initializers"]
    ]
    return comparison + (base + swept if any(robustness[key] for key in SWEEPS) else [])


def _robust(config: Config, section: Section, name: str, parameter: str, value: float | None) -> Run:
    robustness = section["robustness"]
    changed = {} if value is None else {parameter: value}
    network = {"name": "deep_mlp", "width": robustness["network_width"], "options": {}}
    if "width" in changed:
        network["width"] = changed.pop("width") / deep_mlp.NEURONS
    if "depth" in changed:
        network["options"] = {"depth": changed.pop("depth")}
    spec = training(config, section, robustness, name, network=network, seeds=robustness["seeds"], neuron=changed)
    slug = run_name(
        robustness["dataset"], {"name": name}, "base" if value is None else f"{parameter}{number_text(value)}"
    )
    return labelled(section, parameter, spec, slug)


def _base_value(section: Section, parameter: str) -> float:
    if parameter == "width":
        return round(deep_mlp.NEURONS * section["robustness"]["network_width"])
    return deep_mlp.DEPTH if parameter == "depth" else section["neuron"][parameter]


def table_options(config: Config) -> dict[str, Any]:
    """What the tables take from the configuration."""
    section = config.sections[NAME]
    own = {"accuracy_levels": section["accuracy_levels"], "confidence": section["statistics"]["confidence"]}
    return {**own, "open_choices": open_choices.table_options(section)}


def problems(section: Section, config: Section, schema: Schema) -> checks.Problems:
    """What is wrong with this study's section beyond its schema, as it is and at every open choice that is tried."""

    def of_section(changed: Section) -> checks.Problems:
        return _problems_as_configured(changed, config)

    return of_section(section) + open_choices.problems(section, schema, of_section)


def _problems_as_configured(section: Section, config: Section) -> checks.Problems:
    neuron = section["neuron"]
    context = checks.of_layer(neuron, neuron["decay"])
    found = checks.training_problems("propagation.training", section["training"])
    for part in ("simulation", "classification", "robustness"):
        for index, name in enumerate(section[part]["initializers"]):
            path = f"propagation.{part}.initializers.{index}"
            found += checks.initializer_problems(path, {"name": name}, context)
    tasks = section["classification"]["tasks"]
    for index, task in enumerate(tasks):
        path = f"propagation.classification.tasks.{index}"
        found += [(f"{path}.dataset", text) for _, text in checks.dataset_problems(path, [task["dataset"]], config)]
        wrong = checks.network_problems(f"{path}.network", task["network"], task["dataset"])
        wrong = wrong or _hidden_layer_problems(f"{path}.network", section, task)
        found += wrong or checks.spike_delay_problems(
            "propagation.neuron", neuron, network_of(section, task), task["encoding"]["timesteps"]
        )
        found += checks.encoding_problems(f"{path}.encoding", task["encoding"], task["dataset"])
        same = [(other["dataset"], other["network"]["name"]) for other in tasks[:index]]
        if (task["dataset"], task["network"]["name"]) in same:
            found.append((path, f"= {task['dataset']}, {task['network']['name']}   listed twice"))
    robustness = section["robustness"]
    path = "propagation.robustness"
    found += [(f"{path}.dataset", text) for _, text in checks.dataset_problems(path, [robustness["dataset"]], config)]
    found += checks.encoding_problems(f"{path}.encoding", robustness["encoding"], robustness["dataset"])
    if any(robustness[key] for key in SWEEPS):
        deepest = {"name": "deep_mlp", "width": 1.0, "options": {"depth": max([deep_mlp.DEPTH, *robustness["depths"]])}}
        found += checks.spike_delay_problems("propagation.neuron", neuron, deepest, robustness["encoding"]["timesteps"])
    for index, threshold in enumerate(robustness["thresholds"]):
        for name in robustness["initializers"]:
            values = {**context, "threshold": threshold}
            found += checks.initializer_problems(f"{path}.thresholds.{index}", {"name": name}, values)
    for index, threshold in enumerate(section["simulation"]["thresholds"]):
        values = {**context, "threshold": threshold}
        where = f"propagation.simulation.thresholds.{index}"
        found += checks.initializer_problems(where, {"name": "micheli2024"}, values)
    return found


def _hidden_layer_problems(path: str, section: Section, task: Section) -> checks.Problems:
    """A network without a hidden layer. `path`: of its key; it has no `network_problems`."""
    if hidden_sizes(network_of(section, task)):
        return []
    if hidden_sizes(task["network"]):
        what = "counts the encoder and the output too (classification.depth_counts), which leaves no hidden layer"
        return [(f"{path}.options.depth", f"= {task['network']['options']['depth']}   {what}; give 3 or more")]
    return [(f"{path}.options.hidden", "= []   this study needs a network with a hidden layer")]
