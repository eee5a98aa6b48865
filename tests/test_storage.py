"""Files of parameters: whatever `save` writes `load` reads, and it reads no more than it needs."""

from __future__ import annotations

import io
import json
import math
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import Value, parameter, storage
from micrograd.nn import MLP, Module
from micrograd.storage import ParameterFileError


class Parts(Module):
    """A network that is nothing but its parameters."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def parameters(self) -> Any:
        """Them, one by one, as somebody may write it."""
        yield from self.parts


def labelled(*labels: Any) -> Parts:
    parts = [parameter(float(i)) for i in range(len(labels))]
    for p, label in zip(parts, labels, strict=True):
        p.label = label
    return Parts(*parts)


def numbers(net: Module) -> list[Any]:
    return [p.data for p in net.parameters()]


# Whatever is written is read again.

LABELS = [
    "",
    " w ",
    "w\0",
    "\0",
    "\ud800",
    "a\nb\u2028\r",
    '"\\,[]',
    "\N{GRINNING FACE}",
    "\U0010ffff",
    np.str_("w"),
    "x" * 20_000,
]


@given(st.lists(st.sampled_from(LABELS) | st.text(st.characters(codec=None)), max_size=6))
def test_any_labels_are_written_and_read_again(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "labels"
    labelled(*labels).save(path)
    other = labelled(*labels)
    for p in other.parameters():
        p.data = -1.0
    other.load(path)
    assert numbers(other) == [float(i) for i in range(len(labels))]


@pytest.mark.parametrize("label", LABELS)
def test_a_label_that_differs_is_another_network(tmp_path: Path, label: str) -> None:
    labelled("w", label).save(tmp_path / "x")
    other = labelled("w", label + "\0")
    with pytest.raises(ParameterFileError, match="another network: it has"):
        other.load(tmp_path / "x")


def test_one_long_label_costs_its_own_length(tmp_path: Path) -> None:
    net = labelled("x" * 20_000, *["w"] * 5_000)
    net.save(tmp_path / "x")
    assert (tmp_path / "x").stat().st_size < 20_000 + 5_000 * (8 + 6) + 2_000
    labelled("x" * 20_000, *["w"] * 5_000).load(tmp_path / "x")


NUMBERS = [
    (3, 3.0),
    (True, 1.0),
    (np.float32(0.1), 0.10000000149011612),
    (np.int64(-2), -2.0),
    (np.longdouble("0.1"), 0.1),
    (Fraction(1, 3), 1 / 3),
    (Decimal("0.1"), 0.1),
    (Decimal("-Infinity"), -math.inf),
    (np.array(0.25), 0.25),
    (math.inf, math.inf),
    (-0.0, -0.0),
    (5e-324, 5e-324),
]


@pytest.mark.parametrize(("data", "expected"), NUMBERS, ids=repr)
def test_any_real_number_is_written_as_a_float(tmp_path: Path, data: Any, expected: float) -> None:
    net = labelled("w", "b")
    net.parts[0].data = data
    net.save(tmp_path / "x")
    other = labelled("w", "b")
    other.load(tmp_path / "x")
    assert [type(x) for x in numbers(other)] == [float, float]
    assert math.copysign(1.0, numbers(other)[0]) == math.copysign(1.0, expected)
    assert numbers(other) == [expected, 1.0]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (None, TypeError),
        ("3", TypeError),
        (1j, TypeError),
        (np.complex64(1), TypeError),
        ([3.0], TypeError),
        (np.array([3.0]), TypeError),
        (np.array("3"), TypeError),
        (np.array(None), TypeError),
        (Value(3.0), TypeError),
        (Decimal("sNaN"), ValueError),
        (10**400, OverflowError),
        (-(10**5000), OverflowError),
        (Fraction(10**400), OverflowError),
        (Decimal("1e999"), OverflowError),
    ],
    ids=lambda x: str(type(x)),
)
def test_what_is_no_number_of_floats_is_not_written(
    tmp_path: Path, data: Any, error: type[Exception]
) -> None:
    path = tmp_path / "x"
    labelled("w", "b").save(path)
    before = path.read_bytes()
    net = labelled("w", "b")
    net.parts[1].data = data
    with pytest.raises(error, match=r"^save: the number of parameter 1, 'b'.*float|real number"):
        net.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.skipif(
    np.finfo(np.longdouble).max == np.finfo(np.float64).max, reason="here it is no longer"
)
def test_a_longer_number_that_is_beyond_floats_is_not_written(tmp_path: Path) -> None:
    net = labelled("w")
    net.parts[0].data = np.longdouble("1e4000")
    with pytest.raises(OverflowError, match="parameter 0, 'w': the longdouble is too large"):
        net.save(tmp_path / "x")


@pytest.mark.parametrize("label", [3, 0, None, b"w", ["w"], Value(1.0)], ids=repr)
def test_a_label_that_is_no_string_is_not_written(tmp_path: Path, label: Any) -> None:
    with pytest.raises(TypeError, match=r"^save: expected a string as label of parameter 1, got "):
        labelled("w", label).save(tmp_path / "x")
    assert os.listdir(tmp_path) == []
    labelled("w", "w").save(tmp_path / "x")
    with pytest.raises(ParameterFileError, match="another network"):
        labelled("w", label).load(tmp_path / "x")


@pytest.mark.parametrize("part", [1.0, None, "w", np.ones(2)], ids=repr)
def test_a_parameter_that_is_no_value_is_named(tmp_path: Path, part: Any) -> None:
    labelled("w", "b").save(tmp_path / "x")
    for what in "save", "load":
        net = Parts(Value(5.0, "w"), part)
        expected = f"^{what}: expected a Value as parameter 1, got {type(part).__name__}"
        with pytest.raises(TypeError, match=expected):
            getattr(net, what)(tmp_path / "x")
        assert net.parts[0].data == 5.0


# Files that were written before labels could have any length.


def old_file(path: Path, labels: list[str], values: Any, **options: Any) -> None:
    with zipfile.ZipFile(path, "w", **options) as archive:
        arrays = {"format": "micrograd-chain-rule parameters 1", "labels": labels, "values": values}
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, np.array(array, np.float64 if name == "values" else np.str_))
            archive.writestr(f"{name}.npy", content.getvalue())


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    "labels", [["w", "b"], ["", ""], ["\ud800", "ü"], ["x" * 20_000, "b"], []], ids=len
)
def test_old_files_are_read(tmp_path: Path, labels: list[str], compression: int) -> None:
    values = [0.1 + i for i in range(len(labels))]
    old_file(tmp_path / "old", labels, values, compression=compression)
    net = labelled(*labels)
    net.load(tmp_path / "old")
    assert numbers(net) == values


def test_an_old_file_of_other_labels_is_refused(tmp_path: Path) -> None:
    old_file(tmp_path / "old", ["w", "c" * 100], [1.0, 2.0])
    with pytest.raises(ParameterFileError, match=r"another network: it has 'c+' where .* has 'b'"):
        labelled("w", "b").load(tmp_path / "old")


def test_a_file_that_somebody_has_added_something_to_is_read(tmp_path: Path) -> None:
    net = labelled("w", "b")
    net.save(tmp_path / "x")
    with np.load(tmp_path / "x") as arrays:
        np.savez_compressed(tmp_path / "more.npz", learned=np.arange(1000), **arrays)
    other = labelled("w", "b")
    other.parts[1].data = 7.0
    other.load(tmp_path / "more.npz")
    assert numbers(other) == [0.0, 1.0]


# Files that are larger than they look. Whoever sends one must not fill the memory of who reads it.

_MB = 2**20


@pytest.fixture
def bounded() -> Iterator[None]:
    """See that a test takes little memory."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 8 * _MB
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The entries of a file of `labelled("w", "b")`."""
    path = tmp_path_factory.mktemp("good") / "x"
    labelled("w", "b").save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def npy(shape: tuple[int, ...], dtype: str) -> bytes:
    """The head of an array, without its elements."""
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        content, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return content.getvalue()


def inflated(path: Path, entries: dict[str, bytes], name: str, start: bytes, kind: int) -> None:
    """A file whose entry of that name begins so and has 32 megabytes of zeros behind it."""
    with zipfile.ZipFile(path, "w", kind) as archive:
        for other, content in entries.items():
            if other != name:
                archive.writestr(other, content)
        with archive.open(name, "w") as entry:
            entry.write(start)
            for _ in range(32):
                entry.write(bytes(_MB))


HEADS = {
    "values": npy((4 * _MB,), "<f8"),
    "labels": npy((), f"|S{32 * _MB}"),
    "format": npy((), f"<U{8 * _MB}"),
    "lying": npy((2,), "<f8"),
    "long head": b"\x93NUMPY\x02\x00" + struct.pack("<I", 32 * _MB),
    "nothing": b"",
}


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("head", HEADS)
def test_a_small_file_does_not_unpack_to_a_large_one(
    tmp_path: Path, good: dict[str, bytes], head: str, kind: int, bounded: None
) -> None:
    name = f"{head}.npy" if f"{head}.npy" in good else "values.npy"
    inflated(tmp_path / "x", good, name, HEADS[head], kind)
    assert (tmp_path / "x").stat().st_size < _MB
    tracemalloc.reset_peak()
    refused(tmp_path / "x")


def refused(path: Path, says: str = "") -> None:
    net = labelled("w", "b")
    with pytest.raises(ParameterFileError, match=f"^load: .*{says}"):
        net.load(path)
    assert numbers(net) == [0.0, 1.0]


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_nor_one_that_says_that_it_is_small(
    tmp_path: Path, good: dict[str, bytes], kind: int, bounded: None
) -> None:
    inflated(tmp_path / "x", good, "values.npy", good["values.npy"], kind)
    true, said = (struct.pack("<I", n + len(good["values.npy"])) for n in (32 * _MB, 0))
    raw = (tmp_path / "x").read_bytes()
    assert true in raw
    (tmp_path / "x").write_bytes(raw.replace(true, said))
    tracemalloc.reset_peak()
    refused(tmp_path / "x")


@pytest.mark.parametrize(
    ("entry", "content"),
    [
        ("values", npy((10**15,), "<f8")),
        ("values", npy((2, 10**15), "|V0")),
        ("values", npy((-1,), "<f8")),
        ("values", npy((2,), "<f8") + bytes(15)),
        ("values", npy((2,), "<f8") + bytes(17)),
        ("values", npy((2,), "|O") + bytes(16)),
        ("values", npy((2,), "[('x', '|O')]") + bytes(16)),
        ("values", b"\x93NUMPY\x09\x00" + npy((2,), "<f8")[8:] + bytes(16)),
        ("labels", npy((), "|S4") + b"[[[["),
        ("labels", npy((), "|S100000") + b"[" * 100_000),
        ("labels", npy((), "|S2") + b"17"),
        ("labels", npy((), "|S8") + b'{"w": 1}'),
        ("labels", npy((), "|S16") + b'{"w": 1, "b": 2}'),
        ("labels", npy((), "|S4") + b'"wb"'),
        ("labels", npy((), "|S9") + b'["w", "b"'),
        ("labels", npy((), "|S9") + b'["w", 17]'),
        ("labels", npy((), "|S5") + b'["w"]'),
        ("labels", npy((), "|S15") + b'["w", "b", "c"]'),
        ("labels", npy((), "|S10") + b'["w", "\xff"]'),
        ("labels", npy((2,), "<U1") + "wb".encode("utf-32-le")),
        ("labels", npy((2,), "<U1") + b"\xff" * 8),
        ("format", npy((2,), "<U1") + bytes(8)),
        ("format", npy((), "<U1") + b"\xff" * 4),
    ],
)
def test_heads_that_are_wrong_are_refused(
    tmp_path: Path, good: dict[str, bytes], entry: str, content: bytes, bounded: None
) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        for name, right in good.items():
            archive.writestr(name, content if name == f"{entry}.npy" else right)
    refused(tmp_path / "x")


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def hollow(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"PK")
        file.truncate(2**36)  # takes no room on the disk


def with_a_long_list(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(5_000):
            archive.writestr(f"{i:0500}", b"")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="here is no such device")
@pytest.mark.parametrize("make", [endless, hollow, with_a_long_list])
def test_a_file_that_is_larger_than_the_network_needs_is_not_read(
    tmp_path: Path, make: Callable[[Path], None], bounded: None
) -> None:
    make(tmp_path / "x")
    tracemalloc.reset_peak()
    refused(tmp_path / "x", r"is larger than [0-9,]+ bytes, .* network's 2 parameters")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="here are no named pipes")
def test_parameters_go_through_a_pipe(tmp_path: Path) -> None:
    import threading

    os.mkfifo(tmp_path / "pipe")
    net, other = labelled("w", "b"), labelled("w", "b")
    net.parts[0].data = 7.0
    writer = threading.Thread(target=net.save, args=[tmp_path / "pipe"], daemon=True)
    writer.start()
    other.load(tmp_path / "pipe")
    writer.join()
    assert numbers(other) == [7.0, 1.0]


def test_a_large_network_is_written_and_read(tmp_path: Path) -> None:
    net, other = MLP(300, [200, 10]), MLP(300, [200, 10])
    net.save(tmp_path / "x")
    assert (tmp_path / "x").stat().st_size > _MB
    other.load(tmp_path / "x")
    assert numbers(net) == numbers(other)
    with pytest.raises(ParameterFileError, match="is larger than"):
        MLP(2, [3, 1]).load(tmp_path / "x")


@pytest.mark.parametrize(
    ("labels", "old"),
    [([""] * 5_000, False), (["\N{GRINNING FACE}" * 5_000], False), (["w" * 1_000] * 100, True)],
    ids=["many", "long", "old"],
)
def test_a_file_of_this_network_is_never_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels: list[str], old: bool
) -> None:
    monkeypatch.setattr(storage, "_SPARE", 2_000)  # about what the lists of an .npz take
    net = labelled(*labels)
    if old:
        old_file(tmp_path / "x", labels, numbers(net))
    else:
        net.save(tmp_path / "x")
    net.load(tmp_path / "x")


def test_numbers_of_a_machine_that_writes_them_backwards_are_read(tmp_path: Path) -> None:
    net = labelled("w", "b")
    net.save(tmp_path / "x")
    with np.load(tmp_path / "x") as arrays:
        swapped = dict(arrays) | {"values": np.array([1.5, 2.5], ">f8")}
    np.savez(tmp_path / "swapped.npz", **swapped)
    net.load(tmp_path / "swapped.npz")
    assert numbers(net) == [1.5, 2.5]


def test_the_labels_can_be_read_with_numpy_and_json(tmp_path: Path) -> None:
    labelled("w", "\ud800\0").save(tmp_path / "x")
    with np.load(tmp_path / "x", allow_pickle=False) as arrays:
        assert json.loads(arrays["labels"].item()) == ["w", "\ud800\0"]
