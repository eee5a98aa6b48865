"""Data to train on: IDX files, MNIST's format, and minibatches.

>>> X, Y = np.arange(10.0).reshape(5, 2), np.arange(5)
>>> [len(x) for x, y in minibatches(X, Y, 2, np.random.default_rng(0))]
[2, 2, 1]
"""

from __future__ import annotations

import gzip
import math
import os
import sys
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

# The third byte of an IDX file. Numbers of several bytes begin with the highest.
_TYPES: Final[dict[int, np.dtype[Any]]] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_MOST_DIMENSIONS: Final = 32  # NumPy 1 has no more
_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 1 << 20


class IDXError(ValueError):
    """A file that is no IDX file, or is damaged, or holds something else than it should."""


def read_idx(path: str | os.PathLike[str]) -> Array:
    """Read the array in an IDX file, gzipped or not.

    The format: two zero bytes, the type of the elements, the number of
    dimensions, the sizes (four bytes each), the elements; MNIST's page gives it.
    No more memory is taken than the file has content, whatever its header says.

    Arguments:
        path: the file. That it is gzipped is seen from its first two bytes.

    Returns:
        The array, in the machine's byte order.

    Raises:
        IDXError: if a field of the header is wrong, if there are fewer or more
            elements than it says, or if the gzip around it is damaged.
        OSError: if the file cannot be read.
    """
    name = os.fspath(path)
    with open(path, "rb") as file:
        zipped = file.read(2) == _GZIP
        file.seek(0)
        if not zipped:
            return _array(name, file)
        try:
            with gzip.open(file) as content:
                return _array(name, cast(IO[bytes], content))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise _wrong(name, "gzip", "a whole and undamaged file", str(error)) from error


def _array(name: str, file: IO[bytes]) -> Array:
    magic = _read(file, 4)
    if len(magic) < 4:
        raise _wrong(name, "magic number", "4 bytes", f"{len(magic)}")
    if magic[:2] != b"\0\0":
        raise _wrong(name, "first two bytes", "zeros", f"0x{magic[:2].hex()}")
    dtype, dimensions = _TYPES.get(magic[2]), magic[3]
    if dtype is None:
        known = ", ".join(f"0x{code:02x}" for code in _TYPES)
        raise _wrong(name, "element type", f"one of {known}", f"0x{magic[2]:02x}")
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise _wrong(name, "number of dimensions", f"1 to {_MOST_DIMENSIONS}", f"{dimensions}")
    header = _read(file, 4 * dimensions)
    if len(header) < 4 * dimensions:
        raise _wrong(name, "sizes", f"{4 * dimensions} bytes", f"{len(header)}")
    sizes = tuple(int(size) for size in np.frombuffer(header, ">u4"))
    # A size of 0 makes an empty array, but NumPy multiplies the other sizes even so.
    if math.prod(size or 1 for size in sizes) * dtype.itemsize > sys.maxsize:
        raise _wrong(name, "sizes", "an array that fits in memory", f"{sizes}")
    expected = math.prod(sizes) * dtype.itemsize
    elements = _read(file, expected + 1)
    if len(elements) != expected:
        got = "more" if len(elements) > expected else f"{len(elements)}"
        raise _wrong(name, f"elements for the sizes {sizes}", f"{expected} bytes", got)
    array = np.frombuffer(elements, dtype).reshape(sizes)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read(file: IO[bytes], most: int) -> bytearray:
    """What is left of the file, but not more than so many bytes, nor memory for more."""
    content = bytearray()
    while piece := file.read(min(_PIECE, most - len(content))):
        content += piece
    return content


def _wrong(name: str, field: str, expected: str, got: str) -> IDXError:
    return IDXError(f"{name}: {field}: expected {expected}, got {got}")


def read_digits(
    images: str | os.PathLike[str], labels: str | os.PathLike[str]
) -> tuple[Array, Array]:
    """Read images of digits and what they show, as MNIST has them.

    Arguments:
        images: an IDX file of unsigned bytes, (n, rows, columns).
        labels: an IDX file of n unsigned bytes, each from 0 to 9.

    Returns:
        The pixels from 0 to 1, float64 of shape (n, rows * columns), row by
        row; and the labels, integers of shape (n,).

    Raises:
        IDXError: if a file is damaged or of another kind, if there are more
            labels than images or fewer, or none, or a label above 9.
        OSError: if a file cannot be read.
    """
    pixels, digits = read_idx(images), read_idx(labels)
    for path, array, dimensions in ((images, pixels, 3), (labels, digits, 1)):
        name = os.fspath(path)
        if array.dtype != np.uint8:
            raise _wrong(name, "element type", "unsigned bytes, 0x08", str(array.dtype))
        if array.ndim != dimensions:
            raise _wrong(name, "number of dimensions", f"{dimensions}", f"{array.ndim}")
    if not pixels.size:
        raise _wrong(
            os.fspath(images), "sizes", "at least one image of one pixel", f"{pixels.shape}"
        )
    if len(digits) != len(pixels):
        n = f"{len(pixels)}, as many as there are images in {os.fspath(images)}"
        raise _wrong(os.fspath(labels), "number of labels", n, f"{len(digits)}")
    if digits.max() > 9:
        i = int((digits > 9).argmax())
        raise _wrong(os.fspath(labels), f"label {i}", "0 to 9", f"{digits[i]}")
    return pixels.reshape(len(pixels), -1) / 255.0, digits.astype(np.int64)


def _rows(where: str, what: str, given: ArrayLike) -> Array:
    try:
        return np.asarray(given)
    except ValueError:
        raise ValueError(f"{where}: expected rows of the same length as {what}") from None


def one_hot(labels: ArrayLike, classes: int) -> Array:
    """What the outputs should be: 1 for the right class, 0 for the others.

    Arguments:
        labels: n integers from 0 to classes - 1.
        classes: how many classes there are, at least 1.

    Returns:
        Zeros and ones, float64 of shape (n, classes).

    Raises:
        TypeError: if the labels are no integers.
        ValueError: if they are not one-dimensional, one is out of range, or
            there are no classes.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    given = _rows("one_hot", "labels", labels)
    if given.ndim != 1:
        raise ValueError(f"one_hot: expected labels of shape (n,), got {given.shape}")
    if given.size and given.dtype.kind not in "iu":
        raise TypeError(f"one_hot: expected integers as labels, got {given.dtype}")
    if not isinstance(classes, int | np.integer) or classes < 1:
        raise ValueError(f"one_hot: expected at least 1 as classes, got {classes!r}")
    wrong = (given < 0) | (given >= classes)
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(
            f"one_hot: expected labels from 0 to {classes - 1}, got {given[i]} as labels[{i}]"
        )
    ones: Array = given[:, None] == np.arange(classes)
    return ones.astype(np.float64)


def minibatches(
    X: ArrayLike,  # noqa: N803, as in the lessons
    Y: ArrayLike,  # noqa: N803
    size: int,
    rng: np.random.Generator,
) -> Iterator[tuple[Array, Array]]:
    """One epoch: the samples shuffled, and cut into minibatches; the last may be smaller.

    Arguments:
        X: the samples' inputs, n of them.
        Y: the samples' targets, n of them.
        size: how many samples a minibatch has, at least 1.
        rng: what shuffles; it is asked once, by this call.

    Returns:
        The minibatches, one after the other: of X and Y, the same samples.

    Raises:
        TypeError: if rng is no NumPy Generator.
        ValueError: if X and Y differ in length or have none, or size is below 1.
    """
    inputs, targets = _rows("minibatches", "X", X), _rows("minibatches", "Y", Y)
    if not inputs.ndim or not targets.ndim or len(inputs) != len(targets):
        raise ValueError(
            "minibatches: expected X and Y of the same length, "
            f"got the shapes {inputs.shape} and {targets.shape}"
        )
    if not len(inputs):
        raise ValueError("minibatches: expected at least one sample, got none")
    if not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"minibatches: expected at least 1 as size, got {size!r}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"minibatches: expected a numpy.random.Generator as rng, got {rng!r}")
    order = rng.permutation(len(inputs))
    # A generator of its own: this function is none, so that it raises at once.
    batches = (order[i : i + size] for i in range(0, len(order), size))
    return ((inputs[batch], targets[batch]) for batch in batches)
