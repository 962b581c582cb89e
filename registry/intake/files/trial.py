"""A first reading of an old or binary workbook in a process of its own.

calamine takes the counts and sizes that an XLS or XLSB names for true: a damaged one can make it ask for more memory than
there is, which ends the process at once, or panic. Here that ends only the process that tried.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from registry.errors import UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path

# Bytes of address space; the largest sheet of an XLS (65,536 × 256 cells) takes a tenth of it.
_MOST_MEMORY = 4 << 30
_LONGEST_S = 300
# An error that calamine names is left to be met, and told, by the reading itself.
_SCRIPT = """
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
except (ImportError, ValueError, OSError):
    pass
from python_calamine import CalamineError, CalamineWorkbook
try:
    with open(sys.argv[1], "rb") as file:
        workbook = CalamineWorkbook.from_filelike(file)
    for name in workbook.sheet_names:
        workbook.get_sheet_by_name(name).merged_cell_ranges
except (CalamineError, OSError, ValueError):
    pass
"""


def try_workbook(path: Path) -> None:
    """Read a workbook and forget it.

    Raises
    ------
    UnreadableFileError : the process that read it did not come to its end.
    """
    command = [sys.executable, "-I", "-c", _SCRIPT, str(path.absolute()), str(_MOST_MEMORY)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LONGEST_S, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise UnreadableFileError(
            f"{path.name}: not read to its end in {_LONGEST_S} seconds; the workbook is damaged. Save it as xlsx."
        ) from None
    if done.returncode:
        raise UnreadableFileError(
            f"{path.name}: the workbook is damaged, or its sheets reach too far. Save it again, as xlsx."
        )
