"""Checkpoints: all that training needs to go on as if it had never stopped."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from micrograd.files import atomic_write
from micrograd.optim import SGD

_FORMAT = "micrograd-chain-rule checkpoint 1"


class CheckpointError(ValueError):
    """A file that is no checkpoint, or one of another training."""


def write_checkpoint(
    path: Path,
    settings: Mapping[str, Any],
    descent: SGD,
    rng: np.random.Generator,
    history: list[list[float]],
) -> None:
    """Write the parameters, the optimiser's memory, the random numbers' state and the history.

    Arguments:
        path: the file, an .npz; written whole or not at all.
        settings: what makes this training another than others.
        descent: the optimiser, of an array of parameters.
        rng: the source of random numbers.
        history: a row of numbers for each epoch so far.

    Raises:
        OSError: if it cannot be written; what was there is kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"optimiser {name}": array for name, array in descent.state().items()}
    with atomic_write(path) as file:
        np.savez(
            file,
            format=_FORMAT,
            settings=json.dumps(settings),
            random=json.dumps(rng.bit_generator.state),
            parameters=descent.parameters,
            history=np.array(history),
            **arrays,
        )


def read_checkpoint(
    path: Path, settings: Mapping[str, Any], descent: SGD, rng: np.random.Generator
) -> list[list[float]]:
    """Put the parameters, the optimiser and the random numbers where they were.

    Arguments:
        path: the file.
        settings: those of this training, which must be those of the checkpoint.
        descent: the optimiser, of an array of as many parameters.
        rng: the source of random numbers.

    Returns:
        The history.

    Raises:
        CheckpointError: if the file is damaged, no checkpoint, or one of
            another training; then nothing has changed.
        OSError: if it cannot be read.
    """
    content = path.read_bytes()
    try:
        if not content.startswith(b"PK"):  # else NumPy would suspect a pickle
            raise ValueError("no .npz file")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = dict(file)
        if str(arrays["format"]) != _FORMAT:
            raise ValueError(f"its format is {arrays['format']}")
        theirs, state = (dict(json.loads(str(arrays[name]))) for name in ("settings", "random"))
        parameters, history = arrays["parameters"], arrays["history"]
    except Exception as error:  # zipfile, zlib, json and numpy: each has errors of its own
        raise CheckpointError(f"{path}: expected a checkpoint of this demo: {error}") from error
    for name in {**theirs, **settings}:
        if theirs.get(name) != settings.get(name):
            raise CheckpointError(
                f"{path}: is of a training with {name} {theirs.get(name)}, "
                f"this one has {settings.get(name)}"
            )
    start = "optimiser "
    memory = {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}
    before = rng.bit_generator.state
    try:
        ours = descent.parameters
        if (parameters.shape, parameters.dtype) != (ours.shape, ours.dtype):
            raise ValueError(f"it has {parameters.size} parameters of {parameters.dtype}")
        if history.ndim != 2 or history.dtype != np.float64:
            raise ValueError(f"its history is {history.dtype} of shape {history.shape}")
        rng.bit_generator.state = state
        descent.load_state(memory)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        rng.bit_generator.state = before
        raise CheckpointError(f"{path}: does not fit this network: {error}") from error
    ours[...] = parameters
    rows: list[list[float]] = history.tolist()
    return rows
