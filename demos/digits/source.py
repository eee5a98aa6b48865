"""Where the digits come from: a folder, the cache, a mirror; or they are drawn here."""

from __future__ import annotations

import hashlib
import io
import os
import urllib.request
import zlib
from dataclasses import dataclass
from gzip import GzipFile
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from demos.common import tqdm
from demos.digits.drawn import draw_digits
from micrograd.data import read_digits
from micrograd.files import atomic_write

MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
# SHA-256 of what is in the files; the gzip around it differs between copies.
FILES = {
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
}
PIXELS = 28 * 28
HELD_OUT = 0.15  # of the images, where there is only one set of them
_LARGEST = 1 << 24  # bytes; the largest of the four files has 9,912,422
_PATIENCE = 20.0  # seconds without a byte


class DigitsError(ValueError):
    """A folder that does not hold digits as MNIST's files do."""


class DownloadError(OSError):
    """A file that could not be fetched, or is not the one it should be."""


@dataclass(frozen=True)
class Digits:
    """Images to train on and images held out, with what they show.

    Attributes:
        name: where they are from.
        X: pixels from 0 to 1, of shape (n, 784).
        labels: n integers from 0 to 9.
        X_held: as X, never trained on.
        labels_held: what these show.
    """

    name: str
    X: Any
    labels: Any
    X_held: Any
    labels_held: Any


def find(folder: Path | None, mirror: str = MIRROR) -> Digits:
    """The digits in a folder; or else MNIST; or else, without a network, drawn ones.

    Arguments:
        folder: what `--data` says, or None.
        mirror: where MNIST's four files are.

    Returns:
        The digits.

    Raises:
        DigitsError: if they are not in the folder, or not all of them.
        IDXError: if a file is damaged.
        OSError: if a file cannot be read or written.
    """
    if folder is not None:
        return load(folder)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = cache / "micrograd-chain-rule" / "mnist"
    try:
        download(cache, mirror)
    except DownloadError as error:
        print(f"MNIST could not be downloaded: {error}.")
        print("So these are NOT handwritten digits, but simple ones that are drawn here.")
        return split("drawn digits", *draw_digits(6000, seed=0))
    return load(cache)


def load(folder: Path) -> Digits:
    """Read MNIST's files, gzipped or not: train-* and t10k-*, or one of the two.

    With both, the images of t10k-* are held out; else 15% of those there are,
    always the same ones.
    """
    if not folder.is_dir():
        raise DigitsError(f"{folder}: expected a folder with MNIST's files, there is none")
    sets = {}
    for kind in ("train", "t10k"):
        names = [f"{kind}-images-idx3-ubyte", f"{kind}-labels-idx1-ubyte"]
        found = [_either(folder, name) for name in names]
        if all(found):
            sets[kind] = read_digits(*found)
            if sets[kind][0].shape[1] != PIXELS:
                raise DigitsError(
                    f"{found[0]}: expected images of 28 times 28 = {PIXELS} pixels, "
                    f"got {sets[kind][0].shape[1]}"
                )
        elif any(found):
            missing = names[found.index(None)]
            raise DigitsError(f"{folder}: lacks {missing} (or {missing}.gz)")
    if not sets:
        raise DigitsError(
            f"{folder}: expected {', '.join(sorted(FILES))}, or two of these, "
            "with or without .gz; found none of them"
        )
    if len(sets) == 1:
        return split(str(folder), *sets.popitem()[1])
    return Digits(str(folder), *sets["train"], *sets["t10k"])


def _either(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.exists()), None)


def split(name: str, X: Any, labels: Any) -> Digits:
    """Hold out some of the images, chosen by a fixed seed."""
    if len(X) < 2:
        raise DigitsError(f"{name}: expected at least 2 images, one of them to hold out, got 1")
    order = np.random.default_rng(0).permutation(len(X))
    held, rest = np.split(order, [max(1, round(HELD_OUT * len(X)))])
    return Digits(name, X[rest], labels[rest], X[held], labels[held])


def download(folder: Path, mirror: str = MIRROR) -> None:
    """Fetch those of MNIST's four files that are not there yet.

    A file is written when all of it has come and its checksum is right, and
    takes its name when all of it is written.

    Arguments:
        folder: where to; made if missing.
        mirror: the address of a folder with the files.

    Raises:
        DownloadError: if one cannot be fetched, or is not what it should be.
        OSError: if one cannot be written.
    """
    for name, checksum in FILES.items():
        if _either(folder, name) is None:
            content = fetch(f"{mirror}{name}.gz")
            found = _checksum_inside(content)
            if found != checksum:
                raise DownloadError(f"{mirror}{name}.gz: expected SHA-256 {checksum}, got {found}")
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(folder / f"{name}.gz") as file:
                file.write(content)


def fetch(address: str) -> bytes:
    """The whole file at an address, with a progress bar.

    Raises:
        DownloadError: if there is none, or the connection breaks off.
    """
    content = bytearray()
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE) as answer:  # noqa: S310 (ours)
            size = answer.headers.get("Content-Length", "")
            expected = int(size) if size.isdigit() else None
            title = address.rpartition("/")[2]
            with tqdm(total=expected, unit="B", unit_scale=True, desc=title, disable=None) as bar:
                while len(content) <= _LARGEST and (piece := answer.read(1 << 16)):
                    content += piece
                    bar.update(len(piece))
    except (OSError, HTTPException, ValueError) as error:  # ValueError: it is no address
        raise DownloadError(f"{address}: {error}") from error
    if len(content) > _LARGEST:
        raise DownloadError(f"{address}: expected at most {_LARGEST:,} bytes, got more")
    if expected is not None and len(content) != expected:
        raise DownloadError(f"{address}: expected {expected:,} bytes, got {len(content):,}")
    return bytes(content)


def _checksum_inside(content: bytes) -> str:
    digest = hashlib.sha256()
    try:
        with GzipFile(fileobj=io.BytesIO(content)) as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except (OSError, EOFError, zlib.error) as error:
        return f"no gzip file ({error})"
    return digest.hexdigest()
