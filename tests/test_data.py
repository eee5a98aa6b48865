"""IDX files, whole and damaged; labels; minibatches."""

from __future__ import annotations

import gzip
import math
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from micrograd.data import IDXError, minibatches, one_hot, read_digits, read_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
TYPES = sorted(CODES)


def idx(array: np.ndarray) -> bytes:
    """An array as the bytes of an IDX file."""
    code = CODES[array.dtype.str[1:]]
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return (
        bytes([0, 0, code, array.ndim])
        + sizes
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A name for files that are written over and over."""
    return tmp_path_factory.mktemp("idx") / "x-idx"


ANY_ARRAY = st.sampled_from(TYPES).flatmap(
    lambda kind: arrays.arrays(
        np.dtype(kind), arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)
    )
)


def written(path: Path, content: bytes, zipped: bool = False) -> Path:
    path.write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    return path


def test_the_smallest_file_is_as_the_format_says(file: Path) -> None:
    content = bytes.fromhex("0000 0b 02  00000001 00000002  0102 ff00")
    array = read_idx(written(file, content))
    assert array.tolist() == [[0x0102, -256]]
    assert array.dtype == np.int16
    assert idx(array) == content


@given(array=ANY_ARRAY, zipped=st.booleans())
def test_every_array_comes_back_as_it_was(file: Path, array: np.ndarray, zipped: bool) -> None:
    back = read_idx(written(file, idx(array), zipped))
    assert (back.shape, back.dtype) == (array.shape, array.dtype)
    assert back.dtype.isnative
    assert back.tobytes() == array.tobytes()  # of NaNs too
    assert back.flags.writeable


@given(array=ANY_ARRAY, data=st.data())
def test_what_is_cut_off_is_missed(file: Path, array: np.ndarray, data: st.DataObject) -> None:
    content = idx(array)
    cut = data.draw(st.integers(0, len(content) - 1))
    for zipped in (False, True):
        with pytest.raises(IDXError, match=r"expected .* got"):
            read_idx(written(file, content[:cut], zipped))
    packed = gzip.compress(content)
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(IDXError):
        read_idx(written(file, packed[:cut]))


@given(array=ANY_ARRAY, more=st.binary(min_size=1, max_size=9), zipped=st.booleans())
def test_what_is_too_much_is_refused(
    file: Path, array: np.ndarray, more: bytes, zipped: bool
) -> None:
    with pytest.raises(IDXError, match=r"elements .*: expected \d+ bytes, got more"):
        read_idx(written(file, idx(array) + more, zipped))


@given(array=ANY_ARRAY, data=st.data(), zipped=st.booleans())
def test_a_changed_header_is_refused_or_says_something_else(
    file: Path, array: np.ndarray, data: st.DataObject, zipped: bool
) -> None:
    """Never another exception, and never an array that is not what the file says."""
    content = bytearray(idx(array))
    bit = data.draw(st.integers(0, 8 * (4 + 4 * array.ndim) - 1))
    content[bit // 8] ^= 1 << bit % 8
    try:
        read = read_idx(written(file, bytes(content), zipped))
    except IDXError as error:
        assert str(file) in str(error)  # noqa: PT017, for both ways out are right
    else:
        # Unsigned bytes may be read as signed ones, and no rows of 5 as no rows of 7.
        assert idx(read) == content


@given(content=st.binary(max_size=60))
def test_no_file_at_all_raises_anything_else(file: Path, content: bytes) -> None:
    for first in (b"", b"\0\0\x08", b"\x1f\x8b", gzip.compress(b"\0\0\x08\x01")[:-8]):
        try:
            array = read_idx(written(file, first + content))
        except IDXError:
            pass
        else:
            assert idx(array) == first + content


@given(data=st.data())
def test_a_damaged_gzip_is_seen(file: Path, data: st.DataObject) -> None:
    array = np.arange(200, dtype=np.uint8)
    packed = bytearray(gzip.compress(idx(array)))
    bit = data.draw(st.integers(8 * 10, 8 * len(packed) - 1))  # behind gzip's own header
    packed[bit // 8] ^= 1 << bit % 8
    try:
        read = read_idx(written(file, bytes(packed)))
    except IDXError as error:
        assert str(file) in str(error)  # noqa: PT017, for both ways out are right
    else:
        assert bit < 8 * (len(packed) - 8)
        assert np.array_equal(read, array)  # the bit was one that means nothing


@pytest.mark.parametrize("byte", range(-8, 0))
def test_the_checksum_and_the_length_of_a_gzip_count(file: Path, byte: int) -> None:
    packed = bytearray(gzip.compress(idx(np.arange(200, dtype=np.uint8))))
    packed[byte] ^= 1
    with pytest.raises(IDXError, match="gzip: expected a whole and undamaged file, got "):
        read_idx(written(file, bytes(packed)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "magic number: expected 4 bytes, got 0"),
        ("0000 08", "magic number: expected 4 bytes, got 3"),
        ("0100 0801 00000001 07", "first two bytes: expected zeros, got 0x0100"),
        ("504b 0304 00000000", "first two bytes: expected zeros, got 0x504b"),
        (
            "0000 0a01 00000001 07",
            "element type: expected one of 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e, got 0x0a",
        ),
        ("0000 0800 07", "number of dimensions: expected 1 to 32, got 0"),
        ("0000 08ff 07", "number of dimensions: expected 1 to 32, got 255"),
        ("0000 0803 00000001 0000", "sizes: expected 12 bytes, got 6"),
        ("0000 0801 00000003 0708", r"elements for the sizes \(3,\): expected 3 bytes, got 2"),
        ("0000 0801 00000001 0708", r"elements for the sizes \(1,\): expected 1 bytes, got more"),
        ("0000 0803 00000000 ffffffff ffffffff", "sizes: expected an array that fits in memory"),
        ("1f8b 0800", "gzip: expected a whole and undamaged file, got Compressed file ended"),
    ],
)
def test_an_error_names_the_file_and_the_field(file: Path, content: str, says: str) -> None:
    with pytest.raises(IDXError, match=says) as caught:
        read_idx(written(file, bytes.fromhex(content)))
    assert str(caught.value).startswith(f"{file}: ")


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("sizes", [(2**32 - 1,), (60000, 2**14, 2**14), (2**32 - 1, 2**31 - 1)])
def test_a_header_alone_takes_no_memory(file: Path, sizes: tuple[int, ...], zipped: bool) -> None:
    header = bytes([0, 0, 0x08, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)
    path = written(file, header + bytes(1000), zipped)
    tracemalloc.start()
    try:
        with pytest.raises(IDXError, match=f"expected {math.prod(sizes)} bytes, got 1000"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_a_bomb_is_unpacked_no_further_than_its_header_says(file: Path) -> None:
    content = bytes.fromhex("0000 0801 00000010") + bytes(100_000_000)
    path = written(file, content, zipped=True)
    tracemalloc.start()
    try:
        with pytest.raises(IDXError, match="expected 16 bytes, got more"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")
    with pytest.raises(OSError, match=r"directory|denied"):
        read_idx(tmp_path)


IMAGES = np.array([[[0, 51], [255, 0], [0, 0]], [[1, 2], [3, 4], [5, 6]]], dtype=np.uint8)
LABELS = np.array([9, 0], dtype=np.uint8)


def digits(folder: Path, images: bytes, labels: bytes) -> tuple[np.ndarray, np.ndarray]:
    return read_digits(written(folder / "images", images, True), written(folder / "labels", labels))


def test_digits_are_rows_of_pixels_from_0_to_1(tmp_path: Path) -> None:
    X, labels = digits(tmp_path, idx(IMAGES), idx(LABELS))
    assert X.dtype == np.float64
    assert X[0].tolist() == [0.0, 0.2, 1.0, 0.0, 0.0, 0.0]
    assert X.shape == (2, 6)
    assert labels.tolist() == [9, 0]
    assert one_hot(labels, 10).argmax(axis=1).tolist() == [9, 0]


@pytest.mark.parametrize(
    ("images", "labels", "where", "says"),
    [
        (IMAGES, [1, 2, 3], "labels", r"labels: expected 2, as many as .*images, got 3"),
        (IMAGES, [1], "labels", "number of labels: expected 2, .* got 1"),
        (IMAGES, [1, 10], "labels", "label 1: expected 0 to 9, got 10"),
        (IMAGES, IMAGES, "labels", "number of dimensions: expected 1, got 3"),
        (LABELS, LABELS, "images", "number of dimensions: expected 3, got 1"),
        (IMAGES.astype("i1"), LABELS, "images", "expected unsigned bytes, 0x08, got int8"),
        (IMAGES, LABELS.astype("i4"), "labels", "expected unsigned bytes, 0x08, got int32"),
        (IMAGES[:0], LABELS[:0], "images", "expected at least one image of one pixel, got "),
        (IMAGES[:, :0], LABELS, "images", "expected at least one image of one pixel, got "),
    ],
)
def test_images_and_labels_must_belong_together(
    tmp_path: Path, images: Any, labels: Any, where: str, says: str
) -> None:
    if isinstance(labels, list):
        labels = np.array(labels, dtype=np.uint8)
    with pytest.raises(IDXError, match=says) as caught:
        digits(tmp_path, idx(images), idx(labels))
    assert str(caught.value).startswith(str(tmp_path / where))


@given(bit=st.integers(0, 8 * 16 - 1))
def test_digits_with_any_changed_header_are_refused(
    tmp_path_factory: pytest.TempPathFactory, bit: int
) -> None:
    content = bytearray(idx(IMAGES))
    content[bit // 8] ^= 1 << bit % 8
    folder = tmp_path_factory.getbasetemp()
    with pytest.raises(IDXError):
        digits(folder, bytes(content), idx(LABELS))


@pytest.mark.parametrize(
    ("labels", "classes", "error", "says"),
    [
        ([0, 3], 3, ValueError, r"expected labels from 0 to 2, got 3 as labels\[1\]"),
        ([-1], 3, ValueError, r"expected labels from 0 to 2, got -1 as labels\[0\]"),
        ([[1]], 3, ValueError, r"expected labels of shape \(n,\), got \(1, 1\)"),
        ([[1], [2, 3]], 4, ValueError, "expected rows of the same length as labels"),
        ([1.0], 3, TypeError, "expected integers as labels, got float64"),
        ([1], 0, ValueError, "expected at least 1 as classes, got 0"),
        ([1], 2.5, ValueError, "expected at least 1 as classes, got 2.5"),
    ],
)
def test_labels_that_cannot_be_are_refused(
    labels: Any, classes: int, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=f"one_hot: {says}"):
        one_hot(labels, classes)


def test_no_labels_are_no_rows() -> None:
    assert one_hot([], 3).shape == (0, 3)


@given(n=st.integers(1, 50), size=st.integers(1, 60), seed=st.integers(0, 9))
def test_an_epoch_has_every_sample_once_with_its_target(n: int, size: int, seed: int) -> None:
    X, Y = np.arange(2 * n).reshape(n, 2), np.arange(n)
    batches = list(minibatches(X, Y, size, np.random.default_rng(seed)))
    assert [len(x) for x, _ in batches[:-1]] == [size] * (math.ceil(n / size) - 1)
    assert 1 <= len(batches[-1][0]) <= size
    seen = np.concatenate([y for _, y in batches])
    assert sorted(seen.tolist()) == Y.tolist()
    assert np.array_equal(np.concatenate([x for x, _ in batches]), X[seen])
    again = minibatches(X.tolist(), Y.tolist(), size, np.random.default_rng(seed))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(batches, again, strict=True))


def test_every_epoch_has_another_order() -> None:
    rng = np.random.default_rng(0)
    first, second = (
        [y.tolist() for _, y in minibatches(range(100), range(100), 10, rng)] for _ in range(2)
    )
    assert first != second
    assert first != [list(range(i, i + 10)) for i in range(0, 100, 10)]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda rng: minibatches([1, 2], [1], 1, rng), ValueError, "of the same length"),
        (lambda rng: minibatches(1, [1], 1, rng), ValueError, r"the shapes \(\) and \(1,\)"),
        (lambda rng: minibatches([], [], 1, rng), ValueError, "at least one sample, got none"),
        (lambda rng: minibatches([[1], [2, 3]], [1, 2], 1, rng), ValueError, "same length as X"),
        (lambda rng: minibatches([1, 2], [[1], [2, 3]], 1, rng), ValueError, "same length as Y"),
        (lambda rng: minibatches([1], [1], 0, rng), ValueError, "at least 1 as size, got 0"),
        (lambda rng: minibatches([1], [1], 2.5, rng), ValueError, "at least 1 as size, got 2.5"),
        (lambda rng: minibatches([1], [1], 1, 7), TypeError, "Generator as rng, got 7"),
    ],
)
def test_minibatches_that_cannot_be_are_refused_by_the_call(
    call: Callable[[Any], Any], error: type[Exception], says: str
) -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    with pytest.raises(error, match=f"minibatches: expected .*{says}"):
        call(rng)  # not only at the first minibatch
    assert rng.bit_generator.state == before
