"""What the benchmarks write: the machine in a sentence, and lines between the marks of a file."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def machine() -> str:
    """The day, the machine and Python, as the begin of a sentence."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}. {platform.machine()} {model}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def write_between(begin: str, end: str, lines: list[str], out: Path | None) -> None:
    """Put the lines between the marks of a file, or make the file of them; print them where there is no file."""
    text = "\n".join([begin, *lines, end])
    if out is None:
        print(text)
        return
    old = out.read_text(encoding="utf-8") if out.exists() else ""
    if begin in old and end in old:
        before, after = old.split(begin)[0], old.split(end)[1]
        out.write_text(before + text + after, encoding="utf-8")
    else:
        out.write_text(text + "\n", encoding="utf-8")
