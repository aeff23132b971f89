"""Getting a catalogue entry's original files: from a folder, from a Python package, or from mirrors on the web.

Whatever the place, a file counts only when its SHA-256 is the catalogue's.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import importlib.util
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from spikeinit.datasets.entry import Dataset, File, Mirrors, Package, Unpacked
from spikeinit.datasets.leftovers import entries, few, unfinished
from spikeinit.errors import UserError
from spikeinit.io import atomic_path, file_digest

ROUNDS = 3
"""Each mirror is tried so often before giving up."""

_STALLED_AFTER = 60.0
"""Seconds without a byte after which a mirror counts as failed."""

_LOCAL_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


def obtain(dataset: Dataset, *, root: Path | None, cache: Path, pause: float = 1.0) -> dict[str, Path]:
    """Verified path of each of the data set's files, by name; of one whose files are not listed, "folder" alone.

    Each is looked for in `root` (datasets.root or SPIKEINIT_DATA), then in the package that ships it or, downloaded
    before, in `cache`; else it is downloaded into `cache`, with `pause` seconds, then twice that, between the rounds.
    Raises `UserError` for a file that is elsewhere but not the right one, and when nothing provides it.
    """
    if root is not None and not root.is_dir():
        raise UserError(f"datasets.root (or SPIKEINIT_DATA) = {root}: no such folder")
    if isinstance(dataset.source, Unpacked) and not dataset.files:
        return {"folder": _unpacked_folder(dataset, root)}
    return {file.name: _obtain_file(dataset, file, root, cache, pause) for file in dataset.files}


def _obtain_file(dataset: Dataset, file: File, root: Path | None, cache: Path, pause: float) -> Path:
    if root is not None and (path := dataset.file_in(root, file)):
        require(path, file, "replace it by the original file, or remove it to have it fetched")
        return path
    if isinstance(dataset.source, Package):
        return _packaged(dataset, file)
    if isinstance(dataset.source, Unpacked):
        raise UserError(f"{dataset.name}: no {file.name}; it cannot be downloaded: {_by_hand(dataset, file)}")
    path = cache / dataset.name / file.name
    if path.is_file() and _difference(path, file) is None:
        return path
    _download(dataset, file, path, pause)
    return path


def _unpacked_folder(dataset: Dataset, root: Path | None) -> Path:
    """The folder of a data set whose files are not listed one by one; a line says when it lies deeper than it should.

    `UserError` when there is none, which says what is there instead.
    """
    places = dataset.places_in(root) if root is not None else []
    if root is not None and (folder := dataset.folder_in(root)):
        if folder not in places:
            print(f"{dataset.name}: taken from {folder}", flush=True)
        return folder
    own, wanted = dataset.folders[0], " or ".join(dataset.source.holds)
    if not places:
        itself = ", which seems to be that folder itself" if root is not None and dataset.held_in(root) else ""
        raise UserError(
            f"{dataset.name}: no folder {own}/ with {wanted} in {root or 'datasets.root (not set)'}{itself};"
            f" get {dataset.source}, put it there, and name the folder above {own}/ in datasets.root or SPIKEINIT_DATA"
        )
    deeper, names = dataset.deeper_in(places[0]), [path.name for path in entries(places[0])]
    parts = unfinished(names)
    if deeper:
        raise UserError(
            f"{dataset.name}: {places[0]} holds {wanted} in several folders: {few(path.name for path in deeper)};"
            " leave one of them there"
        )
    packed = [name for name in names if name.lower().endswith((".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"))]
    remedy = f"get {dataset.source} and put it there"
    if parts or packed:
        remedy = f"{few(parts)} is unfinished, get it again" if parts else f"unpack {few(packed)}, or {remedy}"
    raise UserError(f"{dataset.name}: {places[0]} holds no {wanted} but {few(names)}; {remedy}")


def _difference(path: Path, file: File) -> str | None:
    """How a file differs from what its entry says; None when it does not, and when the entry does not say."""
    found = file_digest(path)
    if file.sha256 in (None, found):
        return None
    return f"expected sha256 {file.sha256} ({file.bytes} bytes), found {found} ({path.stat().st_size} bytes)"


def require(path: Path, file: File, remedy: str) -> None:
    """`UserError`, which ends in the remedy, for a file of another content than its entry says."""
    if difference := _difference(path, file):
        raise UserError(f"{path}: {difference}; {remedy}")


def _by_hand(dataset: Dataset, file: File) -> str:
    return (
        f"put {file.name} into a folder {dataset.folders[0]}/ and name the folder above it in datasets.root"
        " or SPIKEINIT_DATA"
    )


def _packaged(dataset: Dataset, file: File) -> Path:
    package = dataset.source
    found = importlib.util.find_spec(package.module)
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"{dataset.name} comes with the Python package {package.distribution}, which is not installed;"
            f" install it, or {_by_hand(dataset, file)}"
        )
    path = Path(next(iter(found.submodule_search_locations)), package.folder, file.name)
    if not path.is_file():
        raise UserError(
            f"{path}: no such file; this version of {package.distribution} does not ship {dataset.name};"
            f" install the one in envs/requirements.txt, or {_by_hand(dataset, file)}"
        )
    require(path, file, f"install the {package.distribution} of envs/requirements.txt, or {_by_hand(dataset, file)}")
    return path


def _download(dataset: Dataset, file: File, path: Path, pause: float) -> None:
    """Download to a temporary file and rename it once its checksum is right; `UserError` tells what each mirror did."""
    failures: dict[str, None] = {}
    mirrors = _mirrors(dataset)
    for attempt in range(ROUNDS):
        if attempt:
            time.sleep(pause * attempt)
        for mirror in mirrors:
            url = f"{mirror.rstrip('/')}/{file.name}"
            try:
                with atomic_path(path) as temporary:
                    _transfer(url, temporary)
                    if difference := _difference(temporary, file):
                        raise _RefusedError(difference)
                return
            except _RefusedError as error:
                failures[f"{url}: {error}"] = None
    lines = "".join(f"\n  {failure}" for failure in failures)
    raise UserError(
        f"{dataset.name}: {file.name} could not be downloaded in {ROUNDS} rounds:{lines}\n"
        f"  try again later, or {_by_hand(dataset, file)}"
    )


def _mirrors(dataset: Dataset) -> Sequence[str]:
    if isinstance(dataset.source, Mirrors):
        return dataset.source.mirrors
    import torchvision.datasets

    return getattr(torchvision.datasets, dataset.source.dataset).mirrors


class _RefusedError(Exception):
    """A mirror failed, or gave something that is not the file."""


def _transfer(url: str, path: Path) -> None:
    """Let torchvision download `url` to `path`; `_RefusedError` for what is the mirror's or the network's fault."""
    from torchvision.datasets.utils import download_url

    try:
        with _secured(url):
            download_url(url, str(path.parent), path.name)
    except (OSError, http.client.HTTPException, RecursionError) as error:
        cause = _first_cause(error)
        if isinstance(cause, OSError) and cause.errno in _LOCAL_TROUBLE:
            raise cause from None
        if isinstance(cause, urllib.error.HTTPError):
            cause.close()  # it holds the connection
        raise _RefusedError(str(cause) or type(cause).__name__) from None


class _InsecureError(urllib.error.URLError):
    """A transfer that began as https was about to go on without encryption."""


class _Guard(urllib.request.BaseHandler):
    """Gives every request a time limit and, when the mirror is an https one, refuses requests of any other kind."""

    def __init__(self, url: str) -> None:
        self.secure = url.startswith("https:")

    def https_request(self, request: urllib.request.Request) -> urllib.request.Request:
        request.timeout = _STALLED_AFTER
        return request

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        if self.secure:
            raise _InsecureError(f"refused: the secure mirror leads to {request.full_url}, which is not secure")
        return self.https_request(request)

    ftp_request = http_request


@contextlib.contextmanager
def _secured(url: str) -> Iterator[None]:
    """Put the guard in front of urllib, which torchvision uses: redirects and its own fall-back to http pass it."""
    urllib.request.install_opener(urllib.request.build_opener(_Guard(url)))
    try:
        yield
    finally:
        urllib.request.install_opener(None)


def _first_cause(error: BaseException) -> BaseException:
    """The failure that made torchvision fall back to http, when the guard then refused that."""
    while isinstance(error, _InsecureError) and error.__context__ is not None:
        error = error.__context__
    return error
