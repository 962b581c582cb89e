"""The documentation runs as written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import Cluster

from registry.model.document import markdown

ROOT = Path(__file__).parent.parent
# Each page is read from its top by someone who sits in an empty folder.
PAGES = [
    "README.md",
    "docs/tables.md",
    "docs/inspector.md",
    "docs/maps.md",
    "docs/planner.md",
    "docs/hubs.md",
    "docs/gis-desk.md",
    "docs/fieldwork.md",
    "docs/administrator.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_as_written(page: str, tmp_path: Path, shared_data: Path, cluster: Cluster) -> None:
    blocks = re.findall(
        r"^```(bash|python)\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert blocks, f"{page} shows nothing to run"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "REGISTRY_SHARED_DATA": str(shared_data),
        "REPOSITORY": str(ROOT),
        # The administrator's page has a server: its reader's login is in the environment.
        "PGHOST": cluster.host,
        "PGPORT": str(cluster.port),
        "PGUSER": cluster.superuser,
        "PGPASSWORD": cluster.password,
    }
    # One session from top to bottom: a setting that a page exports holds to its end.
    steps = [
        text if language == "bash" else f"python <<'END_OF_PYTHON'\n{text}END_OF_PYTHON\n" for language, text in blocks
    ]
    command = ["bash", "-euxo", "pipefail", "-c", "\n".join(steps)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{page}:\n{done.stdout[-1000:]}{done.stderr[-3000:]}"
    assert "Traceback" not in done.stderr


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        ROOT / "benchmarks/README.md",
        ROOT / "maps/README.md",
    ]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_documented_data_model_is_that_of_the_tables() -> None:
    written = (ROOT / "docs/data-model.md").read_text(encoding="utf-8")
    assert written == markdown(), "run: python -m registry.model.document > docs/data-model.md"
