"""What axe-core finds of the page, in a real Chromium: nothing serious, whatever is open."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

SERIOUS = {"serious", "critical"}


def serious(seen: Any) -> list[str]:
    """Every serious finding as ``rule: element``."""
    found = Axe().run(seen.page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{finding['id']}: {node['html'][:200]}"
        for finding in found
        if finding["impact"] in SERIOUS
        for node in finding["nodes"]
    ]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_as_it_opens(open_map: Any, whole_map: Any, lang: str) -> None:
    assert serious(open_map(whole_map(lang=lang))) == []


def test_the_page_with_a_popup(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    seen.click_site("00000000-0000-4000-8000-000000000001")
    assert serious(seen) == []


def test_every_tool_when_it_is_open(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    tools = seen.page.locator("button[data-tool][aria-expanded]").evaluate_all(
        "all => all.map(one => one.dataset.tool)"
    )
    assert tools
    for tool in tools:
        seen.page.locator(f'button[data-tool="{tool}"]').click()
        seen.page.wait_for_timeout(150)
        assert serious(seen) == [], tool
        seen.page.locator(".registry-shut").click()


def test_on_a_telephone(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    seen.page.set_viewport_size({"width": 390, "height": 780})
    seen.page.reload()
    seen.page.evaluate("registryMap.ready")
    assert serious(seen) == []
