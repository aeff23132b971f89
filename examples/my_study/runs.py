"""Which runs the study needs, and what may be wrong with its section of the configuration."""

from itertools import product

from spikeinit.config import checks
from spikeinit.jobs.runs import Run, evaluate_spec, initializer_spec, run_name, sharing_jobs, train_source
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, NeuronSpec, TrainingSpec, TrainSpec


def runs(config):
    """One run, with all its seeds, for every data set and threshold."""
    section = config.sections["my_study"]
    points = product(section["datasets"], section["thresholds"])
    return sharing_jobs([_run(config, section, *point) for point in points], section["runs_per_job"])


def _run(config, section, dataset, threshold):
    initializer = section["initializer"]
    spec = TrainSpec(
        images=ImageSelection(dataset, section["train_images"], section["test_images"]),
        network=NetworkSpec(**section["network"]),
        encoding=EncodingSpec(**section["encoding"]),
        neuron=NeuronSpec.from_section(section["neuron"], threshold=threshold),
        initializer=initializer_spec(config, initializer, {"layers": "all", "bias": "law"}),
        training=TrainingSpec(**section["training"]),
        seeds=tuple(section["seeds"]),
        source=train_source(section["network"]["name"]),
    )
    return Run(
        run_name(dataset, {"name": initializer["name"], "threshold": threshold}),
        "my_study",
        {"dataset": dataset, "threshold": threshold},
        spec,
        evaluate_spec(spec, section["evaluation"]),
    )


def problems(section, config, schema):
    """What the schema cannot say: names that must exist, parameters that a law must accept."""
    neuron = section["neuron"]
    layers = [checks.of_layer({**neuron, "threshold": value}, neuron["decay"]) for value in section["thresholds"]]
    return [
        *checks.dataset_problems("my_study.datasets", section["datasets"], config),
        *checks.network_problems("my_study.network", section["network"], *section["datasets"]),
        *checks.encoding_problems("my_study.encoding", section["encoding"], *section["datasets"]),
        *checks.initializer_problems("my_study.initializer", section["initializer"], *layers),
        *checks.training_problems("my_study.training", section["training"]),
    ]
