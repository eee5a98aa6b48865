"""Parameters in a file: written whole or not at all, read whole or not at all.

An .npz with three arrays, and no pickle: a format's name, the labels and the
numbers.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from micrograd.engine import Value
from micrograd.files import atomic_write

_FORMAT: Final = "micrograd-chain-rule parameters 1"


class ParameterFileError(ValueError):
    """A file that does not hold the parameters of this network."""


def write_parameters(path: str | os.PathLike[str], parameters: Sequence[Value]) -> None:
    """Write the parameters' labels and numbers.

    Arguments:
        path: the file's name, used as it is.
        parameters: the parameters, in order.

    Raises:
        OSError: if it cannot be written; a file that was there is kept.
    """
    with atomic_write(path) as file:
        np.savez(
            file,
            format=np.array(_FORMAT),
            labels=np.array([p.label for p in parameters], dtype=np.str_),
            values=np.array([p.data for p in parameters], dtype=np.float64),
        )


def read_parameters(path: str | os.PathLike[str], parameters: Sequence[Value]) -> None:
    """Set the parameters to what `write_parameters` wrote.

    Arguments:
        path: the file.
        parameters: as many as were written, with the same labels.

    Raises:
        ParameterFileError: if the file is damaged, of another kind, or of
            other parameters; then none has changed.
        OSError: if it cannot be read.
    """
    labels, values = _read(path)
    if len(values) != len(parameters):
        raise ParameterFileError(
            f"load: {os.fspath(path)} holds {len(values)} parameters, "
            f"this network has {len(parameters)}"
        )
    for p, label in zip(parameters, labels, strict=True):
        if p.label != label:
            raise ParameterFileError(
                f"load: {os.fspath(path)} is of another network: it has {label!r} "
                f"where this one has {p.label!r}"
            )
    for p, number in zip(parameters, values, strict=True):
        p.data = number


def _read(path: str | os.PathLike[str]) -> tuple[list[str], list[float]]:
    def wrong(why: str) -> ParameterFileError:
        return ParameterFileError(f"load: {os.fspath(path)} {why}")

    raw = Path(path).read_bytes()
    if not raw.startswith((b"PK", b"\x93NUMPY")):  # else NumPy would suspect a pickle
        raise wrong("is no .npz file")
    try:
        arrays = np.load(io.BytesIO(raw), allow_pickle=False)
        if isinstance(arrays, np.ndarray):
            raise wrong("is a single array, not a file of parameters")
        missing = {"format", "labels", "values"} - set(arrays)
        if missing:
            raise wrong(f"lacks {', '.join(sorted(missing))}")
        found, labels, values = (arrays[name] for name in ("format", "labels", "values"))
        if not all(isinstance(a, np.ndarray) for a in (found, labels, values)):
            raise wrong("has entries that are no arrays")
    except ParameterFileError:
        raise
    except Exception as error:  # zipfile, zlib, struct and numpy: each has errors of its own
        raise wrong(f"cannot be read as .npz: {error}") from error
    if found.shape != () or str(found) != _FORMAT:
        raise wrong(f"has the format {str(found)!r}, expected {_FORMAT!r}")
    if values.dtype != np.float64 or values.ndim != 1 or labels.shape != values.shape:
        raise wrong("has arrays of another type or shape than `save` writes")
    return [str(label) for label in labels], values.tolist()
