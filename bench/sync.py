"""State sync: from commit to subscriber, how many, coming back, memory, stuck readers. Prints Markdown tables.

    python -m bench.sync [fanout] [embedded] [saturation] [resume] [idle] [stuck] [--rounds 2] [--seconds 3]
        [--sockets 1,100,500] [--rate 50] [--entries 10000] [--idle 1000] [--stuck 60]

A real Daphne serves Stars over PostgreSQL and Redis; clients and writers are processes of their own. Beside it, in
turns: `group_send` of Channels' Redis pub/sub layer on the same Daphne, a bare `websockets` broadcast, and etcd.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from bench import servers
from bench.sync_etcd import etcd
from bench.sync_site import (
    BARE,
    DAPHNE,
    EMBEDDED,
    Served,
    Talker,
    said_of,
    served,
    settings_of,
    talker,
)

Round = dict[str, float]
#: States that are written in turns.
STATES: Final = 10


class Bench:
    """The processes, and what is asked of them."""

    def __init__(
        self, told: argparse.Namespace, env: dict[str, str], writer: Talker, load: Talker
    ) -> None:
        self.told, self.env, self.writer, self.load = told, env, writer, load
        self.token = writer.ask("prepare")["token"]

    def open(self, kind: str, server: Served, sockets: int, space: str) -> None:
        """Clients of a server that has come to rest."""
        if space:
            # The first request makes the process's manager, which is no part of what is measured.
            address = f"http://127.0.0.1:{server.port}/api/v1/spaces/{space}/states/"
            who = {"Authorization": f"Token {self.token}"}
            httpx.get(address, headers=who, timeout=60).raise_for_status()
        server.rest()
        self.load.ask(
            "open", kind=kind, port=server.port, sockets=sockets, space=space, token=self.token
        )

    def fanout(self, kind: str, server: Served, sockets: int) -> Round:
        """So many updates a second to all sockets."""
        space = self.writer.ask("space", states=STATES) if kind == "stars" else ""
        self.open(kind, server, sockets, space)
        before, told = server.seconds(), self.told
        pace = {"seconds": told.seconds, "rate": told.rate}
        if kind == "stars":
            said = self.writer.ask("paced", space=space, states=STATES, **pace)
        else:
            said = self.writer.ask("layer", redis=self.env["REDIS_URL"], **pace)
        # It would take a minute with what has piled up.
        return self.heard(server, before, said, patience=120 if kind == "stars" else 6)

    def heard(
        self, server: Served, before: float, said: list[list[int]], patience: float = 120
    ) -> Round:
        """What came of what was said, and the server's processor time since `before`."""
        found: Round = self.load.ask("expect", said=said, patience=patience)
        return found | {"cpu": server.seconds() - before}

    def saturate(self, kind: str, server: Served, sockets: int) -> Round:
        """As much as it takes."""
        space = self.writer.ask("space", states=16) if kind == "stars" else ""
        self.open(kind, server, sockets, space)
        before = server.seconds()
        if kind == "stars":
            said = self.writer.ask("flood", space=space, seconds=self.told.seconds)
            return self.heard(server, before, said)
        found: Round = self.load.ask(
            "drive", kind=kind, seconds=self.told.seconds, redis=self.env["REDIS_URL"]
        )
        return found | {"cpu": server.seconds() - before}


NAMES: Final = {
    "stars": "Stars",
    "layer": "Channels `group_send`",
    "bare": "bare `websockets` broadcast",
    "embedded": "Stars in one process, SQLite",
}


def rounds_table(results: dict[tuple[int, str], list[Round]]) -> str:
    """One line per number of sockets and side: medians, and losses of all rounds."""
    lines = [
        "| | sockets | p50 ms | p99 ms | deliveries/s | entries per frame | server's CPU, µs per delivery | lost |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for (sockets, kind), rounds in sorted(results.items()):
        missing, expected, broken = (
            sum(each[key] for each in rounds) for key in ("missing", "expected", "broken")
        )
        arrived = [max(1, each["expected"] - each["missing"]) for each in rounds]
        costs = [each["cpu"] / n * 1e6 for each, n in zip(rounds, arrived, strict=True)]
        per_frame = [n / max(1, each["frames"]) for each, n in zip(rounds, arrived, strict=True)]
        p50, p99, rate = (
            median(each[key] for each in rounds) for key in ("p50", "p99", "per_second")
        )
        lines.append(
            f"| {NAMES[kind]} | {sockets} | {p50:,.1f} | {p99:,.1f} | {rate:,.0f} | {median(per_frame):.1f} | "
            f"{median(costs):,.0f} | {missing:,.0f} of {expected:,.0f}{' BROKEN CHAIN' if broken else ''} |"
        )
    return "\n".join(lines)


def in_turns(
    bench: Bench, kinds: Sequence[tuple[str, int]], once: Callable[[str, int], Round]
) -> str:
    """Rounds of all kinds, the order turned round every time."""
    results: dict[tuple[int, str], list[Round]] = defaultdict(list)
    for number in range(bench.told.rounds):
        for kind, sockets in kinds[:: -1 if number % 2 else 1]:
            found = once(kind, sockets)
            results[sockets, kind].append(found)
            print(number, kind, sockets, found, file=sys.stderr, flush=True)
    return rounds_table(results)


def fanout(bench: Bench) -> str:
    """Part 1."""
    counts = [int(each) for each in bench.told.sockets.split(",")]
    with daphne(bench) as server:
        kinds = [(kind, each) for each in counts for kind in ("stars", "layer")]
        return in_turns(bench, kinds, lambda kind, n: bench.fanout(kind, server, n))


def saturation(bench: Bench) -> str:
    """Part 2."""
    with daphne(bench) as server, served(BARE) as bare:
        on = {"stars": server, "layer": server, "bare": bare}
        kinds = [(kind, each) for each in (100, 500) for kind in on]
        return in_turns(bench, kinds, lambda kind, n: bench.saturate(kind, on[kind], n))


@contextmanager
def daphne(bench: Bench) -> Iterator[Served]:
    """A fresh one."""
    with served(DAPHNE, bench.env) as server:
        yield server


def resume(bench: Bench) -> str:
    """Part 3."""
    told, lines = bench.told, ["| | s | beside etcd |", "|---|---:|---:|"]
    count, keys = told.entries, 1000
    with daphne(bench) as server, etcd() as peer:
        space = bench.writer.ask("space", states=16)
        bench.open("stars", server, 1, space)
        token = bench.load.ask("leave")
        bench.writer.ask("flood", space=space, count=count)
        server.rest()
        ours = [bench.load.ask("resume", token=token) for _ in range(told.rounds + 1)]
        assert all(each["entries"] == count and not each["broken"] for each in ours), ours
        taken = median(each["seconds"] for each in ours)
        lines.append(f"| resume after {count:,} missed entries of 1 KiB | {taken:.2f} | |")
        space = bench.writer.ask("space", states=keys, size=2048)
        bench.open("stars", server, 1, space)
        ours = [bench.load.ask("resume", token="") for _ in range(told.rounds + 1)]
        assert all(each["states"] == keys for each in ours), ours
        snap = median(each["seconds"] for each in ours)
        lines.append(f"| snapshot of {keys:,} states of 2 KiB | {snap:.3f} | |")
        if peer is not None:
            peer.fill("log", count, 16, 1024)
            for name, watch in (
                ("JSON gateway", peer.watch),
                ("`etcdctl`", peer.watch_with_own_client),
            ):
                theirs = median(watch("log", 2, count) for _ in range(told.rounds + 1))
                beside = f"{taken / theirs:.1f} times"
                lines.append(f"| etcd watch of as much, {name} | {theirs:.2f} | {beside} |")
            peer.fill("keys", keys, keys, 2048)
            found = [peer.snapshot("keys") for _ in range(told.rounds + 1)]
            assert all(each == keys for each, _ in found), found
            theirs = median(each for _, each in found)
            beside = f"{snap / theirs:.1f} times"
            lines.append(f"| etcd range of as much, JSON gateway | {theirs:.3f} | {beside} |")
    return "\n".join(lines)


def idle(bench: Bench) -> str:
    """Part 4: what a subscription takes that nothing happens to, in a server that is warm."""
    with daphne(bench) as server:
        space = bench.writer.ask("space", states=STATES)
        bench.open("stars", server, 20, space)
        server.rest()
        before, begun = server.kib(), time.monotonic()
        bench.open("stars", server, bench.told.idle, space)
        opening = time.monotonic() - begun
        server.rest()
        each = (server.kib() - before) / (bench.told.idle - 20)
        return (
            f"{bench.told.idle:,} idle subscriptions: {each:.0f} KiB of memory each; "
            f"connected and synced {bench.told.idle / opening:.0f} a second"
        )


def stuck(bench: Bench) -> str:
    """Part 5: a reader that reads nothing and one that acknowledges nothing, beside 100 that do."""
    told, lines = bench.told, ["| | p50 ms | p99 ms | lost | server's memory, MiB |"]
    lines.append("|---|---:|---:|---:|---|")
    with daphne(bench) as server:
        space = bench.writer.ask("space", states=STATES)
        bench.open("stars", server, 100, space)

        def during(name: str, seconds: float) -> Round:
            before, seen = server.seconds(), list[float]()
            ask = {"space": space, "rate": told.rate, "states": STATES}
            said = list[list[int]]()
            for _ in range(max(1, round(seconds / 5))):
                said += bench.writer.ask("paced", seconds=min(5, seconds), **ask)
                seen.append(server.kib() / 1024)
            found = bench.heard(server, before, said)
            assert not found["broken"], found
            memory = f"{seen[0]:.0f} after 5 s, {max(seen):.0f} at most, {seen[-1]:.0f} at the end"
            lost = f"{found['missing']:,.0f} of {found['expected']:,.0f}"
            late = f"{found['p50']:.1f} | {found['p99']:.1f}"
            lines.append(f"| {name} for {seconds:g} s | {late} | {lost} | {memory} |")
            return found

        during("warming up", 5)
        without = during("nobody stuck", max(10, told.stuck / 4))
        bench.load.ask("stick")
        with_them = during("two stuck", told.stuck)
        ratio = with_them["p99"] / without["p99"]
        lines.append(f"\np99 of the others with the stuck ones is {ratio:.2f} of that without.")
    return "\n".join(lines)


def embedded(told: argparse.Namespace) -> str:
    """Fan-out in the one-process shape, where writes come over a socket of the same server."""
    results: dict[tuple[int, str], list[Round]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="stars-bench-") as folder:
        env = settings_of(folder)
        commits = Path(folder) / "commits"
        with talker("bench.sync_writer", **env) as writer, talker("bench.sync_load") as load:
            bench = Bench(told, env, writer, load)
            for sockets in [int(each) for each in told.sockets.split(",")]:
                with served(EMBEDDED, {**env, "BENCH_COMMITS": str(commits)}) as server:
                    space = writer.ask("space", states=STATES)
                    bench.open("stars", server, sockets, space)
                    before, head = server.seconds(), writer.ask("head", space=space)
                    load.ask("write", seconds=told.seconds, rate=told.rate, states=STATES)
                    lines = [line.split() for line in commits.read_text().splitlines()]
                    noted = [(int(revision), int(moment)) for revision, moment in lines]
                    found = bench.heard(server, before, said_of(noted, head))
                    results[sockets, "embedded"].append(found)
                    print("embedded", sockets, found, file=sys.stderr, flush=True)
    return rounds_table(results)


PARTS: Final = {
    "fanout": fanout,
    "saturation": saturation,
    "resume": resume,
    "idle": idle,
    "stuck": stuck,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help="the parts to measure; all")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--sockets", default="1,100,500")
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--stuck", type=float, default=60.0)
    told = parser.parse_args()
    # Whoever ends it ends its servers, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parts = told.parts or [*PARTS, "embedded"]
    if unknown := set(parts) - {*PARTS, "embedded"}:
        parser.error(f"no such part: {', '.join(unknown)}")
    begun = time.monotonic()

    def show(name: str, text: str) -> None:
        load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
        after = time.monotonic() - begun
        print(f"### {name} (load average {load}; after {after:.0f} s)\n\n{text}\n", flush=True)

    if set(parts) - {"embedded"}:
        with (
            servers.running() as (database_url, redis_url),
            tempfile.TemporaryDirectory(prefix="stars-bench-") as folder,
        ):
            env = settings_of(folder, database_url, redis_url)
            with talker("bench.sync_writer", **env) as writer, talker("bench.sync_load") as load:
                bench = Bench(told, env, writer, load)
                for name, part in PARTS.items():
                    if name in parts:
                        show(name, part(bench))
    if "embedded" in parts:
        show("embedded", embedded(told))


if __name__ == "__main__":
    main()
