"""The page's scripts, module by module, in Node where it is there."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from demos import chain_rule
from micrograd import Value
from micrograd.engine import topological_order
from tests.pages import labelled, near, network
from viz import page
from viz.mathtext import number
from viz.page import _SCRIPTS, script_of

WEB = Path(str(resources.files("viz").joinpath("web")))


def node(script: str, *given: Any) -> Any:
    """What a module says that gets these values and ends in `say(...)`."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no Node on this machine")
    text = (
        f"const given = {json.dumps(given)};\n"
        "const say = x => console.log(JSON.stringify(x, (_, y) =>\n"
        "  (typeof y === 'number' && !Number.isFinite(y) ? String(y) : y)));\n"
    )
    done = subprocess.run(
        [program, "--input-type=module", "-e", text + script.replace('"./', f'"{WEB.as_uri()}/')],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def parts(root: Value) -> tuple[str, Any]:
    """A page's table and choices as source, and its data."""
    html = page(root).html
    data = re.search(r'id="data">(.*?)</script>', html, re.DOTALL)
    script = re.search(r'"use strict";\n\{\n(.*?)\n// The graph\'s', html, re.DOTALL)
    assert data is not None
    assert script is not None
    return script[1], json.loads(data[1])


def graph(root: Value, then: str) -> Any:
    """What a module says that has `graph` and `course` of a root."""
    table, data = parts(root)
    imports = (
        'import { makeGraph } from "./graph.mjs";\n'
        'import { makeSteps, guesses } from "./steps.mjs";\n'
    )
    made = (
        "const graph = makeGraph(given[0], primitives, choices);\n"
        "const course = makeSteps(graph);\n"
    )
    return node(f"{imports}{table}\n{made}{then}", data)


def test_every_module_is_put_into_the_page_after_those_it_imports() -> None:
    seen: set[str] = set()
    names: list[str] = []
    for name in _SCRIPTS:
        text = (WEB / f"{name}.mjs").read_text(encoding="utf-8")
        for imported in re.findall(r'from "\./(\w+)\.mjs"', text):
            assert imported in seen, f"{name} imports {imported}"
        seen.add(name)
        script = script_of(text)
        assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
        names += re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", script, re.MULTILINE)
    assert len(names) == len(set(names))  # they share one scope
    assert seen == {path.stem for path in WEB.glob("*.mjs")} - {"guard"}


@pytest.mark.parametrize("name", _SCRIPTS)
def test_what_a_module_imports_is_exported(name: str) -> None:
    text = (WEB / f"{name}.mjs").read_text(encoding="utf-8")
    for listed, module in re.findall(r'import \{([^}]*)\} from "\./(\w+)\.mjs"', text):
        exported = (WEB / f"{module}.mjs").read_text(encoding="utf-8")
        for one in re.findall(r"\w+", listed):
            assert re.search(rf"^export .*\b{one}\b", exported, re.MULTILINE), (one, module)
            assert len(re.findall(rf"\b{one}\b", text)) > 1, f"{one} is not used"


def test_the_arithmetic_is_pythons() -> None:
    root = network()
    root.backward()
    order = topological_order(root)
    said = graph(
        root,
        "const values = graph.forward(graph.start);\n"
        "say([values, graph.backward(values).gradients]);",
    )
    for v, value, gradient in zip(order, *said, strict=True):
        assert near(float(value), v.data)
        assert v.kind == "constant" or near(float(gradient), v.grad)


def test_the_steps_go_forward_and_then_back() -> None:
    root = chain_rule.build().cost
    steps, known = graph(
        root,
        "const values = graph.forward(graph.start);\n"
        "const computed = { values, ...graph.backward(values) };\n"
        "say([course.steps, course.steps.map((_, i) => { const k = course.known(i, computed);\n"
        "  return [k.values.filter(x => x !== undefined).length, k.passed.size]; })]);",
    )
    phases = [step["phase"] for step in steps]
    assert phases == ["start", *["forward"] * 7, "seed", *["backward"] * 14, "done"]
    assert known[0] == [8, 0]
    assert known[7] == [15, 0]
    assert known[-1] == [15, 14]
    assert [passed for _, passed in known[9:-1]] == list(range(1, 15))


def test_a_nudge_is_what_happens_and_what_was_foretold() -> None:
    x = Value(3.0, "x")
    root = labelled("C", (x * x).tanh() * 0.5 + x)
    moved = graph(root, "say(graph.nudge(graph.forward(graph.start), 0, 0.25));")
    assert [one["node"] for one in moved] == [0, 1, 2, 4, 5]
    square = moved[1]
    assert near(square["after"], 3.25**2)
    assert near(square["foretold"], 6.0 * 0.25)
    assert near(moved[-1]["after"], 0.5 * math.tanh(3.25**2) + 3.25)


def test_the_slice_is_the_root_along_one_value() -> None:
    x = Value(3.0, "x")
    points = graph(labelled("C", x * x), "say(graph.slice([3, 9], 0, -1, 5, 7));")
    assert points == [[x, x * x] for x in range(-1, 6)]


def test_guesses_hold_the_product_and_are_in_order() -> None:
    said = node(
        'import { guesses } from "./steps.mjs";\nsay(given.map(([a, b]) => guesses(a, b)));',
        [0.48, -0.1526],
        [0.0, 2.0],
        [1.0, 1.0],
        [-2.0, 0.5],
    )
    for (a, b), guesses in zip(
        [(0.48, -0.1526), (0.0, 2.0), (1.0, 1.0), (-2.0, 0.5)], said, strict=True
    ):
        assert a * b in guesses
        assert guesses == sorted(guesses)
        assert 2 <= len(set(guesses)) == len(guesses) <= 4


def test_numbers_are_written_as_python_writes_them() -> None:
    numbers = [0.1 + 0.2, -0.0732345, 13002.0, 1e-7, 12.125, 12.375, 0.00012345, 2.5e-7, 999999.5]
    for digits in (3, 4):
        said = node(
            'import { number } from "./numbers.mjs";\nsay(given[0].map(x => number(x, given[1])));',
            numbers,
            digits,
        )
        assert said == [number(x, digits) for x in numbers]
