"""What the tests of layers look at: the colour of a spot, a click on a place, the text of the legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

_MAP = "Object.entries(window).find(([name]) => name.startsWith('map_'))[1]"
# The pixels of a square of a layer's canvas, of `2 · reach + 1` a side, about a place.
_READ = f"""([pane, lng, lat, reach]) => {{
    const map = {_MAP};
    const at = map.latLngToContainerPoint([lat, lng]);
    const frame = map.getContainer().getBoundingClientRect();
    const canvas = document.querySelector(`.leaflet-${{pane}}-pane canvas`);
    const box = canvas.getBoundingClientRect();
    const x = Math.round(at.x + frame.left - box.left) - reach;
    const y = Math.round(at.y + frame.top - box.top) - reach;
    // Read from a copy: Chromium warns who reads one canvas again and again.
    const side = 2 * reach + 1;
    const copy = Object.assign(document.createElement('canvas'), {{ width: side, height: side }});
    const ctx = copy.getContext('2d', {{ willReadFrequently: true }});
    ctx.drawImage(canvas, x, y, side, side, 0, 0, side, side);
    return [...ctx.getImageData(0, 0, side, side).data];
}}"""


def colour_at(page: Page, pane: str, lng: float, lat: float) -> list[int]:
    """Red, green, blue and opacity of a layer's canvas at a place."""
    found: list[int] = page.evaluate(_READ, [pane, lng, lat, 0])
    return found


def painted(page: Page, pane: str, lng: float, lat: float, reach: int = 12) -> int:
    """How many pixels of a layer's canvas are painted within a square about a place."""
    return sum(opacity > 0 for opacity in page.evaluate(_READ, [pane, lng, lat, reach])[3::4])


def settle(page: Page) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def view(page: Page, lng: float, lat: float, zoom: float) -> None:
    """Go to a place."""
    page.evaluate(f"([lng, lat, zoom]) => {_MAP}.setView([lat, lng], zoom, {{ animate: false }})", [lng, lat, zoom])
    settle(page)


def click(page: Page, lng: float, lat: float) -> str:
    """Click on a place with the mouse, the popup before it closed; the text of the popup."""
    page.keyboard.press("Escape")
    popup = page.locator(".registry-popup")
    popup.wait_for(state="detached", timeout=5000)
    point: dict[str, Any] = page.evaluate(
        f"([lng, lat]) => {{ const map = {_MAP}; const at = map.latLngToContainerPoint([lat, lng]);"
        "const box = map.getContainer().getBoundingClientRect(); return { x: at.x + box.left, y: at.y + box.top } }",
        [lng, lat],
    )
    page.mouse.click(point["x"], point["y"])
    popup.wait_for(state="visible", timeout=5000)
    return popup.inner_text()


def legend(page: Page) -> str:
    """What the legend says."""
    return page.locator(".registry-legend").inner_text()


def switch(page: Page, key: str, *, on: bool) -> None:
    """Switch a row of the legend."""
    page.locator(f'.registry-legend input[data-key="{key}"]').set_checked(on)
    settle(page)


def speak(page: Page, key: str = "language") -> None:
    """Switch the page to its other language."""
    page.locator(f'[data-tool="{key}"]').click()
    settle(page)
