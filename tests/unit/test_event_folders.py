"""Where recordings of events lie: folders and archives with what systems leave there, a folder too many, gaps.

Both data sets are made here in small: N-MNIST with recordings of three digits, CIFAR10-DVS with three of each class.
"""

from __future__ import annotations

import dataclasses
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from spikeinit.datasets import catalogue
from spikeinit.datasets.leftovers import is_leftover, unfinished
from spikeinit.datasets.obtain import obtain
from spikeinit.datasets.readers import cifar10_dvs, nmnist
from spikeinit.errors import UserError

LEFTOVERS = (".DS_Store", "Thumbs.db", "desktop.ini", "._{}", "__MACOSX/._{}", "@eaDir/{}", ".ipynb_checkpoints/{}")
"""Beside a file, whose name stands for {}."""


def digit_file(digit: int) -> bytes:
    """A recording of one event, whose x is the digit."""
    return bytes([digit, 1, 0x80, 0, 9])


def class_file(label: int, number: int) -> bytes:
    """A recording of one event, whose place tells the class and the number."""
    address = (number << 8 | label << 1).to_bytes(4, "big")
    return b"#!AER-DAT2.0\r\n" + address + (5000).to_bytes(4, "big")


NMNIST_FILES = {
    f"{split}/{digit}/{number:05}.bin": digit_file(digit)
    for split, numbers in (("Train", (2, 3)), ("Test", (1,)))
    for digit in range(3)
    for number in numbers
}
DVS_FILES = {
    f"{name}/cifar10_{name}_{number}.aedat": class_file(label, number)
    for label, name in enumerate(cifar10_dvs.CLASSES)
    for number in (0, 2, 10)
}


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def packed(folder: Path, files: dict[str, bytes], named: Callable[[str], str] = str) -> Path:
    """An archive for each of the first folders; `named`: the name of a file in its archive."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        with zipfile.ZipFile(folder / f"{name.partition('/')[0]}.zip", "a") as archive:
            archive.writestr(named(name), content)
    return folder


def littered(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with leftovers beside each of them."""
    found = dict(files)
    for name in files:
        folder, _, file = name.rpartition("/")
        found |= {f"{folder}/{leftover.format(file)}": b"not a recording" for leftover in LEFTOVERS}
    return found


def read_nmnist(folder: Path, **changes):
    wanted = {"train": 6, "test": 3} | changes
    return nmnist.read({"folder": folder}, shape=(2, 34, 34), classes=3, recordings=wanted)


def read_dvs(folder: Path):
    return cifar10_dvs.read({"folder": folder}, shape=(2, 128, 128), classes=10, recordings={"train": 2, "test": 1})


READERS = {"nmnist": (read_nmnist, NMNIST_FILES), "cifar10_dvs": (read_dvs, DVS_FILES)}
both = pytest.mark.parametrize(("read", "files"), READERS.values(), ids=READERS)


def content(splits):
    """Labels, addresses and bounds of every split."""
    return {
        split: (part.labels.tolist(), part.images.address.tolist(), part.images.offsets.tolist())
        for split, part in splits.items()
    }


def doubled(name: str) -> str:
    """Train/0/1.bin in one more folder Train/."""
    return f"{name.partition('/')[0]}/{name}"


ARRANGED = {
    "leftovers": lambda folder, files: unpacked(folder, littered(files)),
    "a folder too many": lambda folder, files: unpacked(folder, {doubled(name): files[name] for name in files}),
    "capitals": lambda folder, files: unpacked(folder, {name.upper(): files[name] for name in files}),
    "archives": packed,
    "leftovers in archives": lambda folder, files: packed(folder, littered(files)),
    "a folder too many in archives": lambda folder, files: packed(folder, files, doubled),
    "archives of files alone": lambda folder, files: packed(folder, files, lambda name: name.partition("/")[2]),
    "archives made on Windows": lambda folder, files: packed(folder, files, lambda name: name.replace("/", "\\")),
}


@pytest.mark.parametrize("arranged", ARRANGED.values(), ids=ARRANGED)
@both
def test_the_recordings_are_found(tmp_path, read, files, arranged):
    plain = content(read(unpacked(tmp_path / "plain", files)))
    assert len(plain["train"][0]) > len(plain["test"][0]) > 0
    assert content(read(arranged(tmp_path / "arranged", files))) == plain


def test_each_digit_is_its_folder(tmp_path):
    splits = read_nmnist(packed(tmp_path, NMNIST_FILES))
    assert splits["train"].labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert (splits["train"].images.address % 34).tolist() == [0, 0, 1, 1, 2, 2]


@both
def test_an_empty_folder_does_not_hide_the_archive(tmp_path, read, files):
    packed(tmp_path / "a", files)
    for name in ("Train", "airplane"):
        (tmp_path / "a" / name / "__MACOSX").mkdir(parents=True)
    assert content(read(tmp_path / "a")) == content(read(unpacked(tmp_path / "b", files)))


@both
def test_a_folder_half_unpacked_beside_its_archive(tmp_path, read, files):
    packed(tmp_path, files)
    first = next(iter(files))
    unpacked(tmp_path, {first: files[first]})
    with pytest.raises(
        UserError, match=r"unpack (Train|airplane)\.zip again, or remove .* and the archive is read instead"
    ):
        read(tmp_path)


@both
def test_a_recording_that_is_there_twice_is_refused(tmp_path, read, files):
    first = next(iter(files))
    unpacked(tmp_path, {**files, f"{first.partition('/')[0]}/{first}": files[first]})
    with pytest.raises(UserError, match=r"(00002\.bin|_0\.aedat) and .*: the same recording twice; remove one of them"):
        read(tmp_path)


@both
def test_a_partial_download_is_named(tmp_path, read, files):
    first, *rest = files
    unpacked(tmp_path, {name: files[name] for name in rest} | {f"{first}.part": b"", f"{first}.txt": b""})
    with pytest.raises(
        UserError, match=r"(5 recordings instead of 6|2 recordings \*\.aedat instead of 3) \(unfinished"
    ):
        read(tmp_path)
    with pytest.raises(UserError, match=r"unfinished: \S+\.part; not taken: \S+\.txt\); get the"):
        read(tmp_path)


@both
def test_what_cannot_be_read_is_named(tmp_path, read, files):
    """A link that leads nowhere, as a copy of a data set on another disk has it."""
    first = next(iter(files))
    unpacked(tmp_path, files)
    (tmp_path / first).unlink()
    (tmp_path / first).symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match=r"(00002\.bin|_0\.aedat): not readable \(No such file or directory\); copy it"):
        read(tmp_path)


@both
def test_archives_that_python_cannot_read_are_named(tmp_path, read, files):
    packed(tmp_path, files)
    path = next(tmp_path.glob("[Ta][ri]*.zip"))
    original = path.read_bytes()
    entry, local = original.index(b"PK\x01\x02"), original.index(b"PK\x03\x04")
    for flag, method, message in ((1, 0, "is encrypted; unpack it with its password"), (0, 9, "packed in a way that")):
        changed = bytearray(original)
        changed[entry + 8], changed[entry + 10] = flag, method
        changed[local + 6], changed[local + 8] = flag, method
        path.write_bytes(changed)
        with pytest.raises(UserError, match=message):
            read(tmp_path)


def test_an_absent_digit_and_other_layouts_are_named(tmp_path):
    shutil.rmtree(unpacked(tmp_path, NMNIST_FILES) / "Train" / "1")
    with pytest.raises(UserError, match=r"Train: no recording of digit 1; get the archive again, or unpack it again"):
        read_nmnist(tmp_path)
    shutil.rmtree(tmp_path / "Train")
    unpacked(tmp_path, {"Train/Test/0/00001.bin": b"", "Train/readme.txt": b""})
    with pytest.raises(UserError, match=r"no recordings; expected Train/0/\*\.bin .*, found readme\.txt, Test/0/00001"):
        read_nmnist(tmp_path)


def test_a_copy_of_the_data_set_in_another_format_is_named(tmp_path):
    """AEDAT 4, as other libraries download it, and a recording among those of another class."""
    unpacked(tmp_path, {f"{name}4": DVS_FILES[name] for name in DVS_FILES})
    with pytest.raises(
        UserError, match=r"0 recordings .* \(not taken: cifar10_airplane_0\.aedat4.*get the original arch"
    ):
        read_dvs(tmp_path)
    unpacked(tmp_path, {**DVS_FILES, "dog/cifar10_cat_0.aedat": class_file(3, 0)})
    with pytest.raises(UserError, match=r"cifar10_cat_0\.aedat: not called cifar10_dog_<number>\.aedat; remove it"):
        read_dvs(tmp_path)


def test_an_absent_class_names_what_is_like_it(tmp_path):
    unpacked(tmp_path, DVS_FILES)
    shutil.move(tmp_path / "bird", tmp_path / "bird (1)")
    with pytest.raises(UserError, match=r"neither bird\.zip nor a folder bird/ \(found bird \(1\)\); the classes are"):
        read_dvs(tmp_path)


SMALL = {"train1K.txt": b"\xef\xbb\xbf1 1\r\n", "test100.txt": b"2 0\n", "1.bs2": digit_file(1), "2.bs2": digit_file(0)}


@pytest.mark.parametrize(
    ("name", "files", "deeper"),
    [
        ("nmnist", NMNIST_FILES, "N-MNIST"),
        ("cifar10_dvs", DVS_FILES, "4724671"),
        ("nmnist_small", SMALL, "NMNISTsmall"),
    ],
)
def test_the_data_sets_folder_may_lie_one_deeper(tmp_path, capsys, name, files, deeper):
    """A line says where it is taken from; of two such folders none is taken."""
    entry = catalogue.get(name)
    top = tmp_path / entry.folders[0]
    plain = unpacked(top / deeper, files)
    (top / "__MACOSX" / "Train").mkdir(parents=True)
    (top / "notes").mkdir()
    assert obtain(entry, root=tmp_path, cache=tmp_path) == {"folder": plain}
    assert capsys.readouterr().out == f"{name}: taken from {plain}\n"
    assert entry.offered_in(tmp_path)
    unpacked(top / "again", files)
    with pytest.raises(UserError, match=rf"in several folders: {deeper}, again; leave one|again, {deeper}; leave one"):
        obtain(entry, root=tmp_path, cache=tmp_path)
    assert not entry.offered_in(tmp_path)


def test_lists_with_a_mark_of_byte_order_are_read(tmp_path):
    folder = unpacked(tmp_path, SMALL)
    lists = catalogue.get("nmnist_small").options["lists"]
    splits = nmnist.read({"folder": folder}, shape=(2, 34, 34), classes=10, lists=lists)
    assert [splits[split].labels.tolist() for split in ("train", "test")] == [[1], [0]]
    (folder / "1.bs2").rename(folder / "1.bs2.crdownload")
    with pytest.raises(UserError, match=r"no 1\.bs2 beside it, but 1\.bs2\.crdownload, which is unfinished; get"):
        nmnist.read({"folder": folder}, shape=(2, 34, 34), classes=10, lists=lists)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"nmnist/Train.zip.part": b""},
            r"nmnist holds no Train or Train\.zip but Train\.zip\.part; Train\.zip\.part is unf",
        ),
        ({"nmnist/train.npz": b""}, r"nmnist holds no Train or Train\.zip but train\.npz; get https://www\.garrick"),
        ({"nmnist/.DS_Store": b""}, "but nothing; get"),
        ({"nmnist/N-MNIST.zip": b""}, r"but N-MNIST\.zip; unpack N-MNIST\.zip, or get https://www\.garrick"),
        ({"Train/0/00001.bin": b""}, "which seems to be that folder itself; get .* name the folder above nmnist/"),
    ],
)
def test_a_data_set_that_is_not_there_says_what_is(tmp_path, files, message):
    with pytest.raises(UserError, match=message):
        obtain(catalogue.get("nmnist"), root=unpacked(tmp_path, files), cache=tmp_path)


def test_a_data_set_may_lie_in_capitals_or_in_archives(tmp_path):
    entry = dataclasses.replace(catalogue.get("nmnist"), folders=("a", "b"))
    for name in ("a/train.ZIP", "b/TRAIN/0/1.bin"):
        folder = unpacked(tmp_path, {name: b""}) / name[0]
        assert obtain(entry, root=tmp_path, cache=tmp_path) == {"folder": folder}
        shutil.rmtree(folder)


def test_names_that_belong_to_systems_and_to_downloads():
    assert all(map(is_leftover, (".DS_Store", "._1.bin", "Thumbs.db", "THUMBS.DB", "desktop.ini", "__MACOSX", "~$x")))
    assert not any(map(is_leftover, ("00001.bin", "Train", "airplane.zip", "thumbs", "0")))
    names = ["a.zip.part", "b.bin.crdownload", "c.CRDOWNLOAD", "a.zip", "1.bin"]
    assert unfinished(names) == names[:3]
