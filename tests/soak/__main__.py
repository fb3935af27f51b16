"""Every workload under every kind of fault, on real processes; exits 1 with what was found.

`python -m tests.soak [--seed N] [--seconds S] [--only W5xkill-web …] [--folder DIR]`, `--seconds` for each;
`python -m tests.soak --judge DIR` judges the watch histories that were kept there again.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.soak import history
from tests.soak.faults import KINDS
from tests.soak.processes import ROOT, Postgres, Site, new_database
from tests.soak.runs import TOLD, Result, run
from tests.soak.validators import judge
from tests.soak.workloads import WORKLOADS

#: Every workload under every kind of fault.
ALL: Final = tuple(f"{workload}x{kind}" for workload in WORKLOADS for kind in KINDS)
#: Seconds of each, so that all take about half an hour.
SECONDS: Final = 36.0
#: What a soak of everything must have seen, or it shows nothing.
MUST: Final = (
    *("conflicts", "unknown outcomes", "replays", "resumed", "reset compacted", "parked"),
    *("revoked", "compactions", "repeated", "made anew", "queued", "agents crashed"),
)


def main() -> int:
    """0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--only", nargs="+", metavar="WxFAULT", choices=ALL, default=ALL)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--judge", type=Path, metavar="DIR")
    given = parser.parse_args()
    if given.judge is not None:
        return judged_again(given.judge)
    # So that whoever ends the soak ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = given.folder or ROOT / "data" / "soak" / str(given.seed)
    say(f"seed {given.seed}, {given.seconds:.0f} s each, histories in {folder}")
    results = asyncio.run(soak(folder.resolve(), given.only, given.seed, given.seconds))
    return told(results, whole=tuple(given.only) == ALL)


async def soak(folder: Path, names: tuple[str, ...], seed: int, seconds: float) -> list[Result]:
    """Run them all on one site, one after the other."""
    postgres = await asyncio.to_thread(Postgres)
    try:
        database = await asyncio.to_thread(new_database, postgres.url)
        async with Site(folder, database, postgres) as site:
            results = []
            for name in names:
                result = await run(site, folder / name, name, seed, seconds)
                say(line(result))
                for finding in result.findings[:TOLD]:
                    say(f"    {finding}")
                results.append(result)
            faults = await site.ask("verify")
            if faults:
                results[-1].findings.append(f"state_verify: {faults}")
            return results
    finally:
        await asyncio.to_thread(postgres.remove)


def line(result: Result) -> str:
    """Of the table."""
    shown = ("conflicts", "unknown outcomes", "replays", "resumed", "reset compacted", "parked")
    counts = " ".join(f"{key.split()[0]} {result.coverage[key]:<4}" for key in shown)
    found = f"{len(result.findings)} FINDINGS" if result.findings else "ok"
    return (
        f"{result.name:<22} ops {result.operations:<6} entries {result.entries:<6} {counts} {found}"
    )


def told(results: list[Result], *, whole: bool) -> int:
    """Print what happened altogether; 1 if anything was found, or nothing proved."""
    total: Counter[str] = Counter()
    for result in results:
        total += result.coverage
    say("")
    for what, count in sorted(total.items()):
        say(f"{count:>8} {what}")
    never = [what for what in MUST if not total[what]] if whole else []
    for what in never:
        say(f"never happened: {what}")
    found = sum(len(result.findings) for result in results)
    say(f"{len(results)} runs, {found} findings")
    return 1 if found or never else 0


def judged_again(folder: Path) -> int:
    """Judge the watch histories below a directory by the judges of today."""
    found = []
    for path in sorted(folder.rglob("log.ndjson")):
        log = history.read_log(path.parent)
        for watch in history.read_watches(path.parent):
            found += [f"{path.parent.name}: {each}" for each in judge(watch, log)]
    for each in found:
        say(each)
    say(f"{len(found)} findings")
    return 1 if found else 0


def say(text: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
