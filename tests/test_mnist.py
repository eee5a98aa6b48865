"""The demo on handwritten digits: where they come from, training, checkpoints, pictures.

The real images are used where there are some: in the folder that the
environment variable MNIST names, or in ../shared/mnist beside the project.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demos import mnist
from demos.digits import source
from demos.digits.checkpoint import CheckpointError, read_checkpoint, write_checkpoint
from demos.digits.drawn import draw_digits
from demos.digits.wishes import contested, wishes
from micrograd import Value, grad
from micrograd.data import IDXError, one_hot
from micrograd.optim import SGD

TOP = Path(__file__).parent.parent
PATIENCE = 300  # seconds, after which what does not happen is a failure; no test needs them
REAL = Path(os.environ.get("MNIST") or TOP.parent / "shared" / "mnist")
real = pytest.mark.skipif(not REAL.is_dir(), reason=f"there are no MNIST files in {REAL}")


def idx(array: np.ndarray) -> bytes:
    """An array of unsigned bytes as an IDX file."""
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


@pytest.fixture(scope="session")
def drawn() -> tuple[Any, Any]:
    """Some digits that are drawn here, in bytes."""
    X, labels = draw_digits(400, seed=1)
    return np.round(255 * X).reshape(-1, 28, 28), labels


@pytest.fixture(scope="session")
def files(drawn: tuple[Any, Any]) -> dict[str, bytes]:
    """Four small files under MNIST's names, gzipped."""
    X, labels = drawn
    made = {}
    for kind, part in (("train", slice(300)), ("t10k", slice(300, 400))):
        made[f"{kind}-images-idx3-ubyte"] = idx(X[part])
        made[f"{kind}-labels-idx1-ubyte"] = idx(labels[part])
    return {name: gzip.compress(content) for name, content in made.items()}


@pytest.fixture
def folder(tmp_path: Path, files: dict[str, bytes]) -> Path:
    """A folder with the four files."""
    made = tmp_path / "data"
    made.mkdir()
    for name, content in files.items():
        (made / f"{name}.gz").write_bytes(content)
    return made


def names(path: Path) -> list[str]:
    return sorted(p.name for p in path.iterdir()) if path.exists() else []


# A mirror on this machine, and its faults.


class Mirror(ThreadingHTTPServer):
    """A server of files, each sent as `faults` says; `asked` lists what it was asked for."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.faults, self.asked = files, dict[str, str](), list[str]()
        self.half_sent, self.go_on = threading.Event(), threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that have gone."""


class Handler(BaseHTTPRequestHandler):
    """Sends a file, or makes a mess of it."""

    server: Mirror

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer as `faults` says."""
        name = self.path.removeprefix("/").removesuffix(".gz")
        self.server.asked.append(name)
        fault = self.server.faults.get(name, "")
        content = self.server.files[name]
        if fault == "missing":
            self.send_error(404)
            return
        if fault == "another file":
            content = gzip.compress(b"something else")
        elif fault == "a page":
            content = b"<html>Please log in</html>" * 100
        elif fault == "a bit":
            content = content[:100] + bytes([content[100] ^ 1]) + content[101:]
        self.send_response(200)
        if fault != "truncated, without a length":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not fault or fault in ("another file", "a page", "a bit"):
            self.wfile.write(content)
            return
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        self.server.half_sent.set()
        if fault == "stalled":
            self.server.go_on.wait(PATIENCE)
        elif fault == "dropped":  # with a reset, not an orderly end
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.shutdown(socket.SHUT_RD)
        self.close_connection = True


FAULTS = {
    "missing": "HTTP Error 404: Not Found",
    "another file": "expected SHA-256 .*, got [0-9a-f]{64}$",
    "a page": "expected SHA-256 .*, got no gzip file",
    "a bit": "expected SHA-256 .*, got ",
    "truncated": "expected [0-9,]+ bytes, got [0-9,]+$|IncompleteRead",
    "truncated, without a length": "expected SHA-256 .*, got no gzip file",
    "dropped": "expected [0-9,]+ bytes, got|reset|IncompleteRead",
    "stalled": "timed out",
}


@pytest.fixture
def mirror(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror of the small files, whose checksums the demo then expects."""
    sums = {name: hashlib.sha256(gzip.decompress(files[name])).hexdigest() for name in source.FILES}
    monkeypatch.setattr(source, "FILES", sums)
    monkeypatch.setenv("no_proxy", "*")
    with Mirror(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.go_on.set()
        server.shutdown()
        thread.join()


def test_a_download_brings_all_four_files_once(
    mirror: Mirror, files: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "mnist"
    source.download(folder, mirror.address)
    assert names(folder) == sorted(f"{name}.gz" for name in files)
    for name, content in files.items():
        assert (folder / f"{name}.gz").read_bytes() == content
    assert sorted(mirror.asked) == sorted(files)
    source.download(folder, mirror.address)
    assert len(mirror.asked) == 4
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    source.download(folder, mirror.address)
    assert mirror.asked[4:] == ["train-labels-idx1-ubyte"]


@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_nothing_is_left_that_is_not_whole(
    mirror: Mirror,
    files: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    # Of the file that never comes whole; for the others we can wait, as long as it takes.
    stalls = chain([PATIENCE, 0.3 if fault == "stalled" else PATIENCE], repeat(PATIENCE))
    right = urllib.request.urlopen
    monkeypatch.setattr(
        urllib.request, "urlopen", lambda address, timeout: right(address, timeout=next(stalls))
    )
    folder = tmp_path / "mnist"
    mirror.faults["train-labels-idx1-ubyte"] = fault  # the second of the four
    address = re.escape(f"{mirror.address}train-labels-idx1-ubyte.gz")
    with pytest.raises(source.DownloadError, match=f"^{address}: .*({FAULTS[fault]})"):
        source.download(folder, mirror.address)
    whole = "t10k-labels-idx1-ubyte"
    assert names(folder) == [f"{whole}.gz"]
    assert (folder / f"{whole}.gz").read_bytes() == files[whole]
    mirror.faults.clear()
    source.download(folder, mirror.address)  # and where it stopped it goes on
    assert names(folder) == sorted(f"{name}.gz" for name in files)
    assert len(mirror.asked) == 5


def test_a_file_without_an_end_is_not_read_to_the_end(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "_LARGEST", 10)
    with pytest.raises(source.DownloadError, match="expected at most 10 bytes, got more"):
        source.download(tmp_path / "mnist", mirror.address)
    assert names(tmp_path) == []


def test_nobody_there_is_a_download_error(tmp_path: Path, unreachable: str) -> None:
    with pytest.raises(source.DownloadError, match="refused"):
        source.download(tmp_path / "mnist", unreachable)
    assert names(tmp_path) == []


@pytest.mark.parametrize("address", ["no address", "http://[bad/", "http://host:port/"])
def test_what_is_no_address_is_a_download_error(tmp_path: Path, address: str) -> None:
    with pytest.raises(source.DownloadError, match=f"^{re.escape(address)}"):
        source.download(tmp_path / "mnist", address)
    assert names(tmp_path) == []


posix = pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")


@contextmanager
def started(command: list[str], **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A program that Ctrl-C stops, even where the tests ignore it; it ends with the block."""
    # Of what is handled here, the default holds there; what is ignored is inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command,
            cwd=TOP,
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            process.kill()


def interrupted(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, and return what is printed on stderr then."""
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=PATIENCE)
    return stderr


@posix
def test_ctrl_c_during_a_download_leaves_nothing(mirror: Mirror, tmp_path: Path) -> None:
    mirror.faults["t10k-labels-idx1-ubyte"] = "stalled"
    code = (
        "import sys; from demos import mnist; from demos.digits import source\n"
        f"mnist.find = lambda data: source.find(data, {mirror.address!r})\n"
        f"mnist.main(['--out', {str(tmp_path / 'out')!r}])"
    )
    with started([sys.executable, "-c", code], XDG_CACHE_HOME=str(tmp_path)) as process:
        assert mirror.half_sent.wait(PATIENCE)
        said = interrupted(process)
    assert said.strip() == "interrupted; there is no checkpoint yet"
    assert process.returncode == 1
    assert names(tmp_path / "micrograd-chain-rule") == names(tmp_path / "out") == []


# Which digits are taken.


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a mirror that is not there."""
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def test_without_a_network_digits_are_drawn_and_it_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    unreachable: str,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(source, "draw_digits", lambda n, seed: draw_digits(20, seed))
    digits = source.find(None, unreachable)
    assert (digits.X.shape, digits.X_held.shape) == ((17, 784), (3, 784))
    assert digits.name == "drawn digits"
    printed = capsys.readouterr().out
    assert f"MNIST could not be downloaded: {unreachable}t10k-labels-idx1-ubyte.gz: " in printed
    assert "NOT handwritten" in printed
    assert names(tmp_path) == []


def test_the_cache_comes_before_the_network(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unreachable: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = source.find(None, mirror.address)
    assert names(tmp_path / "micrograd-chain-rule" / "mnist") == sorted(
        f"{n}.gz" for n in source.FILES
    )
    again = source.find(None, unreachable)
    assert np.array_equal(first.X, again.X)
    assert first.name == again.name == str(tmp_path / "micrograd-chain-rule" / "mnist")


def test_a_folder_with_both_sets_holds_out_the_second(folder: Path, drawn: tuple[Any, Any]) -> None:
    X, labels = drawn
    for path in folder.glob("train-*"):  # gzipped or not
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    digits = source.load(folder)
    assert np.array_equal(digits.X, X[:300].reshape(300, -1) / 255)
    assert np.array_equal(digits.labels, labels[:300])
    assert np.array_equal(digits.X_held, X[300:].reshape(100, -1) / 255)
    assert np.array_equal(digits.labels_held, labels[300:])


def test_one_set_is_split_always_the_same_way(folder: Path) -> None:
    for path in folder.glob("train-*"):
        path.unlink()
    digits, again = source.load(folder), source.load(folder)
    assert (len(digits.X), len(digits.X_held)) == (85, 15)
    assert np.array_equal(digits.X_held, again.X_held)
    X, labels = source.read_digits(*sorted(folder.iterdir()))
    both = np.concatenate([digits.X, digits.X_held])
    assert sorted(map(bytes, both)) == sorted(map(bytes, X))
    of = {bytes(x): y for x, y in zip(X, labels, strict=True)}
    assert [of[bytes(x)] for x in digits.X_held] == digits.labels_held.tolist()


def test_a_folder_that_is_wrong_is_named(folder: Path, tmp_path: Path) -> None:
    def says(path: Path, what: str, error: type[Exception] = source.DigitsError) -> None:
        with pytest.raises(error, match=f"^{re.escape(str(path))}.*: {what}"):
            source.load(path)

    says(tmp_path / "none", "expected a folder with MNIST's files, there is none")
    says(
        tmp_path,
        "expected t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, train-images-idx3-ubyte, ",
    )
    (folder / "t10k-labels-idx1-ubyte.gz").rename(tmp_path / "labels")
    says(folder, r"lacks t10k-labels-idx1-ubyte \(or t10k-labels-idx1-ubyte.gz\)")
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(101)))
    says(folder, "number of labels: expected 100, as many as .*, got 101", IDXError)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"<html>")
    says(folder, "first two bytes: expected zeros, got 0x3c68", IDXError)
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(1)))
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(np.zeros((1, 8, 8))))
    says(folder, "expected images of 28 times 28 = 784 pixels, got 64")
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(np.zeros((1, 28, 28))))
    for path in folder.glob("train-*"):
        path.unlink()
    says(folder, "expected at least 2 images, one of them to hold out, got 1")


def test_drawn_digits_can_be_told_apart() -> None:
    X, labels = draw_digits(1000, seed=0)
    assert X.shape == (1000, 784)
    assert (X.min(), X.max()) == (0.0, 1.0)
    assert set(labels) == set(range(10))
    assert np.array_equal(X[:5], draw_digits(1000, seed=0)[0][:5])
    assert not np.array_equal(X, draw_digits(1000, seed=1)[0])
    # By the nearest of the ten mean images already, most of the time.
    means = np.array([X[:500][labels[:500] == d].mean(axis=0) for d in range(10)])
    nearest = ((X[500:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == labels[500:]).mean() > 0.6
    assert len({x.tobytes() for x in X}) == 1000


# Training.


def demo(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "demos.mnist", *arguments]


def test_the_demo_learns_writes_its_pictures_and_hands_the_numbers_back(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = []
    monkeypatch.setattr(
        mnist, "record", lambda rng, record=mnist.record: made.append(record(rng)) or made[0]
    )
    out = tmp_path / "out"
    mnist.main(["--data", str(folder), "--out", str(out), "--epochs", "120", "--batch", "20"])
    printed = capsys.readouterr().out
    found = re.search(r"held out: ([0-9.]+)% right, (\d+) of 100 images wrong", printed)
    assert found is not None
    assert float(found[1]) > 60.0
    assert int(found[2]) == 100 - float(found[1])
    for name in ("curves", "first_layer", "wishes"):
        assert (out / f"mnist_{name}.png").read_bytes().startswith(b"\x89PNG")
    graph = (out / "mnist_wishes_graph.svg").read_text()
    assert len(re.findall(r"<title>n\d+</title>", graph)) == 20  # the legend aside
    # What is explained is in the picture.
    explained = re.search(r"^∂C/∂w\S* .*\n.*\n.*\n += (\S+)$", printed, re.MULTILINE)
    assert explained is not None
    assert re.search(rf">\s*{re.escape(explained[1])}\s*</text>", graph)
    assert re.search(r"C = e_\d \+ e_\d;", printed)
    (learner,) = made
    net = learner.net
    assert [p.data for p in net.parameters()] == learner.cost.parameters.tolist()
    fresh = mnist.record(np.random.default_rng(5)).net
    fresh.load(out / "mnist.npz")
    assert [p.data for p in fresh.parameters()] == learner.cost.parameters.tolist()
    # The Values compute what the array operations compute.
    digits = source.load(folder)
    outputs = [a.data for a in net(digits.X_held[0])]
    assert outputs == pytest.approx(learner.outputs(digits.X_held[:1])[0], rel=1e-12)
    cost = mnist.judge(learner, digits)[0]
    by_values = [
        wishes(net, x, int(label)).cost.data
        for x, label in zip(digits.X_held[:20], digits.labels_held[:20], strict=True)
    ]
    targets = one_hot(digits.labels_held[:20], 10)
    assert learner.cost(digits.X_held[:20], targets) == pytest.approx(by_values, rel=1e-12)
    assert cost == learner.cost(digits.X_held, one_hot(digits.labels_held, 10)).mean()


def arrays(path: Path) -> dict[str, bytes]:
    """A checkpoint's content, to be compared bit by bit."""
    with np.load(path) as file:
        return {
            name: (array.dtype.str, array.shape, array.tobytes()) for name, array in file.items()
        }


@pytest.fixture
def trained(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the demo with some options, in this process and without pictures; its checkpoint."""
    monkeypatch.setattr(mnist, "report", lambda *_: None)

    def train(out: str, *options: str) -> Path:
        mnist.main(["--data", str(folder), "--out", str(tmp_path / out), *options])
        return tmp_path / out / "mnist_checkpoint.npz"

    return train


def test_a_resumed_run_has_the_numbers_of_an_uninterrupted_one(
    trained: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    straight = arrays(trained("straight", "--epochs", "5"))
    path = trained("resumed", "--epochs", "2")
    first = arrays(path)
    changed = {"parameters", "random", "history", "optimiser velocity"}
    assert first.keys() == straight.keys() == changed | {"format", "settings"}
    assert all(first[name] != straight[name] for name in changed)
    trained("resumed", "--epochs", "5", "--resume")
    assert arrays(path) == straight
    assert capsys.readouterr().out == f"going on after epoch 2, from {path}\n"
    trained("resumed", "--epochs", "5", "--resume")  # nothing is left to do
    assert arrays(path) == straight


def test_what_is_not_restored_makes_another_run(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail."""
    straight = arrays(trained("straight", "--epochs", "3"))
    path = trained("resumed", "--epochs", "2")

    def forgetful(path: Path, settings: Any, descent: SGD, rng: np.random.Generator) -> Any:
        return read_checkpoint(path, settings, descent, np.random.default_rng(0))

    monkeypatch.setattr(mnist, "read_checkpoint", forgetful)
    trained("resumed", "--epochs", "3", "--resume")
    assert arrays(path)["parameters"] != straight["parameters"]


@pytest.mark.parametrize("step", [1, 3, 4, 10])
def test_ctrl_c_keeps_the_last_checkpoint(
    trained: Any, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    straight = arrays(trained("straight", "--epochs", "4"))
    steps = []

    class Interrupted(SGD):
        def step(self, gradient: Any = None) -> None:
            steps.append(1)
            super().step(gradient)
            if len(steps) == step:
                raise KeyboardInterrupt

    monkeypatch.setattr(mnist, "SGD", Interrupted)
    with pytest.raises(SystemExit) as caught:
        trained("resumed", "--epochs", "4")
    monkeypatch.setattr(mnist, "SGD", SGD)
    epochs = (step - 1) // 3  # 300 images are three minibatches
    if not epochs:
        assert str(caught.value) == "\ninterrupted; there is no checkpoint yet"
        return
    assert f"interrupted; epoch {epochs} is in " in str(caught.value)
    assert arrays(trained("resumed", "--epochs", "4", "--resume")) == straight


@posix
def test_a_real_ctrl_c_does_so_too(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = demo("--data", str(folder), "--out", str(out))
    path = out / "mnist_checkpoint.npz"
    with started([*command, "--epochs", "1000000"]) as process:
        while not path.exists() and process.poll() is None:
            time.sleep(0.05)
        said = interrupted(process)
    assert process.returncode == 1
    found = re.search(
        rf"^interrupted; epoch (\d+) is in {re.escape(str(path))}", said, re.MULTILINE
    )
    assert found is not None, said
    with np.load(path) as file:
        epochs = len(file["history"])
    assert epochs - int(found[1]) in (0, 1)  # 1: between writing it and noting that it is written
    assert names(out) == [path.name]
    for options in (["--resume", "--out", str(out)], ["--out", str(tmp_path / "straight")]):
        subprocess.run(
            [*command, *options, "--epochs", str(epochs + 2)],
            cwd=TOP,
            check=True,
            capture_output=True,
        )
    assert arrays(path) == arrays(tmp_path / "straight" / path.name)


def test_a_checkpoint_of_something_else_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    settings = {"seed": 1, "lr": 3.0}
    rng = np.random.default_rng(1)
    descent = SGD(np.arange(3.0), lr=1.0, momentum=0.5)
    path = tmp_path / "checkpoint.npz"
    write_checkpoint(path, settings, descent, rng, [[1.0, 2.0, 0.5]])
    good = path.read_bytes()

    def refused(what: str, into: SGD, settings: dict[str, Any] = settings) -> None:
        rng = np.random.default_rng(2)
        before = into.parameters.copy(), into.state(), rng.bit_generator.state
        with pytest.raises(CheckpointError, match=f"^{re.escape(str(path))}: {what}"):
            read_checkpoint(path, settings, into, rng)
        assert np.array_equal(into.parameters, before[0])
        assert all(np.array_equal(a, into.state()[name]) for name, a in before[1].items())
        assert rng.bit_generator.state == before[2]

    def other(n: int = 3) -> SGD:
        return SGD(np.full(n, 7.0), lr=1.0)

    refused("is of a training with lr 3.0, this one has 1.0", other(), {"seed": 1, "lr": 1.0})
    refused("is of a training with seed 1, this one has None", other(), {"lr": 3.0})
    refused("is of a training with batch None, this one has 5", other(), settings | {"batch": 5})
    refused("does not fit this network: it has 3 parameters", other(4))
    for bad in (b"", b"PK", b"PK\x03\x04" + bytes(100), good[:-50], good[:300], b"<html>"):
        path.write_bytes(bad)
        refused("expected a checkpoint of this demo: ", other())
    changed = bytearray(good)
    changed[good.index(np.arange(3.0).tobytes())] ^= 1
    path.write_bytes(bytes(changed))
    refused("expected a checkpoint of this demo: ", other())
    with path.open("wb") as file:
        np.savez(file, format="another")
    refused("expected a checkpoint of this demo: its format is another", other())
    with np.load(io.BytesIO(good)) as file:
        whole = dict(file)
    state = rng.bit_generator.state
    too_large = state | {"state": {"state": 2**130, "inc": 1}}
    for name, value, what in (
        ("parameters", np.array(["a", "b", "c"]), "does not fit this network: it has 3"),
        ("parameters", np.ones(3, complex), "does not fit this network: .*of complex128"),
        ("history", np.array(1.0), "does not fit this network: its history is"),
        ("history", np.array([["a"]]), "does not fit this network: its history is <U1"),
        ("settings", "[]", "is of a training with seed None, this one has 1"),
        ("settings", "3", "expected a checkpoint of this demo: "),
        ("random", json.dumps(too_large), "does not fit this network: "),
        ("random", "[3]", "expected a checkpoint of this demo: "),
    ):
        with path.open("wb") as file:
            np.savez(file, **(whole | {name: value}))
        refused(what, other())
    path.write_bytes(good)
    fits = other()
    assert read_checkpoint(path, settings, fits, np.random.default_rng(2)) == [[1.0, 2.0, 0.5]]
    assert fits.parameters.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--data", "no/such/folder"], "demos.mnist: no/such/folder: expected a folder with MNIST"),
        (["--data", "."], "demos.mnist: .: expected t10k-images-idx3-ubyte, "),
        (["--epochs", "0"], "--epochs: expected a number above 0, got 0"),
        (["--batch", "2.5"], "--batch: invalid number value: '2.5'"),
        (["--lr", "nan"], "--lr: expected a number above 0, got nan"),
    ],
)
def test_a_command_line_that_cannot_be_is_refused(
    options: list[str],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        mnist.main(options)
    assert says in f"{caught.value}{capsys.readouterr().err}"
    assert names(tmp_path) == []


def test_to_resume_what_never_began_is_refused(
    trained: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        trained("new", "--resume")
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert re.search(r"there is no \S+mnist_checkpoint\.npz; run once without --resume first", said)


# The wishes.


@pytest.fixture(scope="module")
def learner() -> mnist.Learner:
    """The network before training."""
    return mnist.record(np.random.default_rng(3))


def test_wishes_are_what_the_lesson_says(learner: mnist.Learner, drawn: tuple[Any, Any]) -> None:
    x = drawn[0][0].ravel() / 255
    w = wishes(learner.net, x, 7)
    y = one_hot([7], 10)[0]
    assert w.by_a == pytest.approx(2 * (y - w.a), rel=1e-14)
    last = learner.net.layers[-1].neurons
    for j in range(10):
        for k in range(16):
            by_hand = -last[j].w[k].data * w.a[j] * (1 - w.a[j]) * 2 * (w.a[j] - y[j])
            assert w.by_output[j, k] == pytest.approx(by_hand, rel=1e-12)
    # Adding up what all outputs want is back-propagation.
    assert w.by_output.sum(axis=0) == pytest.approx(w.total, rel=1e-10)
    assert w.guess == int(learner.outputs(x[None])[0].argmax())


@pytest.mark.parametrize("label", [0, 4, 9])
def test_the_graph_to_draw_has_the_networks_numbers(
    learner: mnist.Learner, drawn: tuple[Any, Any], label: int
) -> None:
    w = wishes(learner.net, drawn[0][1].ravel() / 255, label)
    cost, brightest = contested(learner.net, w)
    terms = cost.parents
    right, rival = (term.parents[0] for term in terms)
    others = np.delete(w.a, label)
    assert (right.data, rival.data) == pytest.approx((w.a[label], others.max()), rel=1e-12)
    pair = [label, int(np.flatnonzero(w.a == others.max())[0])]
    assert [t.label for t in terms] == [f"e_{j}" for j in pair]
    cost.backward()
    before: tuple[Value, ...] = right.parents[0].arguments[1]
    strongest = np.abs(w.by_output[pair]).sum(axis=0).argsort()[-3:]
    assert [v.label for v in before] == [f"a_{{{k}}}^{{(2)}}" for k in sorted(strongest)]
    for v, k in zip(before, sorted(strongest), strict=True):
        assert -v.grad == pytest.approx(w.by_output[pair, k].sum(), rel=1e-10)
    assert f"a_{{{brightest}}}^{{(2)}}" == max(before, key=lambda v: v.data).label
    # By a weight of these outputs the derivative is that of the whole cost.
    weight = learner.net.layers[-1].neurons[label].w[brightest]
    assert grad(cost, weight).data == pytest.approx(grad(w.cost, weight).data, rel=1e-12)
    assert grad(w.cost, weight).data != 0.0


# The real images.


@real
def test_the_checksums_are_those_of_the_real_files() -> None:
    found = [p for p in REAL.iterdir() if p.name.removesuffix(".gz") in source.FILES]
    assert found
    for path in found:
        content = path.read_bytes()
        if path.suffix != ".gz":
            content = gzip.compress(content)
        assert source._checksum_inside(content) == source.FILES[path.name.removesuffix(".gz")]


@pytest.mark.slow
@real
def test_the_real_images_are_learnt_to_92_percent_within_a_minute(tmp_path: Path) -> None:
    before = os.times().children_user
    done = subprocess.run(
        demo("--data", str(REAL), "--out", str(tmp_path)),
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    # Of a processor, which is nobody else's then.
    seconds = os.times().children_user - before
    assert done.returncode == 0, done.stderr
    found = re.search(r"held out: ([0-9.]+)% right", done.stdout)
    assert found is not None
    assert float(found[1]) >= 92.0
    assert seconds < 60.0
