"""A program as JAX source: a pure function of the parameters and the inputs.

It is printed as NumPy source is; only what JAX writes in another way is here. An
operation of the table is a function of its own, whose derivative is the table's: so at
kinks JAX's `grad`, `jvp` and `hessian` give what the engine gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from micrograd import ops
from micrograd.generate import closed, share_formula
from micrograd.primitive import Primitive
from micrograd.program.as_numpy import Printer
from micrograd.program.form import Form, Step
from micrograd.program.functions import function_source, numpy_name
from micrograd.program.tables import Tables
from micrograd.program.text import Functions, Text, number
from micrograd.symbols import Expression, Symbol

_EXACT: Final = {ops.add, ops.sub, ops.mul, ops.neg}  # JAX derives them as the table does


class JaxFunctions(Functions):
    """The operations that the source defines, each with its derivative."""

    module = "jnp"

    def __init__(self, dtype: str, taken: Iterable[str]) -> None:
        super().__init__(dtype, taken)
        self.derived: list[Primitive] = []

    def name(self, row: Primitive) -> str:
        """What the source calls a primitive: a function of its own in any case."""
        if row in (ops.step, ops.equal, *_EXACT):  # piecewise constant: their derivative is 0
            return super().name(row)
        if row not in self._names:
            self._names[row] = self._free(row)
            self.derived.append(row)
        return self._names[row]

    def call(self, row: Primitive, parts: Sequence[Any]) -> Text:
        """Source that applies a primitive; a number among its arguments is none of them."""
        if row in _EXACT:
            return super().call(row, parts)
        listed = [
            f"[{', '.join(map(self._typed, p))}]" if isinstance(p, list) else self._typed(p)
            for p in parts
        ]
        return Text(f"{self.name(row)}({', '.join(listed)})")

    def sources(self) -> list[str]:
        """Source of all functions."""
        done: dict[Primitive, list[str]] = {}
        while rest := [row for row in self._names if row not in done]:
            done |= {row: self._function(row) for row in rest}  # which may need others
        return [text for texts in done.values() for text in texts]

    def _function(self, row: Primitive) -> list[str]:
        name = self._names[row]
        source = self._forward(row, name)
        if row not in self.derived:
            return [source]
        names = [f"x{i}" for i in range(len(row.arguments))]
        return [f"@jax.custom_jvp\n{source}", self._rule(row, name, names)]

    def _forward(self, row: Primitive, name: str) -> str:
        if row is ops.pow:
            return f"def {name}(x, y):\n    return jnp.power(x, y)"
        if row.fold is not None:
            return self._loop(row, name)
        known = numpy_name(row.arrays)
        if known is not None:
            given = ", ".join(row.arguments)
            return f"def {name}({given}):\n    return j{known}({given})"
        source = function_source(row, name, "jnp")
        if "micrograd." in source:
            raise NotImplementedError(
                f"Program.to_jax: {row.code_name}: its array form is not in a Python file, or "
                "needs more than NumPy and numbers; it still runs with NumPy"
            )
        return source

    def _rule(self, row: Primitive, name: str, names: list[str]) -> str:
        """How changes of the arguments change the result: the table's, each its share."""
        lines, given = [], {n: Text(n) for n in ("z", "g", *names)}
        for i, star in enumerate(row.starred):
            if closed(row)[i]:
                continue
            own = [
                Symbol(f"x{j}_") if s and star else None if s else Symbol(f"x{j}")
                for j, s in enumerate(row.starred)
            ]
            with np.errstate(all="ignore"):
                formula = _safe(share_formula(row, i, Symbol("g"), Symbol("z"), own))
            texts = given | {f"x{j}_": Text(f"x{j}[k]") for j in range(len(names))}
            texts["g"] = Text(f"dx{i}[k]" if star else f"dx{i}")
            share = self.formula(formula, texts)
            share = share if isinstance(share, Text) else number(share)
            tab = "    "
            if star:
                lines.append(f"{tab}for k in range(len(x{i})):")
                tab += "    "
            lines.append(f"{tab}if moves(dx{i}{'[k]' * star}):")
            lines.append(f"{tab}    dz = dz + {share:2}")
        changes = ", ".join(f"d{n}" for n in names)
        comma = "," * (len(names) == 1)
        head = [
            f"def {name}_moves(arguments, changes):",
            f"    {', '.join(names)}{comma} = arguments",
            f"    {changes}{comma} = changes",
            f"    z, dz = {name}(*arguments), 0.0",
        ]
        last = f"\n\n{name}.defjvp({name}_moves, symbolic_zeros=True)"
        return "\n".join([*head, *lines, "    return z, dz + jnp.zeros_like(z)", last])


def _safe(share: Any, chosen: Callable[[Any, float], Any] = lambda slope, other: slope) -> Any:
    """A share whose slopes are plain numbers where they are not chosen.

    Backwards JAX multiplies 0 by the slope there, which would be nan if that is infinite.

    Arguments:
        share: a formula in g.
        chosen: of a slope and a number: the one where the share is chosen, else the other.
    """
    if not isinstance(share, Expression) or share.op is None:
        return share
    if share.op is ops.where:
        c, one, other = share.arguments
        return ops.where(
            c,
            _safe(one, lambda slope, x: chosen(ops.where(c, slope, x), x)),
            _safe(other, lambda slope, x: chosen(ops.where(c, x, slope), x)),
        )
    if share.op in (ops.mul, ops.div):
        g, slope = share.arguments
        return share.op(g, chosen(slope, 0.0 if share.op is ops.mul else 1.0))
    return share


class JaxPrinter(Printer):
    """Prints one program in JAX: nothing is written in place."""

    module = "jnp"

    def stop(self, step: Step) -> Text:
        """What JAX derives as a constant."""
        return Text(f"jax.lax.stop_gradient({super().stop(step)})")

    def sum(self, step: Step) -> Text:
        """Along axes, or over the samples."""
        text, of = self.texts[step.operands[0]], self.step(step.operands[0])
        if of.batched and not step.batched and not step.data:
            return Text(f"{text:4}.sum(axis=0)")
        return super().sum(step)

    def _segments(self, step: Step, ufunc: str) -> Text:
        text, of = self.texts[step.operands[0]], self.step(step.operands[0])
        table = self.tables.name("I", np.repeat(np.arange(len(step.data)), step.data))
        shape = f"({text:4}.shape[0], {len(step.data)})" if of.batched else f"{len(step.data)}"
        change, start = ("add", "0.0") if ufunc == "add" else ("max", "-jnp.inf")
        new = f"jnp.full({shape}, {start}, jnp.{self.dtype})"
        return Text(f"{new}.at[..., {table}].{change}({text})")


def jax_source(form: Form, arguments: Sequence[str], singles: Sequence[str], dtype: str) -> str:
    """The source of a function `cost`.

    Arguments:
        form: the program.
        arguments: what the function is given.
        singles: those that are single Values: they have no axis but that of the samples.
        dtype: "float64" or "float32".

    Raises:
        NotImplementedError: if an operation has no form in JAX.
    """
    functions, tables = JaxFunctions(dtype, arguments), Tables("jnp")
    lines = JaxPrinter(form, functions, tables, dtype).listed().lines
    body = [
        f"{x} = jnp.asarray({x}, jnp.{dtype}){'[:, None]' * (x in singles)}" for x in arguments
    ] + lines
    moves = "def moves(change):\n    return not isinstance(change, SymbolicZero)"
    head = "import jax\nimport jax.numpy as jnp\nimport numpy as np\n"
    head += "from jax.custom_derivatives import SymbolicZero"
    main = "\n".join([f"def cost({', '.join(arguments)}):", *(f"    {line}" for line in body)])
    parts = [head, moves, *functions.sources(), tables.source(), main]
    return "\n\n\n".join(part for part in parts if part) + "\n"


def function(source: str, dtype: str) -> Any:
    """The function of a source.

    Raises:
        ImportError: if JAX is not installed.
        RuntimeError: if it is set to compute in float32 only.
    """
    try:
        import jax
    except ImportError as error:
        raise ImportError(
            'Program.to_jax: expected JAX to be installed: pip install "micrograd-chain-rule[jax]"'
        ) from error
    if dtype == "float64" and not jax.config.values["jax_enable_x64"]:
        raise RuntimeError(
            "Program.to_jax: the program computes in float64, and JAX in float32: call "
            'jax.config.update("jax_enable_x64", True) first, or vectorize with dtype="float32"'
        )
    namespace: dict[str, Any] = {}
    exec(compile(source, "<program for JAX>", "exec"), namespace)
    return namespace["cost"]
