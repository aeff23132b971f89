"""What decides a stage's numbers, as frozen dataclasses: one canonical JSON string per job, and its digest.

A spec holds no path, time, device or library handle, so the same work has the same spec on every machine. Snakemake
tracks it as the job's only parameter; `source` is the digest of the code the stage imports (provenance.py).
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from spikeinit.io import canonical_json, digest

Spec = TypeVar("Spec")


@dataclass(frozen=True)
class ImageSelection:
    """Which images of a prepared data set a job sees: the first so many of each split, None for all of them.

    The images themselves, as tensors, are `spikeinit.datasets.load.Images`.
    """

    dataset: str
    train_images: int | None = None
    test_images: int | None = None


@dataclass(frozen=True)
class NetworkSpec:
    """A network family, its width factor, and the family's own options."""

    name: str
    width: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EncodingSpec:
    """How images become [T, B, ...] input."""

    name: str
    timesteps: int
    parameters: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class NeuronSpec:
    """The integrate-and-fire neurons of every layer.

    `decay` is a number, or [low, high] to draw uniformly from. `initial_potential` is a number, "kaiming_uniform" or
    "running_mean", which alone uses `initial_potential_momentum`; see `neurons.layer`.
    """

    decay: float | tuple[float, float] = 0.5
    decay_scope: str = "layer"
    threshold: float = 1.0
    gain: float | str = 1.0
    reset: str = "subtract"
    surrogate: str = "arctan"
    slope: float = 1.0
    detach_reset: bool = True
    initial_potential: float | str = 0.0
    initial_potential_momentum: float = 0.1
    spike_delay: int = 0
    learn: tuple[str, ...] = ("decay", "threshold")

    @classmethod
    def from_section(cls, section: Mapping[str, Any], **changed: Any) -> NeuronSpec:
        """The neurons of a section `neuron` of the configuration, with some values `changed`."""
        values = {**section, **changed}
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


@dataclass(frozen=True)
class InitializerSpec:
    """An initialiser by name with its parameters; `source` is the digest of its law's code, or of the user's file.

    fan_in: "own", or "published" where the law is scaled to the fan-in of the network at width 1.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    layers: str = "all"
    bias: str = "law"
    fan_in: str = "own"
    source: str = ""


@dataclass(frozen=True)
class TrainingSpec:
    """The training loop's settings.

    target_accuracies: percentages; metrics.csv says at which iteration a training batch first reached each.
    trace_every: iterations per row of iterations.csv, the first of all in a row of its own; None for no rows.
    last_batch: "keep" trains on a last batch of an epoch that is smaller than the others, "drop" leaves it out.
    """

    epochs: int
    batch_size: int
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    loss: dict[str, Any]
    monitor_images: int | None = None
    target_accuracies: tuple[float, ...] = ()
    trace_every: int | None = None
    last_batch: str = "keep"

    def __post_init__(self) -> None:
        """A list, as a configuration file gives it, becomes a tuple."""
        object.__setattr__(self, "target_accuracies", tuple(self.target_accuracies))


@dataclass(frozen=True)
class TrainSpec:
    """One initialisation combination with all its seeds.

    apart: what sets its random streams apart from those of other runs with the same seed; "" where they are shared.
    """

    images: ImageSelection
    network: NetworkSpec
    encoding: EncodingSpec
    neuron: NeuronSpec
    initializer: InitializerSpec
    training: TrainingSpec
    seeds: tuple[int, ...]
    apart: str = ""
    source: str = ""

    def seed_spec(self) -> dict[str, Any]:
        """What decides one seed's numbers: everything but the list of seeds."""
        values = to_dict(self)
        del values["seeds"]
        return values

    def seed_digest(self) -> str:
        """Digest of `seed_spec`."""
        return digest(self.seed_spec())


@dataclass(frozen=True)
class EvaluateSpec:
    """Counting spikes of trained networks on test images. The networks themselves come with the weights.

    apart: as in the `TrainSpec` of the networks.
    """

    images: ImageSelection
    network: NetworkSpec
    encoding: EncodingSpec
    neuron: NeuronSpec
    seeds: tuple[int, ...]
    batch_size: int
    conventions: tuple[str, ...]
    loss: dict[str, Any]
    apart: str = ""
    source: str = ""


@dataclass(frozen=True)
class Simulation:
    """Untrained networks of one kind with one initialiser; the names are `spikeinit.simulation.networks`'s.

    gradient_repeats: networks through which gradients are followed back; 0 for none.
    """

    label: str
    initializer: str
    parameters: dict[str, Any] = field(default_factory=dict)
    depth: int = 100
    width: int = 1000
    timesteps: int = 1
    decay: float = 0.5
    threshold: float = 1.0
    reset: str = "subtract"
    first_layer: str = "integrate"
    repeats: int = 20
    gradient_repeats: int = 0
    source: str = ""


@dataclass(frozen=True)
class SimulateSpec:
    """A group of simulations that one job runs."""

    simulations: tuple[Simulation, ...]
    seed: int
    surrogate: str = "arctan"
    slope: float = 1.0
    source: str = ""

    @property
    def seeds(self) -> tuple[int, ...]:
        """The one seed from which every repeat has a stream of its own."""
        return (self.seed,)


def to_dict(spec: Any) -> dict[str, Any]:
    """A spec as nested dictionaries and lists, as JSON would give it back."""
    return _plain(dataclasses.asdict(spec))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def to_json(spec: Any) -> str:
    """The canonical JSON string that a rule tracks and a stage receives."""
    return canonical_json(to_dict(spec))


def from_dict(kind: type[Spec], values: dict[str, Any]) -> Spec:
    """The dataclass `kind` from what `to_dict` gave."""
    types = typing.get_type_hints(kind)
    arguments = {}
    for key, value in values.items():
        if key not in types:
            raise ValueError(f"{kind.__name__} has no field {key!r}")
        if dataclasses.is_dataclass(types[key]):
            value = from_dict(types[key], value)
        elif isinstance(value, list):
            members = [item for item in typing.get_args(types[key]) if dataclasses.is_dataclass(item)]
            value = tuple(from_dict(members[0], item) for item in value) if members else tuple(value)
        arguments[key] = value
    return kind(**arguments)
