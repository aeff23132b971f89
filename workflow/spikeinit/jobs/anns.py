"""Which analogue networks a configuration needs, with the specs of the stages that make them.

Analogue networks are shared by studies: the conversion study turns them into spiking ones, the energy study takes one
as its `data_driven` initialisation. Each is known by its data set and a slug.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spikeinit.config.configuration import Config
from spikeinit.initializers import registry
from spikeinit.io import digest, file_digest
from spikeinit.jobs.provenance import network_source, source_digest
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, TrainingSpec, to_dict
from spikeinit.specs.ann import ANN_INITIALIZER, ActivationsSpec, AnnSpec, ThresholdsSpec
from spikeinit.tracking.links import ann_run

DATA_DRIVEN = "data_driven"
"""The initialisation by a trained analogue network and thresholds from its activations."""

ENERGY_NETWORK = "energy_study"
"""Slug of the energy study's network as a ReLU network."""

SENSITIVITY_NETWORK = "sensitivity_"
"""What the slugs of the sensitivity study's ReLU networks begin with; their seed follows."""

ANALOGUE_INPUT = "constant"

INITIAL_LAW = f"spikeinit.initializers.{registry.MODULES[ANN_INITIALIZER]}"
"""The module of the law of an analogue network's first weights, which the training imports by its name."""


@dataclass(frozen=True)
class Ann:
    """An analogue network that a study needs: where its jobs belong, their specs, and a file of ready weights.

    activations: None where nobody looks at them. thresholds: the kinds (of `conversion.layer_thresholds`) to be found
    for it, for each of `timesteps`, by the error of exponent `norm`.
    """

    study: str
    dataset: str
    network: str
    spec: AnnSpec
    activations: ActivationsSpec | None = None
    thresholds: tuple[str, ...] = ()
    timesteps: tuple[int, ...] = ()
    norm: int = 1
    pretrained: str = ""

    @property
    def run(self) -> str:
        """The folder of its journal below runs/<study>/, and its name in MLflow."""
        return ann_run(self.dataset, self.network)


def anns(config: Config) -> dict[tuple[str, str], Ann]:
    """(data set, network slug) -> every analogue network that the studies need."""
    needed = [ann for study in config.sections for ann in config.known[study].anns(config)]
    return {(ann.dataset, ann.network): ann for ann in needed}


def ann_request(
    study: str,
    images: ImageSelection,
    slug: str,
    network: Mapping[str, Any],
    ann: Mapping[str, Any],
    normalization: Mapping[str, Any],
    activations: Mapping[str, Any] | None = None,
    thresholds: tuple[str, ...] = (),
    timesteps: tuple[int, ...] = (),
    norm: int = 1,
) -> Ann:
    """An analogue network from the configuration: `network` {name, width, options, activation, augmentation,
    pretrained}, `ann` how it is trained, `activations` how its activations are gathered; None: not at all.
    `UserError` for weights that cannot be read.
    """
    training = dict(ann["training"])
    rate = ann["learning_rates"].get(images.dataset)
    if rate is not None:
        training["optimizer"] = {**training["optimizer"], "learning_rate": float(rate)}
    path = network.get("pretrained") or ""
    own = network.get("augmentation")
    spec = AnnSpec(
        images=images,
        network=NetworkSpec(network["name"], network["width"], dict(network["options"])),
        activation=dict(network["activation"]),
        encoding=EncodingSpec(ANALOGUE_INPUT, 1, dict(normalization)),
        training=TrainingSpec(**training),
        augmentation=dict(ann["augmentation"] if own is None else own),
        seed=ann["seed"],
        validation=ann["validation"],
        pretrained=file_digest(Path(path)) if path else None,
    )
    looked_at = None
    if activations is not None:
        source = network_source(network["name"], "spikeinit.stages.extract_activations")
        looked_at = ActivationsSpec(ann=spec, **activations, source=source)
    return Ann(
        study=study,
        dataset=images.dataset,
        network=slug,
        spec=replace(spec, source=network_source(network["name"], "spikeinit.stages.pretrain_ann", INITIAL_LAW)),
        activations=looked_at,
        thresholds=thresholds,
        timesteps=timesteps,
        norm=norm,
        pretrained=path,
    )


def ann_digest(ann: Ann) -> str:
    """Digest of everything that decides an analogue network and the thresholds from its activations."""
    looked_at = None if ann.activations is None else to_dict(ann.activations)
    return digest([to_dict(ann.spec), looked_at, ann.norm])[:16]


def thresholds_spec(ann: Ann) -> ThresholdsSpec:
    """Spec of `optimize_thresholds`."""
    source = source_digest("spikeinit.stages.optimize_thresholds")
    return ThresholdsSpec(ann.timesteps, ann.norm, ann.thresholds, source)
