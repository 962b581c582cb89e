"""Names of sites that mean harm to a page, and the identifiers that the small inventory of the map tests has."""

from __future__ import annotations

HOSTILE = "<script>window.robbed = true</script><img src=x onerror='window.robbed = true'>"
NAMES = {
    "00000000-0000-4000-8000-000000000001": "大石沟尾矿库",
    "00000000-0000-4000-8000-000000000002": HOSTILE,
    "00000000-0000-4000-8000-000000000003": "</script>\"'`${1+1}{{ 7*7 }}{% raw %}",
    "00000000-0000-4000-8000-000000000004": "\u202eخلف\u202c 🏔️",
    "00000000-0000-4000-8000-000000000005": "长" * 10_000,
    "00000000-0000-4000-8000-000000000006": "北坡矸石山",
    "00000000-0000-4000-8000-000000000007": "河口冶炼厂",
}
PLANT = "00000000-0000-4000-8000-00000000000a"
POND, HEAP = next(iter(NAMES)), "00000000-0000-4000-8000-000000000006"
