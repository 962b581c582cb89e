"""Siting models beside `spopt` with HiGHS and beside HiGHS alone: how large an instance is solved, how sure, how fast.

``make bench-siting`` installs the peers (``peers.txt``) and writes the tables into the README. Every instance is answered in a process of its
own, which makes it before the clock starts; a peer that takes longer than ``--peer-limit`` is ended, and not asked about larger instances of
the same series (graphs with the same share of medians). What was found stays in a file
in ``--scenes``, so a run with ``--only`` replaces its own rows and leaves the others.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import contest
import report
from siting_instances import ROWS, Case, Row, Wanted
from siting_peers import CONTENDERS, MOST_MB

from registry.services.siting.solution import PROVEN

BEGIN, END = "<!-- written by benchmarks/siting.py -->", "<!-- end of what benchmarks/siting.py writes -->"
PEERS = ("spopt", "milp")
_SAME = 1e-6
_GRACE_S = 60.0
"""Seconds beyond its limit after which our own search is ended from outside: it keeps the limit itself."""

Found = dict[str, Any]
"""What one contender did: ``trouble``, or ``seconds, peak_mb, objective, bound, gap, status, recomputed``."""


def answered(who: str, case: Case, folder: Path) -> Found:
    """Ask a contender about an instance."""
    limit = case.limit_s + _GRACE_S if who == "ours" else case.peer_limit_s * (1.25 if who == "milp" else 1.0)
    outcome = contest.run(CONTENDERS[who], case, folder, best_of=1, limit_s=limit, patience_s=0.0)
    if outcome.trouble:
        over = "MemoryError" in outcome.trouble or (who != "ours" and outcome.trouble == "its process ended")
        trouble = f"needs over {MOST_MB / 1_000:g} GB" if over else outcome.trouble
        return {"trouble": f"over {limit:g} s" if trouble.startswith("over ") else trouble}
    told = outcome.answer["answer"].iloc[0].to_dict()
    return {"trouble": "", "seconds": outcome.seconds[0], "peak_mb": outcome.peak_mb, **told}


def proven(found: Found, gap: float) -> bool:
    """Whether an answer came, is what its hubs give when they are added up anew, and is near enough to its bound."""
    if found["trouble"]:
        return False
    adds_up = abs(found["objective"] - found["recomputed"]) <= _SAME * abs(found["recomputed"])
    return adds_up and found["gap"] <= max(gap, PROVEN)


def met(row: Row, entry: Found) -> bool:
    """Whether ours did what the row asks for, and what is known of the optimum agrees."""
    ours = entry["ours"]
    if not proven(ours, row.gap) or ours["seconds"] > row.limit_s or ours["peak_mb"] > row.most_mb:
        return False
    return entry["known"] is None or row.gap > 0 or abs(ours["objective"] - entry["known"]) <= _SAME * entry["known"]


def run_row(row: Row, given: argparse.Namespace, folder: Path) -> Found:
    """Answer every instance of a row."""
    wanted = Wanted(given.quick, given.scenes, given.instances)
    row.before(wanted)
    peers = [peer for peer in (row.peers if given.peers is None else given.peers) if peer not in given.skip]
    entries = []
    missed: set[tuple[str, str]] = set()
    for case in row.cases(wanted, given.limit, given.peer_limit):
        instance = case.instance
        entry: Found = {"label": instance.label, "known": instance.known, "peer_limit_s": case.peer_limit_s}
        for who in ("ours", *peers):
            needs = CONTENDERS[who].needs
            if needs and importlib.util.find_spec(needs) is None:
                entry[who] = {"trouble": "not installed"}
            elif (who, instance.series) in missed and not given.ask_all:
                entry[who] = {"trouble": "not asked"}
            else:
                entry[who] = answered(who, case, folder)
                print(f"{row.key}, {instance.label}: {who} {_spoken(entry[who])}", file=sys.stderr, flush=True)
                if who != "ours" and instance.series and entry[who]["trouble"]:
                    missed.add((who, instance.series))
        entries.append(entry)
    return {"peers": peers, "entries": entries, "machine": machine(), "files": given.instances is not None}


def _spoken(found: Found) -> str:
    if found["trouble"]:
        return str(found["trouble"])
    return f"{found['seconds']:.2f} s, {found['objective']:,.8g}, {found['status']}, {found['peak_mb']:,.0f} MB"


# ------------------------------------------------------------------------------------------------ tables


def tables(results: dict[str, Found]) -> list[str]:
    """The table of the reach, then one of the instances of every row."""
    rows = [row for row in ROWS if row.key in results]
    lines = [
        "| row | asked | done | slowest, s | widest gap | most memory, MB | all, s | peers, s for all |",
        "|---|---|--:|--:|--:|--:|--:|---|",
        *(_reach(row, results[row.key]) for row in rows),
    ]
    for row in rows:
        lines += _instances(row, results[row.key])
    return lines


def _reach(row: Row, result: Found) -> str:
    entries = result["entries"]
    ended = [entry["ours"] for entry in entries if not entry["ours"]["trouble"]]
    asked = f"{'optimal' if row.gap == 0 else f'within {row.gap:.0%}'} in {row.limit_s:g} s"
    asked += f", {row.most_mb / 1_000:g} GB" if row.most_mb < float("inf") else ""
    done = f"{sum(met(row, entry) for entry in entries)} of {len(entries)}"
    if not ended:
        return f"| {row.title} | {asked} | {done} | | | | | |"
    slowest, widest, memory = (max(found[name] for found in ended) for name in ("seconds", "gap", "peak_mb"))
    total = sum(found["seconds"] for found in ended)
    words = "; ".join(filter(None, (_against(peer, row, entries) for peer in result["peers"])))
    return f"| {row.title} | {asked} | {done} | {slowest:,.2f} | {_percent(widest)} | {memory:,.0f} | {total:,.1f} | {words} |"


def _against(peer: str, row: Row, entries: list[Found]) -> str:
    """A peer's times in all, over what both proved and over everything with what it did not finish at its limit."""
    name = "`spopt`" if peer == "spopt" else "HiGHS"
    asked = [entry for entry in entries if entry[peer]["trouble"] != "not installed" and not entry["ours"]["trouble"]]
    both = [entry for entry in asked if proven(entry[peer], row.gap) and proven(entry["ours"], row.gap)]
    if not asked:
        return f"{name} not installed"
    limit = asked[0]["peer_limit_s"]
    theirs, mine = (sum(entry[who]["seconds"] for entry in both) for who in (peer, "ours"))
    finished = f"{name} {len(both)} of {len(asked)}"
    if both:
        finished += f" in {theirs:,.1f} ({theirs / mine:,.1f} × ours to these)"
    if len(both) == len(asked):
        return finished
    whole = theirs + limit * (len(asked) - len(both))
    return f"{finished}; with the others at {limit:g} s {whole / sum(entry['ours']['seconds'] for entry in asked):,.1f} × or more"


def _instances(row: Row, result: Found) -> list[str]:
    peers = result["peers"]
    heads = [f"{'`spopt`' if peer == 'spopt' else 'HiGHS'}, s | MB | its answer" for peer in peers]
    lines = [
        "", f"**{row.title}**{' (files of the library)' if result['files'] else ''}. {result['machine']}", "",
        f"| {' | '.join(['instance', 'objective', 'bound', 'gap', 'status', 's', 'MB', *heads])} |",
        f"|---|--:|--:|--:|---|--:|--:|{'--:|--:|---|' * len(peers)}",
    ]  # fmt: skip
    for entry in result["entries"]:
        cells = [entry["label"], *_own(row, entry)]
        for peer in peers:
            cells += _others(row, entry, peer)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _own(row: Row, entry: Found) -> list[str]:
    found = entry["ours"]
    if found["trouble"]:
        return [found["trouble"], "", "", "", "", ""]
    status = found["status"]
    if not proven(found, float("inf")):
        status += f", but its hubs give {found['recomputed']:,.10g}"
    elif not met(row, entry):
        status += " (short of what is asked)"
    if entry["known"] is not None:
        status += f", published {entry['known']:,.10g}"
    return [
        f"{found['objective']:,.10g}", f"{found['bound']:,.10g}", _percent(found["gap"]), status,
        f"{found['seconds']:,.2f}", f"{found['peak_mb']:,.0f}",
    ]  # fmt: skip


def _others(row: Row, entry: Found, peer: str) -> list[str]:
    found, mine = entry[peer], entry["ours"]
    if found["trouble"]:
        return [found["trouble"], "", ""]
    words = "no plan" if found["objective"] != found["objective"] else f"{found['objective']:,.10g}, {found['status']}"
    if proven(found, row.gap) and proven(mine, row.gap):
        apart = abs(found["objective"] - mine["objective"]) <= max(row.gap, _SAME) * abs(mine["objective"])
        words = "the same" if apart and row.gap == 0 else ("as near" if apart else f"differs: {words}")
    return [f"{found['seconds']:,.2f}", f"{found['peak_mb']:,.0f}", words]


def _percent(gap: float) -> str:
    return "0" if gap <= PROVEN else ("none" if gap == float("inf") else f"{gap:.2%}".replace("%", " %"))


def machine() -> str:
    """The machine and the versions, as a sentence."""
    packages = []
    for name in ("highspy", "scipy", "numpy", "numba", "spopt", "pulp"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{report.machine()}; {', '.join(packages)}."


# --------------------------------------------------------------------------------------------------- run


def main() -> None:
    """Run what was asked for; a row that is done is written at once, so that a run which is stopped leaves something."""
    given = _options()
    kept = given.scenes / ("siting_quick.json" if given.quick else "siting.json")
    results: dict[str, Found] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    given.scenes.mkdir(parents=True, exist_ok=True)
    done = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for row in (row for row in ROWS if not given.only or row.key in given.only):
            result = run_row(row, given, Path(folder))
            if not result["entries"]:
                print(f"{row.key}: no file for it in {given.instances}", file=sys.stderr)
                continue
            results[row.key] = result
            kept.write_text(json.dumps(results), encoding="utf-8")
            done.append(row.key)
            if given.out and not given.quick:
                report.write_between(BEGIN, END, tables(results), given.out)
    if not given.out or given.quick:
        print("\n".join(tables({key: results[key] for key in done})))


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--only", action="append", choices=[row.key for row in ROWS], help="one row; may be repeated")
    options.add_argument("--quick", action="store_true", help="small instances of every row, for a try; printed only")
    options.add_argument("--limit", type=float, help="seconds that our search gets, in place of what the row asks for")
    options.add_argument("--peer-limit", type=float, default=60.0, help="seconds after which a peer is ended")
    options.add_argument(
        "--peers",
        nargs="*",
        choices=PEERS,
        help="who is asked besides, in place of the row's own choice; nobody if empty",
    )
    options.add_argument(
        "--ask-all",
        action="store_true",
        help="ask a peer about the larger of a series too, where it missed a smaller one",
    )
    options.add_argument("--skip", action="append", choices=PEERS, default=[], help="a peer; may be repeated")
    options.add_argument(
        "--instances",
        type=Path,
        help="folder of published files: pmed1 … pmed40 (and pmedopt.txt) for the medians, points and demand for the city",
    )
    options.add_argument(
        "--scenes", type=Path, default=Path(".venv-bench/scenes"), help="where distances and results are kept"
    )
    options.add_argument("--out", type=Path, help="file whose marked part is replaced; standard output without")
    return options.parse_args()


if __name__ == "__main__":
    main()
