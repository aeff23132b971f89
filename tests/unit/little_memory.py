"""One task of a conversion under a limit of memory: `python little_memory.py TASK FOLDER MEGABYTES`.

The task runs once on two images, so that all code is loaded and compiled. Then the process may take so many megabytes
more, and the task runs on a data set whose values are many times that if they are held together.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import torch

from spikeinit.conversion import calibrate as calibration
from spikeinit.conversion.ann import build_ann
from spikeinit.conversion.convert import LayerThreshold, convert
from spikeinit.conversion.extraction import collect_activations
from spikeinit.conversion.simulate import simulate
from spikeinit.datasets.load import Images, load
from spikeinit.interruption import Interruption
from spikeinit.networks import Conv, Dense, Network, Pool, register, sizes
from spikeinit.specs import EncodingSpec, ImageSelection, NetworkSpec, TrainingSpec
from spikeinit.specs.ann import AnnSpec
from spikeinit.specs.conversion import CalibrateSpec

SIDE = 1024
TRAINING = TrainingSpec(
    epochs=1,
    batch_size=5,
    optimizer={"name": "sgd", "learning_rate": 0.01},
    schedule={"name": "cosine"},
    loss={"name": "cross_entropy", "reduction": "mean"},
    monitor_images=0,
)


@register("pooled_first")
def pooled_first(classes, width=1.0):
    """Large images, hardly a layer: the images alone are what takes memory."""
    return Network("pooled_first", (Pool(SIDE // 8), Conv(4), Dense(classes, active=False)))


@register("wide_layers")
def wide_layers(classes, width=1.0):
    """Six layers of 32,768 neurons for images of 64 x 64."""
    return Network("wide_layers", (*[Conv(8)] * 6, Pool(size=None), Dense(classes, active=False)))


def ann_spec(name):
    network, encoding = NetworkSpec(name, 1.0), EncodingSpec("constant", 1, {})
    return AnnSpec(ImageSelection("zeros"), network, {"name": "relu"}, encoding, TRAINING, validation=0)


def networks(name, shape):
    ann = build_ann(ann_spec(name), input_shape=shape, classes=2).eval()
    half = LayerThreshold(torch.tensor(0.1, dtype=torch.float64), torch.tensor(0.05, dtype=torch.float64))
    return ann, convert(ann, [half] * len(ann.neurons()))


def write_zeros(folder, count):
    """A prepared data set of black images, as files with a hole in the place of the pixels."""
    folder.mkdir(parents=True)
    pixels = count * SIDE**2
    facts = {
        "images": {"dtype": "U8", "shape": [count, 1, SIDE, SIDE], "data_offsets": [0, pixels]},
        "labels": {"dtype": "I64", "shape": [count], "data_offsets": [pixels, pixels + 8 * count]},
    }
    header = json.dumps(facts).encode()
    header += b" " * (-len(header) % 8)
    for split in ("train", "test"):
        with (folder / f"{split}.safetensors").open("wb") as file:
            file.write(len(header).to_bytes(8, "little") + header)
            file.truncate(8 + len(header) + pixels + 8 * count)
    manifest = {"name": "zeros", "classes": 2, "shape": [1, SIDE, SIDE], "images": {"train": count, "test": count}}
    sha256 = {"train.safetensors": "", "test.safetensors": ""}
    (folder / "manifest.json").write_text(
        json.dumps(manifest | {"validation": 0, "sha256": sha256, "statistics": {"mean": 0.0, "std": 1.0}})
    )


def run_calibration(folder, count):
    """One epoch over `count` images of a megabyte each."""
    write_zeros(folder, count)
    images = load(folder, "train")
    network = networks("pooled_first", images.shape)[1]
    spec = CalibrateSpec(
        ann=ann_spec("pooled_first"),
        method="optimal",
        timesteps=(1,),
        epochs=(1,),
        training=TRAINING,
        surrogate_width=0.5,
        batch_size=5,
        conventions=(),
    )
    nothing = {"on_start": print, "on_epoch": print, "on_step": lambda *_: None}
    calibration.calibrate(
        spec, network, images, images, device="cpu", folder=folder, interruption=Interruption(), **nothing
    )


def some_images(count):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 1, 64, 64), generator=generator, dtype=torch.uint8)
    return Images(pixels, torch.zeros(count, dtype=torch.int64), 2, "noise", "")


def run_simulation(folder, count):
    """32 steps of `count` images: 4.2 MB a layer and image."""
    encoding = EncodingSpec("constant", 1, {})
    (readout,) = simulate(*networks("wide_layers", (1, 64, 64)), some_images(count), encoding, [32], count)
    assert readout.images == count
    assert all(spikes > 0 for spikes, *_ in readout.layers)


def run_extraction(folder, count):
    """`count` images: 0.13 MB a layer and image."""
    network = networks("wide_layers", (1, 64, 64))[0]
    limits = {"limit": 4096, "channel_limit": 1024}
    layers = collect_activations(
        network, some_images(count).images, EncodingSpec("constant", 1, {}), batch_size=count, **limits
    )
    assert layers[0].layer.total == 32768 * count


TASKS = {"calibration": (run_calibration, 400), "simulation": (run_simulation, 40), "extraction": (run_extraction, 400)}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    task, folder, megabytes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    sizes.FORWARD_BYTES = 48 << 20
    run, count = TASKS[task]
    run(folder / "few", 2)
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    limit = int(status["VmData"].split()[0]) * 1024 + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    run(folder / "many", count)
    print("done")


if __name__ == "__main__":
    main()
