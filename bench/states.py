"""Compare-and-set and reads through the StateManager, beside a bare statement of PostgreSQL and a bare Lua script.

    python -m bench.states [rounds] [seconds]

Every client has a state of its own in one space and writes whole documents; sides take turns in every round, each
for `seconds` (half as long on Redis, a quarter for reads and SQLite). Clients are threads: of one process, or 4 of
each of 4 processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from typing import Any, Final

import redis

from bench import servers, states_documents
from bench.states_bare import STATES, Pgbench

SIZES: Final = {256: "256 B", 4096: "4 KiB"}
PROCESSES: Final = 4
#: (commits or reads a second, median latency in seconds)
Taken = tuple[float, float]
#: One measured side of a line of a table.
Side = Callable[[], Taken]


class Load:
    """A process of clients (`bench.states_load`)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._in, self._out = process.stdin, process.stdout

    def tell(self, message: object) -> None:
        """Send one line."""
        print(json.dumps(message), file=self._in, flush=True)

    def hear(self) -> Any:
        """The next answer."""
        line = self._out.readline()
        if not line:
            raise RuntimeError("a process of clients has ended; its error stands above")
        return json.loads(line)

    def ask(self, do: str, **more: Any) -> Any:
        """One command and its answer."""
        self.tell({"do": do, **more})
        return self.hear()


@contextmanager
def load(**env: str) -> Iterator[Load]:
    """A process with these settings, stopped at the end."""
    command = [sys.executable, "-m", "bench.states_load"]
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "stars_site.settings", **env}
    process = subprocess.Popen(
        command, env=given, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield Load(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
    finally:
        process.kill()
        process.wait()


def together(loads: Sequence[Load], do: str, size: int, clients: int, **more: Any) -> Taken:
    """So many clients, divided among the processes, beginning at the same moment."""
    names = [f"{size}-{number}" for number in range(clients)]
    for number, each in enumerate(loads):
        each.tell({"do": do, "size": size, "states": names[number :: len(loads)], **more})
    for each in loads:
        assert each.hear() == "ready"
    begin = time.monotonic() + 0.02  # Linux counts it alike in all processes
    for each in loads:
        each.tell(begin)
    answers = [each.hear() for each in loads]
    return sum(rate for rate, _ in answers), median(latency for _, latency in answers)


def take_turns(sides: Mapping[str, Side], rounds: int) -> dict[str, list[Taken]]:
    """What each side took in each round, the order turned round every time."""
    found: dict[str, list[Taken]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name, side in sorted(sides.items(), reverse=bool(turn % 2)):
            found[name].append(side())
    return found


def latency(taken: Sequence[Taken]) -> list[float]:
    """In ms."""
    return [each * 1e3 for _, each in taken]


def rate(taken: Sequence[Taken]) -> list[float]:
    """A second."""
    return [each for each, _ in taken]


def shown(values: Sequence[float]) -> str:
    """Median and range; small numbers with two decimals."""
    digits = 2 if median(values) < 100 else 0
    low, high = (f"{value:,.{digits}f}" for value in (min(values), max(values)))
    return f"{median(values):,.{digits}f} ({low}-{high})"


def line(name: str, bare: Sequence[float], stars: Sequence[float]) -> str:
    """One line of a table."""
    beside = shown(bare) if bare else "-"
    ratio = f"{median(stars) / median(bare):.2f}" if bare else "-"
    return f"| {name} | {beside} | {shown(stars)} | {ratio} |"


def main() -> None:
    """Measure and print Markdown tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    lines = ["| | bare, median (min-max) | Stars, median (min-max) | Stars / bare |"]
    lines.append("|---|---:|---:|---:|")
    with servers.running() as (database, store), folder() as data:
        make_durable(store)
        env = {"STARS_DATA_DIR": data, "DATABASE_URL": database, "REDIS_URL": f"{store}/1"}
        with loads_on(**env, STARS_STATE_STORE="database") as loads:
            loads[0].ask("migrate")
            prepare(loads[0])
            lines += on_postgresql(loads, Pgbench(database), rounds, seconds)
            reads = [*reading("PostgreSQL", loads, rounds, seconds / 4)]
            counts = loads[0].ask("queries")
        env |= {"STARS_STATE_STORE": "redis", "STARS_STATE_URL": f"{store}/2"}
        with loads_on(**env) as loads:
            prepare(loads[0])
            lines += on_redis(loads, f"{store}/3", rounds, seconds / 2)
            reads += reading("Redis", loads, rounds, seconds / 4)
    lines += on_sqlite(rounds, seconds / 4)
    tables = ("\n".join([*lines, *reads]), states_documents.table(), counts)
    print("\n\n".join(tables), flush=True)


@contextmanager
def folder() -> Iterator[str]:
    """A data directory, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="stars-bench-data-") as place:
        yield place


@contextmanager
def loads_on(**env: str) -> Iterator[list[Load]]:
    """All processes of clients, with these settings."""
    with ExitStack() as stack:
        yield [stack.enter_context(load(**env)) for _ in range(PROCESSES)]


def prepare(load: Load) -> None:
    """Make all states that are written and read."""
    for size in SIZES:
        load.ask("prepare", size=size, states=[f"{size}-{number}" for number in range(STATES)])


def make_durable(url: str) -> None:
    """From now on the server answers a write when it is on the disk; it never rewrites its file meanwhile."""
    with redis.Redis.from_url(url) as client:
        client.config_set("auto-aof-rewrite-percentage", 0)
        client.config_set("appendfsync", "always")
        client.config_set("appendonly", "yes")
        while client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.05)


def on_postgresql(
    loads: Sequence[Load], pgbench: Pgbench, rounds: int, seconds: int
) -> Iterator[str]:
    """Beside pgbench, which has as many clients in a process of its own."""
    for size, words in SIZES.items():
        bare = partial(pgbench.run, states_documents.document(size, n=0), seconds=seconds)
        stars = partial(together, do="cas", size=size, seconds=seconds)
        name = f"PostgreSQL, {words}"
        one = {"bare": partial(bare, clients=1), "stars": partial(stars, loads[:1], clients=1)}
        taken = take_turns(one, rounds)
        yield line(f"{name}, 1 client: CAS p50, ms", *map(latency, taken.values()))
        many = {
            "bare": partial(bare, clients=STATES),
            "1 x 16": partial(stars, loads[:1], clients=STATES),
            "4 x 4": partial(stars, loads, clients=STATES),
        }
        rates = {side: rate(each) for side, each in take_turns(many, rounds).items()}
        for shape in ("1 x 16", "4 x 4"):
            yield line(f"{name}, {shape} clients: CAS/s", rates["bare"], rates[shape])


def on_redis(loads: Sequence[Load], url: str, rounds: int, seconds: float) -> Iterator[str]:
    """Beside the script, run by as many threads of the same processes."""
    for size, words in SIZES.items():
        for some, clients, shape, shown_as in (
            (loads[:1], 1, "1 client: CAS p50, ms", latency),
            (loads[:1], STATES, "1 x 16 clients: CAS/s", rate),
            (loads, STATES, "4 x 4 clients: CAS/s", rate),
        ):
            side = partial(together, some, size=size, clients=clients, seconds=seconds)
            sides = {"bare": partial(side, do="lua", url=url), "stars": partial(side, do="cas")}
            taken = take_turns(sides, rounds)
            yield line(f"Redis, {words}, {shape}", *map(shown_as, taken.values()))


def reading(kind: str, loads: Sequence[Load], rounds: int, seconds: float) -> Iterator[str]:
    """get_state of 4 KiB."""
    for clients in (1, STATES):
        taken = [together(loads[:1], "get", 4096, clients, seconds=seconds) for _ in range(rounds)]
        who = "1 client" if clients == 1 else f"1 x {clients} clients"
        yield line(f"{kind}, 4 KiB, {who}: get_state/s", [], rate(taken))


def on_sqlite(rounds: int, seconds: float) -> Iterator[str]:
    """One client, as in the embedded shape: every commit is flushed."""
    with folder() as data:
        place = f"sqlite:///{data}/stars.sqlite3"
        env = {"STARS_DATA_DIR": data, "DATABASE_URL": place, "REDIS_URL": ""}
        with load(**env, STARS_STATE_STORE="database") as only:
            only.ask("migrate")
            prepare(only)
            for size, words in SIZES.items():
                taken = [together([only], "cas", size, 1, seconds=seconds) for _ in range(rounds)]
                yield line(f"SQLite, {words}, 1 client: CAS p50, ms", [], latency(taken))


if __name__ == "__main__":
    main()
