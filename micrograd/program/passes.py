"""Passes: from a program to a program that computes the same."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np

from micrograd import ops
from micrograd.program.form import Form, Step, symbols_in
from micrograd.program.naming import Names
from micrograd.symbols import Expression, Symbol

_LONGEST: Final = 84  # of a line into which others are written, about
_GIVEN: Final = {"parameters", "input"}
_NUMBERS: Final = {"samples", "constant"}
# About so many letters are written for an operation, its operands aside.
_LETTERS: Final = {
    "map": 0,
    "stop": 0,
    "product": 7,
    "gather": 19,
    "broadcast": 24,
    "sum": 20,
    "scatter": 99,
}
_OTHERS: Final = 14


def live(form: Form) -> Form:
    """Without the steps that nothing reads; what is given stays."""
    wanted = set(form.results)
    for x in range(len(form.steps) - 1, -1, -1):
        if x in wanted or form.steps[x].op in _GIVEN:
            wanted.add(x)
            wanted.update(form.steps[x].operands)
    number = {x: i for i, x in enumerate(sorted(wanted))}
    steps = [
        replace(form.steps[x], operands=tuple(number[o] for o in form.steps[x].operands))
        for x in number
    ]
    return Form(steps, tuple(number[x] for x in form.results))


def inlined(form: Form, names: Names) -> Form:
    """In readable lines: what is read once has no name where the line that reads it stays short.

    A name is taken from a step that has none of its own written into it; one that has
    no name, but is read more than once or makes a line too long, gets one.
    """
    times = [reads(step) for step in form.steps]
    uses = [0] * len(form.steps)
    for counts in times:
        for x, count in counts.items():
            uses[x] += count
    for x in form.results:
        uses[x] += 1
    steps = list(form.steps)
    width = [0] * len(steps)  # of what is written for a step where it is read
    full = [False] * len(steps)  # whether a line is written into it already

    def named(x: int) -> None:
        if not steps[x].label:
            base = steps[steps[x].operands[0]].label if steps[x].op in ("view", "gather") else ""
            name = names.unique(f"{base}_1") if base else names.numbered("V")
            steps[x] = replace(steps[x], label=name)
            width[x] = len(name)

    for x, step in enumerate(steps):
        own = _width(step, width, times[x])
        for o in step.operands if step.op != "scatter" else ():
            other = steps[o]
            if other.op in _NUMBERS | _GIVEN:
                continue
            whole = _width(other, width, times[o])
            once = uses[o] == 1 and other.op != "scatter" and not _is_parameter_view(other, steps)
            short = own - width[o] + whole <= _LONGEST
            if other.label and once and short and not full[o]:
                steps[o] = replace(other, label="")
                own += whole - width[o]
                width[o], full[x] = whole, True
            elif not other.label and not short and whole > len("V1_1"):
                named(o)
                own = _width(step, width, times[x])
        width[x] = len(step.label) if step.label else own
        if uses[x] > 1 and step.op not in _NUMBERS:
            named(x)
    for x in form.results:
        single = steps[x].op not in {"scatter", *_GIVEN} and uses[x] == 1 and not full[x]
        if single and _width(steps[x], width, times[x]) <= _LONGEST:
            steps[x] = replace(steps[x], label="")
    return Form(steps, form.results)


def reads(step: Step) -> dict[int, int]:
    """How often a step's operands are written where it is: a formula may name one twice."""
    if step.op != "map":
        return {x: step.operands.count(x) for x in step.operands}
    counts = symbols_in(step.data)
    return {x: counts.get(f"x{i}", 1) for i, x in enumerate(step.operands)}


def firsts(step: Step) -> tuple[list[bool], bool]:
    """Of a scatter: which operands come to places where none was before; and if they fill it all.

    An operand that meets another one at some of its places only is none of the first.
    """
    filled, first, partly = np.zeros(math.prod(step.shape), bool), [], False
    for index in step.data:
        some = bool(filled[index].any())
        partly |= some and not filled[index].all()
        first.append(not some)
        filled[index] = True
    return first, bool(filled.all()) and not partly


def _is_parameter_view(step: Step, steps: list[Step]) -> bool:
    return step.op == "view" and steps[step.operands[0]].op == "parameters"


def _width(step: Step, width: list[int], times: dict[int, int]) -> int:
    """About how many letters a step is without its name."""
    if step.op in _GIVEN:
        return len(step.label)
    if step.op == "constant" and not step.shape:
        return len(f"{step.data:g}")
    own = _letters(step.data) if step.op == "map" else _LETTERS.get(step.op, _OTHERS)
    return own + sum(count * width[x] for x, count in times.items())


def _letters(formula: Any) -> int:
    if isinstance(formula, Symbol):
        return 0
    if not isinstance(formula, Expression):
        return len(f"{formula:g}")
    assert formula.op is not None
    parts = formula.op.flatten(formula.arguments)
    infix = formula.op in (ops.add, ops.sub, ops.mul, ops.div)
    return 3 + sum(map(_letters, parts)) + (0 if infix else len(formula.op.name) + 2)
