"""Durable runs whose agents answer at once, against a bare Celery chord on the same Redis.

    python -m bench.engine [rounds]

W(n): wall time of one run (plan, n subtasks, summary) from submission to its end as the submitter sees it.
Both sides have two prefork worker processes, rounds alternate between them, medians are compared.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

SIZES = (3, 10, 100)
REPEATS = {3: 15, 10: 10, 100: 5}
TOGETHER = 200
Side = tuple[Callable[[int], None], Callable[[int], None]]


@contextmanager
def worker(app: str, *without: str) -> Iterator[None]:
    """A Celery worker with two prefork processes, its environment `without` these variables."""
    command = [sys.executable, "-m", "celery", "-A", app, "worker", "-l", "ERROR", "-P", "prefork"]
    command += ["-c", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    env = {name: value for name, value in os.environ.items() if name not in without}
    process = subprocess.Popen(command, env=env)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def chord_side() -> Side:
    """Submit-and-wait of one chord, and of many together."""
    from bench import chord_app
    from stars_site.celery import app

    app.set_current()  # the yardstick's application made itself the current one

    def one(n: int) -> None:
        assert chord_app.plan.delay(n).get(timeout=120) == n

    def many(count: int) -> None:
        for result in [chord_app.plan.delay(3) for _ in range(count)]:
            assert result.get(timeout=300) == 3

    return one, many


def stars_side() -> Side:
    """The same for runs, whose every event is stored and published; the end is heard through the hub."""
    import queue

    from groups import live
    from groups.models import Agent, Group, Member, Run
    from groups.services import runs
    from state import fanout

    groups = {}
    for n in SIZES:
        group = Group.objects.create(id=f"bench-{n}", name=f"bench {n}")
        cast = {"lead": {"skill": "leader", "script": {"plan": n, "reply": "done"}}}
        cast |= {f"w{i}": {"skill": "digest", "script": {"reply": "ok"}} for i in range(3)}
        for name, config in cast.items():
            agent = Agent.objects.create(agent_id=f"bench-{n}-{name}", config=config)
            role = "leader" if name == "lead" else "worker"
            Member.objects.create(group=group, agent=agent, role=role)
        groups[n] = group
    ended: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    ears = fanout.hub().subscribe(live.DASHBOARD, lambda message: ended.put(message.payload))
    ears.ready.result(10)

    def wait(ids: set[uuid.UUID]) -> None:
        waiting = {str(run_id) for run_id in ids}
        while waiting:
            payload = ended.get(timeout=120)
            if b'"status":"completed"' in payload:
                waiting = {run_id for run_id in waiting if run_id.encode() not in payload}

    def submit(n: int) -> uuid.UUID:
        return runs.start(actor=None, group=groups[n], task="bench", max_parallel=128).id

    def one(n: int) -> None:
        wait({submit(n)})

    def many(count: int) -> None:
        ids = {submit(3) for _ in range(count)}
        wait(ids)
        ends = set(Run.objects.filter(id__in=ids).values_list("status", "last_seq"))
        assert ends == {("completed", 24)}, ends

    return one, many


def seconds(action: Callable[[int], None], argument: int) -> float:
    """How long the action takes."""
    start = time.perf_counter()
    action(argument)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print a Markdown table."""
    from bench import servers

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with servers.running() as (database, redis):
        os.environ |= {
            "DATABASE_URL": database,
            "REDIS_URL": f"{redis}/1",
            "BENCH_CHORD_URL": f"{redis}/2",
            "DJANGO_SETTINGS_MODULE": "stars_site.settings",
            "STARS_DATA_DIR": os.environ.get("TMPDIR", "/tmp") + "/stars-bench-data",
            "STARS_WORKER_SLOTS": "128",
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        with worker("stars_site"), worker("bench.chord_app", "DJANGO_SETTINGS_MODULE"):
            sides = {"chord": chord_side(), "stars": stars_side()}
            print(table(measure(sides, rounds)), flush=True)


def measure(sides: dict[str, Side], rounds: int) -> dict[tuple[str, str], list[float]]:
    """Seconds per (side, measure); the sides take turns, the first round warms up and is thrown away."""
    found: dict[tuple[str, str], list[float]] = {}
    for turn in range(rounds + 1):
        for name, (one, many) in sorted(sides.items(), reverse=bool(turn % 2)):
            taken = {f"W({n})": [seconds(one, n) for _ in range(REPEATS[n])] for n in SIZES}
            taken["200 runs"] = [seconds(many, TOGETHER)]
            if turn:
                for key, values in taken.items():
                    found.setdefault((name, key), []).extend(values)
    return found


def table(found: dict[tuple[str, str], list[float]]) -> str:
    """The medians side by side."""
    lines = ["| | chord ms | Stars ms (min-max) | ratio |", "|---|---|---|---|"]
    for n in SIZES:
        chord, stars = (found[side, f"W({n})"] for side in ("chord", "stars"))
        spread = f"{min(stars) * 1e3:.1f}-{max(stars) * 1e3:.1f}"
        lines.append(
            f"| W({n}) | {median(chord) * 1e3:.1f} | {median(stars) * 1e3:.1f} ({spread})"
            f" | {median(stars) / median(chord):.2f} |"
        )
    chord, stars = (TOGETHER / median(found[side, "200 runs"]) for side in ("chord", "stars"))
    lines.append(f"| runs/s | {chord:.1f} | {stars:.1f} | {stars / chord:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
