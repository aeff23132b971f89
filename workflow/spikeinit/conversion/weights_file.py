"""What kind of file of weights a user brings, by its content: checked before anything runs, without importing torch.

Nothing in the file is executed, or unpacked, for it.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import BinaryIO

from spikeinit.errors import UserError

REMEDY = "torch.save(model.state_dict(), path) writes a right one"

_TORCH_BEFORE_ARCHIVES = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files of torch.save begin that is older than 1.6, or was told to write as then."""
_LENGTH = 8
"""Bytes that give the length of a safetensors file's header."""
_LONGEST_HEADER = 100_000_000
_OTHERS = {
    b"version https://git-lfs": "a pointer of git-lfs to the weights, not the weights; git lfs pull fetches them",
    b"\x80": f"a pickled Python object, which is not read, since reading it may run code; {REMEDY}",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"\x89HDF": f"an HDF5 file (of Keras?); {REMEDY}",
    b"\x93NUMPY": f"an array of numpy; {REMEDY}",
}
"""How files begin that are often taken for weights -> what they are, and the remedy."""


def kind(path: str | Path) -> str:
    """ "torch" or "safetensors"; the name of the file does not count.

    `UserError` says what the file is in their place: missing, empty, cut short, a web page, a pointer of git-lfs, a
    compiled model, a pickled object.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            head = file.read(512)
            if head.startswith(b"PK\x03\x04"):
                return _archive(path, file, size)
            if head.startswith(_TORCH_BEFORE_ARCHIVES):
                return "torch"
            if head[_LENGTH : _LENGTH + 1] == b"{":
                return _safetensors(path, file, size)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    if size == 0:
        raise UserError(f"{path}: an empty file; fetch or save it again")
    if head.lstrip()[:1] == b"<":
        raise UserError(f"{path}: a web page, not weights; the download answered with it: fetch the file again")
    found = next((text for start, text in _OTHERS.items() if head.startswith(start)), None)
    raise UserError(f"{path}: {found or f'neither torch.save nor safetensors wrote this file; {REMEDY}'}")


def _archive(path: Path, file: BinaryIO, size: int) -> str:
    try:
        members = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        raise UserError(f"{path}: damaged or cut short; fetch or save it again") from None
    names = {member.filename.partition("/")[2] for member in members}
    if "constants.pkl" in names:
        raise UserError(
            f"{path}: a compiled model (TorchScript), not weights alone; torch.save(torch.jit.load({str(path)!r})"
            ".state_dict(), other_path) takes them out, where the model is trusted"
        )
    if "data.pkl" not in names:
        raise UserError(f"{path}: a zip archive that torch.save did not write; {REMEDY}")
    if sum(member.file_size for member in members) > size:
        raise UserError(f"{path}: an archive that is larger unpacked, which torch.save never writes; {REMEDY}")
    return "torch"


def _safetensors(path: Path, file: BinaryIO, size: int) -> str:
    file.seek(0)
    length = int.from_bytes(file.read(_LENGTH), "little")
    if length > _LONGEST_HEADER:
        raise UserError(f"{path}: neither torch.save nor safetensors wrote this file; {REMEDY}")
    try:
        header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        complete = _LENGTH + length + max(ends, default=0) == size
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        complete = False
    if not complete:
        raise UserError(f"{path}: a safetensors file that is damaged or cut short; fetch or save it again")
    return "safetensors"
