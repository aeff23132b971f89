"""Which analogue networks, conversions and calibrations the conversion study needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spikeinit.config import checks
from spikeinit.config.configuration import Config
from spikeinit.config.schema import Schema
from spikeinit.conversion import weights_file
from spikeinit.conversion.methods import METHODS
from spikeinit.errors import UserError
from spikeinit.jobs.anns import ENERGY_NETWORK, SENSITIVITY_NETWORK, Ann, ann_request
from spikeinit.jobs.provenance import network_source
from spikeinit.jobs.runs import Run, run_name
from spikeinit.specs import ImageSelection, TrainingSpec
from spikeinit.specs.ann import AnnSpec
from spikeinit.specs.conversion import CALIBRATED, CalibrateSpec, ConvertSpec
from spikeinit.study import Section

NAME = "conversion"


def anns(config: Config) -> list[Ann]:
    """The analogue network of every data set and configured network."""
    section = config.sections[NAME]
    return [_ann(section, dataset, network) for dataset in section["datasets"] for network in section["networks"]]


def _ann(section: Section, dataset: str, network: Mapping[str, Any]) -> Ann:
    kinds = [METHODS[name].thresholds for name in methods(section, network)]
    return ann_request(
        NAME,
        ImageSelection(dataset, section["train_images"], section["test_images"]),
        network["slug"],
        network,
        section["ann"],
        section["normalization"],
        section["activations"],
        tuple(dict.fromkeys(kind for kind in kinds if kind != "trained")),
        tuple(section["timesteps"]),
        section["norm"],
    )


def methods(section: Section, network: Mapping[str, Any]) -> list[str]:
    """The configured methods that fit the network's activation function, in the configuration's order."""
    return [name for name in section["methods"] if network["activation"]["name"] in METHODS[name].activations]


def runs(config: Config) -> list[Run]:
    """For every analogue network a conversion by each method, then the calibrations."""
    section = config.sections[NAME]
    found = []
    for ann in anns(config):
        fitting = methods(section, {"activation": ann.spec.activation})
        spec = replace(ann.spec, source="")  # the code that made the weights counts through their file
        found += [_conversion(section, ann, spec, method) for method in fitting]
        calibrated = section["calibration"]["methods"] if ann.network in section["calibration"]["networks"] else []
        found += [_calibration(section, ann, spec, method) for method in calibrated if method in fitting]
    return found


def _labels(ann: Ann, method: str, stage: str) -> dict[str, Any]:
    return {
        "dataset": ann.dataset,
        "network": ann.network,
        "architecture": ann.spec.network.name,
        "activation": ann.spec.activation["name"],
        "method": method,
        "stage": stage,
    }


def _conversion(section: Section, ann: Ann, spec: AnnSpec, method: str) -> Run:
    evaluation = section["evaluation"]
    return Run(
        run_name(ann.dataset, {"name": ann.network}, method),
        NAME,
        _labels(ann, method, "conversion"),
        ConvertSpec(
            ann=spec,
            method=method,
            timesteps=tuple(section["timesteps"]),
            batch_size=evaluation["batch_size"],
            conventions=tuple(evaluation["conventions"]),
            source=_source("convert_ann", spec),
        ),
        stage="convert_ann",
        tables=("accuracy_by_timesteps", "layers"),
        ann=(ann.dataset, ann.network),
    )


def _calibration(section: Section, ann: Ann, spec: AnnSpec, method: str) -> Run:
    calibration, evaluation = section["calibration"], section["evaluation"]
    return Run(
        run_name(ann.dataset, {"name": ann.network}, method) + CALIBRATED,
        NAME,
        _labels(ann, method, "calibration"),
        CalibrateSpec(
            ann=spec,
            method=method,
            timesteps=tuple(calibration["timesteps"]),
            epochs=tuple(calibration["epochs"]),
            training=TrainingSpec(epochs=max(calibration["epochs"]), **calibration["training"]),
            surrogate_width=calibration["surrogate_width"],
            augment=calibration["augment"],
            batch_size=evaluation["batch_size"],
            conventions=tuple(evaluation["conventions"]),
            source=_source("calibrate_snn", spec),
        ),
        stage="calibrate_snn",
        tables=("curves", "accuracy_by_timesteps", "layers"),
        ann=(ann.dataset, ann.network),
    )


def _source(stage: str, spec: AnnSpec) -> str:
    return network_source(spec.network.name, f"spikeinit.stages.{stage}")


def problems(section: Section, config: Section, schema: Schema) -> checks.Problems:
    """What is wrong with this study's section beyond its schema."""
    found = checks.dataset_problems("conversion.datasets", section["datasets"], config)
    calibration = section["calibration"]
    slugs = [network["slug"] for network in section["networks"]]
    for index, network in enumerate(section["networks"]):
        path = f"conversion.networks.{index}"
        if network["slug"] == ENERGY_NETWORK:
            found.append((f"{path}.slug", "this name is taken by the energy study's network; choose another"))
        if network["slug"].startswith(SENSITIVITY_NETWORK):
            text = f"names that begin with {SENSITIVITY_NETWORK!r} are taken by the sensitivity study; choose another"
            found.append((f"{path}.slug", text))
        if network["slug"] in slugs[:index]:
            found.append((f"{path}.slug", f"= {network['slug']!r}   two networks of the same name"))
        if not methods(section, network):
            fitting = [name for name, method in METHODS.items() if network["activation"]["name"] in method.activations]
            found.append((path, f"none of the methods fits its activation; fitting ones: {', '.join(fitting)}"))
        found += _weights_problems(f"{path}.pretrained", network["pretrained"])
        found += checks.network_problems(path, network, *section["datasets"], analogue=True)
    for index, slug in enumerate(calibration["networks"]):
        if slug not in slugs:
            known = ", ".join(slugs)
            found.append((f"conversion.calibration.networks.{index}", f"= {slug!r}   not one of networks ({known})"))
    for index, method in enumerate(calibration["methods"]):
        if method not in section["methods"] or METHODS[method].takes_back is not None:
            known = ", ".join(name for name in section["methods"] if METHODS[name].takes_back is None)
            found.append(
                (f"conversion.calibration.methods.{index}", f"= {method!r}   not one that can be calibrated ({known})")
            )
    if calibration["networks"] and calibration["timesteps"][0] not in section["timesteps"]:
        found.append(
            (
                "conversion.calibration.timesteps.0",
                f"= {calibration['timesteps'][0]}   not one of timesteps ({', '.join(map(str, section['timesteps']))})",
            )
        )
    if len(calibration["epochs"]) != len(calibration["timesteps"]):
        found.append(("conversion.calibration.epochs", "needs one number of epochs for each of calibration.timesteps"))
    for part in ("ann", "calibration"):
        found += checks.training_problems(f"conversion.{part}.training", section[part]["training"])
    return found


def _weights_problems(path: str, file: str | None) -> checks.Problems:
    """A file of weights that is not there, or no file of weights by what it begins with; None stands for no file."""
    if not file:
        return []
    found = [(path, text) for text in checks.braces_problems(file)]
    try:
        weights_file.kind(file)
    except UserError as error:
        found.append((path, str(error)))
    return found
