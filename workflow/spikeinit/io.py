"""Files: atomic writes, canonical JSON, CSV tables, tensors without pickle, locks between processes."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import json
import math
import os
import secrets
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikeinit.errors import UserError

if TYPE_CHECKING:
    import torch

_HEADER_LENGTH = 8
"""Bytes that give the length of a safetensors file's header."""
_MAPPED_TYPES = {"U8": "u1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "F32": "<f4", "F64": "<f8"}

_UMASK = os.umask(0o022)
os.umask(_UMASK)  # it can only be read by setting it


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and renamed over `path`.

    A reader therefore sees the old file or the whole new one. On an error nothing is left behind.
    Raises `UserError` when the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_UMASK)  # some writers leave their files to the owner alone
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(f"{path}: the disk is full; free some space there or choose another results folder")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UserError(f"{path}: cannot be written ({error.strerror}); check the folder's permissions")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return UserError(f"{path}: its folder cannot be made, a file of that name is in the way ({error.filename})")
    return error


def with_home(path: str) -> str:
    """`path` with the home folder for a leading `~`; unchanged where nobody knows that home."""
    try:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError:
        return path


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Write `content` atomically as UTF-8."""
    write_bytes(path, content.encode())


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN: equal values give equal strings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def digest(value: Any) -> str:
    """SHA-256 (hex, 64 characters) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def file_digest(path: str | Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` atomically as indented JSON with sorted keys."""
    write_text(path, json.dumps(value, sort_keys=True, indent=2, allow_nan=False) + "\n")


def yaml_loader() -> Any:
    """The loader of PyYAML that executes nothing, by libyaml where PyYAML was built with it: ten times as fast."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:
    """YAML as Python values."""
    import yaml

    return yaml.load(text, Loader=yaml_loader())


def read_json(path: str | Path) -> Any:
    """Read a JSON file; `UserError` names the file when it is missing or malformed."""
    path = Path(path)
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None


def write_csv(path: str | Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Write rows of dictionaries atomically; floats in full precision, None and NaN as empty cells.

    columns: their order; a row with another key is a ValueError. Without it all keys, as they first appear.
    """
    rows = list(rows)
    if columns is None:
        columns = list(dict.fromkeys(key for row in rows for key in row))
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="raise")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(value) if isinstance(value, float) else value


def read_csv(path: str | Path) -> list[dict[str, str]]:
    """Rows of a CSV file as dictionaries of strings (stages that need types use pandas)."""
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def save_tensors(
    path: str | Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors atomically in the safetensors format: no code is ever executed on loading."""
    from safetensors.torch import save_file

    with atomic_path(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, dict(metadata or {}))


def load_tensors(path: str | Path, device: str = "cpu") -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file; `UserError` for anything that is not one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt", device=device) as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error}); delete it and run again") from None


def map_tensors(path: str | Path) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file that are read from it where they are looked at, however large the file is.

    The pages stay the operating system's, which drops and reads them again as memory runs short; no memory is set
    aside for them. They must not be written to. `UserError` as `load_tensors`.
    """
    import numpy as np
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:  # it refuses files whose header and length do not agree
            types = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        with Path(path).open("rb") as opened:
            start = _HEADER_LENGTH + int.from_bytes(opened.read(_HEADER_LENGTH), "little")
            header = json.loads(opened.read(start - _HEADER_LENGTH))
        found = {}
        for name, dtype in types.items():
            shape, (first, last) = tuple(header[name]["shape"]), header[name]["data_offsets"]
            if dtype not in _MAPPED_TYPES:
                raise UserError(f"{path}: {name} is {dtype}; delete it and run again")
            if first == last:
                found[name] = torch.from_numpy(np.zeros(shape, _MAPPED_TYPES[dtype]))
                continue
            values = np.memmap(path, _MAPPED_TYPES[dtype], "r", start + first, shape)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "The given NumPy array is not writable")
                found[name] = torch.from_numpy(values)
        return found
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable safetensors file ({error}); delete it and run again") from None


@contextlib.contextmanager
def locked(path: str | Path, *, timeout: float, purpose: str) -> Iterator[None]:
    """Hold an exclusive lock file between processes; `UserError` when another keeps it beyond `timeout` seconds.

    The operating system drops the lock when its holder dies, however it dies.
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        raise UserError(
            f"{purpose}: another process holds {path} since over {timeout:.0f} s; wait for it, or end it"
        ) from None
    try:
        yield
    finally:
        lock.release()
