"""Film the page: the README's moving picture, taken in a browser, if there is one.

`python -m demos.film` plays the page of one neuron in headless Chromium, nudges its
weight, and writes `page.webp`. Where there is no Chromium, or no playwright, it says so.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

from demos import chain_rule
from demos.common import parser
from micrograd.files import atomic_write
from viz import page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1000, "height": 600}
TRAVELS = 7  # frames of one step of the backward pass
MOST = 1_500_000  # bytes


def shots(window: Any) -> list[tuple[bytes, int]]:
    """Play, step by step, and nudge.

    Arguments:
        window: playwright's page, in which the page is open.

    Returns:
        Pictures, each with how many milliseconds it is to be seen.
    """
    found = [(window.screenshot(), 2200)]

    def take(milliseconds: int) -> None:
        found.append((window.screenshot(), milliseconds))

    window.select_option("#speed", "3200")
    steps = int(window.get_attribute("#scrubber", "max"))
    for step in range(1, steps):
        window.click("#forward")
        for _ in range(TRAVELS):
            if window.locator("#tokens *").count() == 0:
                break
            take(130)
        while window.locator("#tokens *").count():
            window.wait_for_timeout(40)
        window.wait_for_timeout(60)
        take(1500 if step > 2 else 700)
    window.click("#last")
    window.locator(".box.parameter").first.dispatch_event("click")
    window.wait_for_timeout(100)
    take(1800)
    slider = window.locator(".nudge input")
    for part in (0.5, 0.7, 0.9, 0.4, 0.0, -0.4, -0.8, -0.3, 0.33):
        slider.evaluate(
            "(one, part) => { one.value = part * one.max; one.dispatchEvent(new Event('input')); }",
            part,
        )
        take(350)
    take(2500)
    return found


def film(program: str, path: Path) -> None:
    """Write the film.

    Arguments:
        program: the browser.
        path: the file.
    """
    from PIL import Image
    from playwright.sync_api import sync_playwright

    net = chain_rule.build()
    before = net.activations[-2].detach()
    before.label = "a^{(L-1)}"
    alone = chain_rule.forward(net.weights[-1:], net.biases[-1:], net.target, before)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        written = page(alone.cost, Path(folder, "page.html"), lang="en").path
        assert written is not None
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        window = browser.new_page(viewport=SIZE, color_scheme="light")
        window.goto(written.as_uri())
        window.wait_for_timeout(300)
        taken = shots(window)
        browser.close()
    images = [Image.open(io.BytesIO(data)).convert("RGB") for data, _ in taken]
    file = io.BytesIO()
    times = [milliseconds for _, milliseconds in taken]
    options = {"append_images": images[1:], "duration": times, "loop": 0}
    images[0].save(file, "WEBP", save_all=True, quality=82, method=4, minimize_size=True, **options)
    if len(file.getvalue()) > MOST:
        raise SystemExit(f"film: {len(file.getvalue()):,} bytes are more than {MOST:,}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as out:
        out.write(file.getvalue())
    print(f"film of {len(images)} pictures, {len(file.getvalue()):,} bytes: {path}")


def main(arguments: list[str] | None = None) -> None:
    """Film the page, where there is a browser."""
    out = parser(__doc__).parse_args(arguments).out
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    try:
        import playwright  # noqa: F401
    except ModuleNotFoundError:
        program = None
    if program is None:
        print("no film: there is no Chromium here, or no playwright to drive it with")
        return
    film(program, out / "page.webp")


if __name__ == "__main__":
    main()
