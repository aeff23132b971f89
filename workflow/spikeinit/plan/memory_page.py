"""docs/conversion_memory.md: what memory the conversion study's jobs need at paper scale.

`python -m spikeinit.plan.memory_page > docs/conversion_memory.md` writes the page anew, and so does `make docs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from spikeinit.conversion import memory
from spikeinit.conversion.memory import job_bytes
from spikeinit.datasets import catalogue
from spikeinit.io import parse_yaml
from spikeinit.jobs.anns import anns
from spikeinit.networks.sizes import Shape
from spikeinit.plan import load_config, runs
from spikeinit.plan.conditions_page import PAPER_SCALE
from spikeinit.specs import NetworkSpec
from spikeinit.specs.ann import ActivationsSpec, AnnSpec
from spikeinit.specs.conversion import CalibrateSpec, ConvertSpec

STUDY = "conversion"
IMAGENET = Path("workflow/overlays/conversion_imagenet.yaml")

INTRODUCTION = """# Memory of the conversion study

This page is computed by `spikeinit.conversion.memory.job_bytes` from `workflow/overlays/paper.yaml` and
`workflow/overlays/conversion_imagenet.yaml`, and so is what the rules ask a cluster for (`mem_mb`). `make docs` writes
it anew.

- *Images* are mapped from their file. A job holds those of a batch, however many there are: ImageNet's 1,281,167
  training images are 193 GB, of which none is counted below. The file must lie on a disk that reads single images fast.
- *Training* of the analogue network (`pretrain_ann`) keeps what its backward pass needs, for one batch.
- *Simulation* (`convert_ann`) computes all T steps of a layer together, adds its spikes up, and lets them go before the
  next part of the network runs. So many images run together as fit into 2 GiB, at least one and at most
  `evaluation.batch_size`; one image of ImageNet takes more at large T. Sums of different batches differ by rounding.
- *Activations* (`extract_activations`) go layer by layer into summaries of at most `activations.limit` values a layer
  and `activations.channel_limit` a channel. The search for thresholds (`optimize_thresholds`) asks for as much.
- *Calibration* (`calibrate_snn`) must keep what its backward pass needs of all layers, for the whole batch and all T.
  With less memory, choose a smaller `calibration.training.batch_size`, which the paper does not state.

On a GPU the values of layers lie in its memory, and the images too if they are at most 4 GiB; otherwise each batch is
moved there. All networks have average pooling, as the paper's authors put it in the place of maximum pooling.

The step that prepares a user's own images (`fetch_dataset`) reads `train.npz` as a whole, once. It asks for six times
the size of its arrays: those of float32 are float64 in between, measured at four and a half times, and pixels of uint8
take three and a half.

The peak of each job in GB (10^9 bytes), with 2.1 GB for the process itself; of several jobs the largest:
"""


def page(root: Path) -> str:
    """The page as Markdown, from the overlays below `root`."""
    lines = [
        INTRODUCTION,
        "| data set | network | `pretrain_ann` | `extract_activations` | `convert_ann` | `calibrate_snn` |",
    ]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for dataset, network, peaks in _rows(root):
        lines.append(f"| {dataset} | {network} | {' | '.join(f'{peak / 1e9:.1f}' if peak else '' for peak in peaks)} |")
    return "\n".join(lines) + "\n"


Specs = list[memory.JobSpec]


def _rows(root: Path) -> Iterator[tuple[str, str, list[int]]]:
    """Data set, network, and the peaks in bytes of its jobs, 0 for a network that is not calibrated."""
    config = load_config([root / file for file in PAPER_SCALE])
    networks = [ann for ann in anns(config).values() if ann.study == STUDY]
    planned = runs(config, STUDY)
    for ann in networks:
        entry = catalogue.get(ann.dataset)
        specs = [run.spec for run in planned if run.ann == (ann.dataset, ann.network)]
        yield ann.dataset, ann.network, _peaks([ann.spec, ann.activations, *specs], entry.shape, entry.classes)
        if ann.dataset == networks[0].dataset and ann.spec.network.name == "vgg16" and ann.network == "vgg":
            imagenet = _of_imagenet(parse_yaml((root / IMAGENET).read_text())[STUDY], [ann.activations, *specs])
    yield "imagenet", imagenet[0].ann.network.name, _peaks(imagenet, *memory.LARGEST_IMAGES)


def _of_imagenet(section: dict, specs: Specs) -> Specs:
    """The jobs of the same network for ImageNet, as the overlay changes them."""
    network = NetworkSpec(section["networks"][0]["name"], 1.0, {})
    calibration, batch_size = section["calibration"], section["evaluation"]["batch_size"]
    changed: Specs = []
    for spec in specs:
        other = replace(spec, ann=replace(spec.ann, network=network))
        if isinstance(spec, ActivationsSpec):
            other = replace(other, images=section["activations"]["images"])
        else:
            other = replace(other, batch_size=batch_size)
        if isinstance(spec, CalibrateSpec):
            training = replace(spec.training, batch_size=calibration["training"]["batch_size"])
            steps, epochs = tuple(calibration["timesteps"]), tuple(calibration["epochs"])
            other = replace(other, timesteps=steps, epochs=epochs, training=training)
        changed.append(other)
    return changed


def _peaks(specs: Specs, shape: Shape, classes: int) -> list[int]:
    """The largest peak of the jobs of each stage: training, activations, conversion, calibration."""
    kinds = (AnnSpec, ActivationsSpec, ConvertSpec, CalibrateSpec)
    return [max((job_bytes(s, shape, classes) for s in specs if type(s) is kind), default=0) for kind in kinds]


if __name__ == "__main__":
    print(page(Path()), end="")
