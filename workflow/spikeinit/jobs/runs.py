"""Configuration to runs: each study says which combinations it trains; names, sources and specs are made here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from spikeinit.config.configuration import Config
from spikeinit.errors import UserError
from spikeinit.initializers import registry
from spikeinit.jobs.anns import DATA_DRIVEN
from spikeinit.jobs.provenance import network_source, registered_source, source_digest
from spikeinit.names.slugs import number_text
from spikeinit.specs import EvaluateSpec, InitializerSpec, TrainSpec


@dataclass(frozen=True)
class Run:
    """One initialisation combination with all its seeds: a `train_snn` and an `evaluate_snn` job, and their folder.

    name: readable slug, unique in its study. labels: the values by which tables group it. `stage` is the rule that
    makes the run from `spec`, `tables` are the CSV files that its study's tables are made of, `evaluation` is for
    trained runs only, and `ann` is the (data set, slug) of the analogue network it starts from. batch: the job that
    short trained runs share, on one data set; "" for a job of the run's own.
    """

    name: str
    study: str
    labels: Mapping[str, Any]
    spec: Any
    evaluation: EvaluateSpec | None = None
    stage: str = "train_snn"
    tables: tuple[str, ...] = ("metrics", "curves", "accuracy", "spikes", "energy", "rates")
    ann: tuple[str, str] | None = None
    batch: str = ""


def sharing_jobs(planned: Iterable[Run], runs_per_job: int, *, prefix: str = "") -> list[Run]:
    """The same runs, in batches of so many on one data set each; with one run per job, each with a job of its own.

    The names of batches begin with `prefix`. A run that starts from an analogue network has a job of its own too: the
    others need not wait for that network.
    """
    if runs_per_job == 1:
        return list(planned)
    counts: dict[str, int] = {}
    found = []
    for run in planned:
        if run.ann:
            found.append(run)
            continue
        dataset = run.labels["dataset"]
        number = counts[dataset] = counts.get(dataset, -1) + 1
        found.append(replace(run, batch=f"{prefix}{dataset}_{number // runs_per_job + 1}"))
    return found


def batches(planned: Iterable[Run]) -> dict[str, list[Run]]:
    """The runs that share jobs, by batch, in order."""
    found: dict[str, list[Run]] = {}
    for run in planned:
        if run.batch:
            found.setdefault(run.batch, []).append(run)
    return found


def run_name(dataset: str, choice: Mapping[str, Any], *rest: str) -> str:
    """A slug such as mnist5k_normal_mean-0.01_low from a data set, an initialiser choice and further labels."""
    parameters = [f"{key}{_short(value)}" for key, value in choice.items() if key != "name"]
    name = "_".join([dataset, choice["name"], *parameters, *rest]).lower()
    if len(name) > 64:
        raise UserError(f"the run name {name!r} is longer than 64 characters; shorten the data set's or range's name")
    return name


def _short(value: Any) -> str:
    return number_text(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else f"-{value}"


def initializer_spec(config: Config, choice: Mapping[str, Any], options: Mapping[str, Any]) -> InitializerSpec:
    """The spec of an initialiser named in the configuration, with the digest of the code of its law."""
    parameters = {key: value for key, value in choice.items() if key != "name"}
    source = law_source(config, choice["name"])
    return InitializerSpec(choice["name"], parameters, options["layers"], options["bias"], source=source)


def law_source(config: Config, name: str) -> str:
    """Digest of the code of an initialiser, in this package or in the user's files."""
    if name == DATA_DRIVEN:
        return source_digest("spikeinit.conversion.data_driven")
    if name in registry.MODULES:
        return source_digest(f"spikeinit.initializers.{registry.MODULES[name]}")
    return registered_source(registry.REGISTRY, name)


def train_source(network: str) -> str:
    """Digest of the code a training imports; the family and (in its own spec) the initialiser are imported by name."""
    return network_source(network, "spikeinit.stages.train_snn")


def evaluate_spec(spec: TrainSpec, evaluation: Mapping[str, Any]) -> EvaluateSpec:
    """How the networks of a training are evaluated."""
    return EvaluateSpec(
        images=spec.images,
        network=spec.network,
        encoding=spec.encoding,
        neuron=spec.neuron,
        seeds=spec.seeds,
        batch_size=evaluation["batch_size"],
        conventions=tuple(evaluation["conventions"]),
        loss=spec.training.loss,
        apart=spec.apart,
        source=network_source(spec.network.name, "spikeinit.stages.evaluate_snn"),
    )
