"""Parameters in a file: written whole or not at all, read whole or not at all.

An .npz with three arrays, and no pickle: a format's name; the labels, as JSON, in which any
string can be written and costs its own length; and the numbers. Files of the first format had
the labels as an array of strings, all of them as long as the longest; they are still read.

Whoever sends a file must not fill the memory of who reads it. So no more is read, or unpacked,
than the parameters that are to be read can take.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from micrograd.engine import Value
from micrograd.files import atomic_write
from micrograd.primitive import as_float

_FORMAT: Final = "micrograd-chain-rule parameters 2"
_FIRST_FORMAT: Final = "micrograd-chain-rule parameters 1"
_SPARE: Final = 2**20  # bytes of what is neither labels nor numbers: heads, lists, other arrays


class ParameterFileError(ValueError):
    """A file that does not hold the parameters of this network."""


def write_parameters(path: str | os.PathLike[str], parameters: Iterable[Value]) -> None:
    """Write the parameters' labels and numbers.

    Arguments:
        path: the file's name, used as it is.
        parameters: the parameters, in order.

    Raises:
        TypeError: if one is no Value, its label no string, or its number no real number.
        OverflowError: if a number is beyond floats.
        OSError: if it cannot be written.
        In each case a file that was there is kept.
    """
    values = _checked(parameters, "save")
    for i, p in enumerate(values):
        if not isinstance(p.label, str):
            raise TypeError(
                f"save: expected a string as label of parameter {i}, "
                f"got {type(p.label).__name__} {p.label!r}"
            )
    numbers = [
        as_float(p.data, f"save: the number of parameter {i}, {p.label!r}")
        for i, p in enumerate(values)
    ]
    with atomic_write(path) as file:
        np.savez(
            file,
            format=np.array(_FORMAT),
            labels=np.array(_json([p.label for p in values])),
            values=np.array(numbers, dtype=np.float64),
        )


def read_parameters(path: str | os.PathLike[str], parameters: Iterable[Value]) -> None:
    """Set the parameters to what `write_parameters` wrote.

    Arguments:
        path: the file.
        parameters: as many as were written, with the same labels.

    Raises:
        TypeError: if one is no Value.
        ParameterFileError: if the file is damaged, of another kind, of other parameters, or
            larger than a file of these can be; then none has changed.
        OSError: if it cannot be read.
    """
    values = _checked(parameters, "load")
    expected = [p.label for p in values]
    labels, numbers = _read(path, [str(label) for label in expected])
    if len(numbers) != len(values):
        raise ParameterFileError(
            f"load: {os.fspath(path)} holds {len(numbers)} parameters, "
            f"this network has {len(values)}"
        )
    for wanted, label in zip(expected, labels, strict=True):
        if wanted != label:
            raise ParameterFileError(
                f"load: {os.fspath(path)} is of another network: it has {label!r} "
                f"where this one has {wanted!r}"
            )
    for p, number in zip(values, numbers, strict=True):
        p.data = number


def _checked(parameters: Iterable[Value], function: str) -> list[Value]:
    values = list(parameters)  # they may come one by one
    for i, p in enumerate(values):
        if not isinstance(p, Value):
            raise TypeError(
                f"{function}: expected a Value as parameter {i}, got {type(p).__name__} {p!r}"
            )
    return values


def _json(labels: Sequence[str]) -> bytes:
    return json.dumps(labels).encode()


def _read(
    path: str | os.PathLike[str], expected: Sequence[str]
) -> tuple[Sequence[Any], list[float]]:
    """The labels and the numbers in a file; these labels say how large it can be."""

    def wrong(why: str) -> ParameterFileError:
        return ParameterFileError(f"load: {os.fspath(path)} {why}")

    longest = max(map(len, expected), default=0)
    most = _SPARE + len(expected) * (8 + 4 * longest) + len(_json(expected))
    with open(os.fspath(path), "rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise wrong(
            f"is larger than {most:,} bytes, and so than any file of this network's "
            f"{len(expected):,} parameters"
        )
    if raw.startswith(b"\x93NUMPY"):
        raise wrong("is a single array, not a file of parameters")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            missing = {"format", "labels", "values"} - {
                name.removesuffix(".npy") for name in archive.namelist()
            }
            if missing:
                raise wrong(f"lacks {', '.join(sorted(missing))}")
            found, labels, values = (
                _array(archive.getinfo(f"{name}.npy"), archive, most)
                for name in ("format", "labels", "values")
            )
        kind = str(found)
        if kind not in (_FORMAT, _FIRST_FORMAT):
            raise wrong(f"has the format {kind!r}, expected {_FORMAT!r}")
        given: Any = json.loads(labels.item()) if kind == _FORMAT else labels.tolist()
        numbers = values.dtype.newbyteorder("=") == np.float64 and values.ndim == 1
        if not (numbers and isinstance(given, list) and len(given) == len(values)):
            raise wrong("has arrays of another type or shape than `save` writes")
        return given, values.tolist()
    except ParameterFileError:
        raise
    except Exception as error:  # zipfile, zlib, json and numpy: each has errors of its own
        raise wrong(f"cannot be read as .npz: {error}") from error


def _array(entry: zipfile.ZipInfo, archive: zipfile.ZipFile, most: int) -> np.ndarray[Any, Any]:
    """An array, of no more than so many bytes; not even a wrong head makes it more."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{entry.filename} is packed in a way that NumPy does not use")
    if entry.file_size > most:
        raise ValueError(f"{entry.filename} unpacks to {entry.file_size:,} bytes")
    with archive.open(entry) as file:
        content = io.BytesIO(file.read(entry.file_size))
    version = np.lib.format.read_magic(content)
    if version != (1, 0):
        raise ValueError(f"{entry.filename} has a head of version {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(content)
    return np.frombuffer(content.read(), dtype).reshape(shape)
