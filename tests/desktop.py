"""The programs of the GIS desk, asked from tests: QGIS, GDAL's commands and its GeoPackage validator, LibreOffice.

They run as processes of their own, because Debian builds them for its own Python. ``make test-tools`` installs them.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

DEBIAN_PYTHON = "/usr/bin/python3"
VALIDATOR = "/usr/lib/python3/dist-packages/osgeo_utils/samples/validate_gpkg.py"
PATIENCE_S = 300  # a machine under load starts LibreOffice in a minute

# What stands around a script: QGIS without a window, without the settings of the person who runs the tests and without
# plugins. Everything that QGIS logs is kept, since a question to the user ends there where there is no window.
_AROUND = """
import gc, json, sys, warnings
warnings.simplefilter("ignore")
from qgis.PyQt.QtCore import QDate, QDateTime, QByteArray, QTime, QVariant, Qt
from qgis.core import *

def plain(value):
    if isinstance(value, QVariant) and value.isNull():
        return None
    if isinstance(value, (QDate, QDateTime, QTime)):
        return value.toString(Qt.ISODate) or None
    if isinstance(value, QByteArray):
        return bytes(value).hex()
    raise TypeError(f"the answer holds a {type(value).__name__}, which JSON cannot")

question, answered = sys.argv[1:]
with open(question, encoding="utf-8") as file:
    asked = json.load(file)
application = QgsApplication([], False)
application.initQgis()
messages = []
QgsApplication.messageLog().messageReceived.connect(
    lambda text, tag, level: messages.append(f"{tag}: {text}")
)
names = {**globals(), **asked["arguments"], "messages": messages}
exec(compile(asked["script"], "<script>", "exec"), names)
with open(answered, "w", encoding="utf-8") as file:
    json.dump(names["answer"], file, default=plain)
QgsProject.instance().clear()
names.clear()
gc.collect()
application.exitQgis()
"""


def ask_qgis(script: str, **arguments: Any) -> Any:
    """What QGIS answers: the variable ``answer`` that a script leaves behind.

    The script runs in Debian's Python after ``from qgis.core import *`` with QGIS started; ``application`` is there, and
    ``messages`` is a list that everything QGIS logs is added to. Starting takes a second or two, so ask much at once.

    Parameters
    ----------
    script : the source of a Python 3 program that sets ``answer`` to something that JSON can hold; QGIS's NULL
        becomes None, a date or time its ISO text, bytes their hexadecimal digits.
    arguments : become variables of the script; what JSON can hold, or a path, which becomes its text.

    Raises
    ------
    AssertionError : the script failed or QGIS fell over; with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="qgis-") as folder:
        question, answered = Path(folder, "question.json"), Path(folder, "answer.json")
        question.write_text(json.dumps({"script": script, "arguments": arguments}, default=_path), encoding="utf-8")
        own = {"QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": folder, "XDG_RUNTIME_DIR": folder}
        _run(DEBIAN_PYTHON, "-c", _AROUND, question, answered, environment=own)
        return json.loads(answered.read_text(encoding="utf-8"))


def ogrinfo(path: Path | str, *arguments: object) -> str:
    """What ``ogrinfo -ro`` prints about a file; a warning of GDAL counts as a failure."""
    done = _run("ogrinfo", "-ro", path, *arguments)
    # That a GeoPackage is of a newer edition than Debian's GDAL is no fault of the file.
    complaints = [line for line in done.stderr.splitlines() if line and "This version of GeoPackage" not in line]
    assert not complaints, complaints
    return done.stdout


def validate_gpkg(path: Path) -> list[str]:
    """What GDAL's GeoPackage validator finds wrong, strict requirements and more; empty where it finds nothing."""
    done = _run(DEBIAN_PYTHON, VALIDATOR, "-k", "--extra", "--warning-as-error", path, codes=(0, 1))
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def soffice_convert(path: Path, to: str, folder: Path) -> Path:
    """The file that LibreOffice makes of another.

    Parameters
    ----------
    path : what it opens.
    to : the suffix without a dot, with a filter and its options behind a colon where they are needed (``csv:Text - txt -
        csv (StarCalc):44,34,76,1`` is UTF-8 with commas; a last option ``-1`` writes every sheet to ``stem-SHEET.csv``).
    folder : where the new file goes; it has the same stem.
    """
    with tempfile.TemporaryDirectory(prefix="soffice-") as profile:
        settings = f"-env:UserInstallation={Path(profile).as_uri()}"
        done = _run("soffice", settings, "--headless", "--convert-to", to, "--outdir", folder, path)
    written = folder / f"{path.stem}.{to.partition(':')[0]}"
    assert written.exists() or list(folder.glob(f"{path.stem}-*{written.suffix}")), done.stdout + done.stderr
    return written


def _run(
    *command: object, codes: tuple[int, ...] = (0,), environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    # Neither the tests' own Python nor their GDAL and PROJ are Debian's.
    foreign = ("PYTHON", "VIRTUAL_ENV", "GDAL", "OGR", "PROJ", "QGIS", "LD_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = subprocess.run(
        [*map(str, command)],
        env={**kept, "LC_ALL": "C.UTF-8", **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode in codes, f"{command[0]}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def _path(value: object) -> str:
    assert isinstance(value, Path), f"JSON cannot hold a {type(value).__name__}"
    return str(value)
