"""A real browser for the tests of the page; and a plain word where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
Boxes = list[tuple[str | None, str | None]]
# In continuous integration a missing browser is a failure.
NEEDED = "MICROGRAD_NEED_BROWSER"
PATIENCE = 60  # seconds, after which what does not happen is a failure; no test needs them


def without(why: str) -> None:
    """Skip, or fail where a browser is needed."""
    if os.environ.get(NEEDED):
        pytest.fail(f"{why}; and {NEEDED} is set")
    pytest.skip(f"not tested in a browser: {why}")


@contextmanager
def launched() -> Iterator[Any]:
    """Headless Chromium, which ends with the block."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        without("playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        without(f"none of {', '.join(PROGRAMS)} is on the PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


class Window:
    """A page in a browser, and what it complained about or asked the network for.

    Arguments:
        browser: the browser.
        address: what to open; "" for nothing.
        options: of the browser's context.
    """

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(1000 * PATIENCE)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        if address:
            self.page.goto(address)

    def close(self) -> None:
        """Close it, and see that nothing was complained about and nothing asked for."""
        self.context.close()
        assert self.complaints == []
        foreign = [url for url in self.requests if not url.startswith(("file:", "data:", "about:"))]
        assert foreign == []

    def boxes(self) -> Boxes:
        """Every box's value and gradient, to the last digit; None for what is not known yet."""
        return self.record("", 1)[0]

    def record(self, button: str, times: int) -> list[Boxes]:
        """Press a button so many times; the boxes after each."""
        states = self.page.evaluate(
            """([button, times]) => Array.from({ length: times }, () => {
                if (button) document.getElementById(button).click();
                return [...document.querySelectorAll(".box")]
                    .map(box => [box.dataset.value ?? null, box.dataset.gradient ?? null]);
            })""",
            [button, times],
        )
        return [[(value, gradient) for value, gradient in state] for state in states]

    def press(self, button: str) -> None:
        """Press a button, without looking whether a mouse could reach it: that takes long."""
        self.page.evaluate("id => document.getElementById(id).click()", button)

    def until(self, script: str) -> None:
        """Wait until the script is true; the page's policy allows no wait_for_function."""
        for _ in range(PATIENCE * 50):
            if self.page.evaluate(script):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"it never came true: {script}")

    def settle(self) -> None:
        """Wait until what has changed is laid out and drawn: for the next frame but one."""
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def go(self, fragment: str) -> None:
        """Type this behind the address, and wait until the page has followed."""
        self.page.evaluate(
            """fragment => new Promise(done => {
                addEventListener("hashchange", done, { once: true });
                location.hash = fragment;
            })""",
            fragment,
        )
        self.settle()

    def set_leaves(self, numbers: dict[int, float]) -> None:
        """Put numbers into the fields of these nodes, as typing does."""
        self.page.evaluate(
            """numbers => numbers.forEach(([node, x]) => {
                const leaf = document.querySelector(`.leaf[data-node="${node}"]`);
                const field = leaf.querySelector("input[type=number]");
                field.value = x;
                field.dispatchEvent(new Event("input"));
            })""",
            [[node, x] for node, x in numbers.items()],
        )
