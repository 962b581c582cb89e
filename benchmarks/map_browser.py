"""A page in headless Chromium: how long until it can be used, and how many frames a second it draws while it is moved.

``measure`` takes any address: a file, or a page behind a static file server with its tiles beside it.
"""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from playwright.sync_api import Error, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, Page

# As in the tests; WebGL is drawn in software, for those who want it.
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-unsafe-swiftshader")
WIDTH, HEIGHT = 1200, 800
LOADED = "new Promise(done => { if (document.readyState === 'complete') done(); else addEventListener('load', done); })"
"""Ready when the page is loaded: all that is drawn is drawn by scripts that the page runs while it loads."""

# The first frame after everything is there and the main thread has nothing left to do; milliseconds since navigation began.
_USABLE = """async () => {
    await %s;
    await new Promise(done => requestIdleCallback(done));
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now();
}"""
_START = """() => {
    window.benchFrames = [];
    let last = performance.now();
    const step = (now) => { window.benchFrames.push(now - last); last = now; window.benchStep = requestAnimationFrame(step); };
    window.benchStep = requestAnimationFrame((now) => { last = now; window.benchStep = requestAnimationFrame(step); });
}"""
_STOP = "() => { cancelAnimationFrame(window.benchStep); return window.benchFrames; }"
_STEP_S, _STEPS, _REST_S = 1 / 60, 45, 0.4
_DRAGS = ((-320, 0), (240, 160), (0, -200), (180, 60))
_TURNS = (-1, -1, -1, 1, 1, 1)


@dataclass(frozen=True)
class Measured:
    """What a page did.

    Attributes
    ----------
    usable_s : seconds from the start of navigation until it could be used
    mean_fps, median_fps, slow_fps : frames a second over the whole time, by the median of all frames, and by the frame that
        a twentieth are slower than
    longest_ms : the longest that no frame came
    answers : what the questions asked of the page gave
    trouble : why something is missing, or ""
    """

    usable_s: float = float("nan")
    mean_fps: float = float("nan")
    median_fps: float = float("nan")
    slow_fps: float = float("nan")
    longest_ms: float = float("nan")
    answers: Mapping[str, object] = field(default_factory=dict)
    trouble: str = ""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    found = next(
        (path for path in ("/usr/bin/chromium", shutil.which("chromium")) if path and Path(path).exists()), None
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


def measure(
    browser: Browser, address: str, *, ready: str = LOADED, questions: Mapping[str, str] | None = None,
    before: str = "", limit_s: float = 120.0, picture: Path | None = None,
) -> Measured:  # fmt: skip
    """Open a page in a context of its own, then drag and zoom it.

    Parameters
    ----------
    address : ``file:`` or ``http:``
    ready : JavaScript, a promise that settles when all data is on the map
    questions : name → JavaScript asked after everything else
    before : JavaScript that runs before the page's own
    limit_s : opening, and moving, may take so long
    picture : where to put what was seen once it was usable
    """
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    try:
        if before:
            context.add_init_script(before)
        page = context.new_page()
        page.set_default_timeout(limit_s * 1000)
        return _measured(page, address, ready, questions or {}, limit_s, picture)
    finally:
        context.close()


def _measured(
    page: Page, address: str, ready: str, questions: Mapping[str, str], limit_s: float, picture: Path | None
) -> Measured:
    try:
        page.goto(address, wait_until="commit")
        usable_s = page.wait_for_function(_limited(ready, limit_s), polling="raf").json_value()
        if usable_s == 0:
            return Measured(trouble=f"not usable after {limit_s:.0f} s")
    except Error as error:
        reason = str(error).splitlines()[0]
        return Measured(trouble=f"not usable after {limit_s:.0f} s" if "Timeout" in reason else reason[:100])
    usable_s = float(usable_s) / 1000
    try:
        if picture:
            page.screenshot(path=picture)
        gaps, finished = _moved(page, limit_s)
        answers = {name: page.evaluate(question) for name, question in questions.items()}
    except Error as error:
        return Measured(usable_s, trouble=str(error).splitlines()[0][:100])
    trouble = "" if finished else f"moving it was given up after {limit_s:.0f} s"
    if not len(gaps):
        return Measured(usable_s, answers=answers, trouble=trouble or "no frame while it was moved")
    return Measured(
        usable_s,
        1000 / float(gaps.mean()),
        1000 / float(np.median(gaps)),
        1000 / float(np.percentile(gaps, 95)),
        float(gaps.max()),
        answers,
        trouble,
    )


def _limited(ready: str, limit_s: float) -> str:
    limit = f"new Promise(done => setTimeout(() => done(0), {limit_s * 1000:.0f}))"
    return f"() => Promise.race([({_USABLE % ready})(), {limit}])"


def _moved(page: Page, limit_s: float) -> tuple[np.ndarray, bool]:
    """Milliseconds between frames while the map is dragged four times and zoomed by the wheel six times."""
    begun = time.perf_counter()
    page.mouse.move(WIDTH / 2, HEIGHT / 2)
    page.evaluate(_START)
    finished = True
    for right, down in _DRAGS:
        _drag(page, right, down)
        finished &= time.perf_counter() - begun < limit_s
        if not finished:
            break
    for turn in _TURNS if finished else ():
        page.mouse.wheel(0, turn * 120)
        page.wait_for_timeout(_REST_S * 1000)
        finished &= time.perf_counter() - begun < limit_s
        if not finished:
            break
    gaps = np.array(page.evaluate(_STOP), dtype=float)
    return gaps[gaps > 0], finished


def _drag(page: Page, right: float, down: float) -> None:
    page.mouse.move(WIDTH / 2, HEIGHT / 2)
    page.mouse.down()
    due = time.perf_counter()
    for step in range(1, _STEPS + 1):
        page.mouse.move(WIDTH / 2 + right * step / _STEPS, HEIGHT / 2 + down * step / _STEPS)
        # A hand does not wait for the page: steps that come late are not made up for.
        due = max(due + _STEP_S, time.perf_counter())
        page.wait_for_timeout(max(due - time.perf_counter(), 0) * 1000)
    page.mouse.up()
    page.wait_for_timeout(_REST_S * 1000)
