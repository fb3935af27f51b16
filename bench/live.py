"""From commit to browser socket: how long, how many, and is anything lost? Prints a Markdown table.

    python -m bench.live [--rounds 5] [--sockets 1,100,500] [--seconds 3] [--rate 50]

One real Daphne serves Stars over PostgreSQL and Redis; raw sockets in another process watch one run; a third process
writes events through the database and `live.announce`. Beside it, on the same Daphne: `group_send` of Channels' Redis
pub/sub layer; and a bare Redis publish and subscribe. The clock of an event starts when its commit has returned.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import IO, Any

import psutil

from bench.servers import free_port, running

ROOT = Path(__file__).resolve().parent.parent
PAD = "x" * 160


def publisher(kind: str, run_id: str, events: int, rate: float) -> None:
    """The publisher process: `events` events at that rate in the way of `kind`; prints when each was said."""
    from django.conf import settings

    said: list[int] = []
    say: Any
    if kind == "stars":
        import django

        django.setup()
        from django.db import transaction

        from groups.models import Run
        from tests.factories import append_events

        run = Run.objects.get(pk=run_id)

        def say(number: int) -> None:
            with transaction.atomic():
                transaction.on_commit(lambda: said.append(time.monotonic_ns()))
                append_events(run=run, data={"n": number, "text": PAD})

    elif kind == "layer":
        from channels_redis.pubsub import RedisPubSubChannelLayer

        loop, layer = asyncio.new_event_loop(), RedisPubSubChannelLayer(hosts=[settings.REDIS_URL])

        def say(number: int) -> None:
            text = json.dumps({"n": number, "text": PAD * 2})
            said.append(time.monotonic_ns())
            loop.run_until_complete(layer.group_send("bench", {"type": "event", "text": text}))

    else:
        import redis

        client = redis.Redis.from_url(settings.REDIS_URL)

        def say(number: int) -> None:
            text = json.dumps({"n": number, "text": PAD * 2})
            said.append(time.monotonic_ns())
            client.publish("bench", text)

    begun = time.monotonic()
    for number in range(events):
        say(number)
        pause = begun + (number + 1) / rate - time.monotonic()
        if pause > 0:
            time.sleep(pause)
    print(json.dumps(said))


class Bench:
    """The servers and one round after the other."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.port = free_port()

    def start(self, folder: Path, database_url: str, redis_url: str) -> None:
        """Rows and Daphne."""
        self.redis_url = redis_url
        os.environ |= {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "STARS_DATA_DIR": str(folder),
            "STARS_SECRET_KEY": "for the benchmark only",
            "DJANGO_SETTINGS_MODULE": "stars_site.settings",
        }
        import django

        django.setup()
        from django.core.management import call_command

        from tests import factories

        call_command("migrate", verbosity=0)
        user = factories.make_user(username="ada")
        self.token = factories.make_token(user=user)
        self.group = factories.make_group(owner=user)
        command = ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port)]
        self.daphne = subprocess.Popen(
            [sys.executable, *command, "bench.live_server:application"], cwd=ROOT
        )
        self.cpu = psutil.Process(self.daphne.pid)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.1)

    def stop(self) -> None:
        """Daphne."""
        self.daphne.kill()
        self.daphne.wait()

    def round(self, kind: str, sockets: int) -> dict[str, Any]:
        """One round on a run of its own, after Daphne has come to rest."""
        from tests import factories

        events = int(self.arguments.seconds * self.arguments.rate)
        run = factories.make_run(group=self.group)
        order = {
            "kind": kind,
            "sockets": sockets,
            "port": self.port,
            "path": "/ws/v1/live/" if kind == "stars" else "/layer/",
            "headers": f"Authorization: Token {self.token}\r\n",
            "frame": json.dumps({"type": "subscribe", "topic": f"run:{run.id}"})
            if kind == "stars"
            else "",
            "redis": self.redis_url,
            "events": events,
            "patience": 6.0,
        }
        while self.cpu.cpu_percent(0.3) > 10:
            pass
        load = subprocess.Popen(
            [sys.executable, "-m", "bench.live_load"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        stdin, stdout = _pipe(load.stdin), _pipe(load.stdout)
        stdin.write(json.dumps(order).encode() + b"\n")
        stdin.flush()
        assert stdout.readline() == b"ready\n"
        before = self.cpu.cpu_times()
        call = f"publisher({kind!r}, {str(run.id)!r}, {events}, {self.arguments.rate})"
        code = f"from bench.live import publisher; {call}"
        said = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        stdin.write(said.stdout.splitlines()[-1] + b"\n")
        stdin.flush()
        result: dict[str, Any] = json.loads(stdout.readline())
        load.wait()
        after = self.cpu.cpu_times()
        result["cpu"] = after.user + after.system - before.user - before.system
        return result


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def main() -> None:
    """Interleaved rounds, medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sockets", default="1,100,500")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=50.0)
    arguments = parser.parse_args()
    results: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    bench = Bench(arguments)
    with tempfile.TemporaryDirectory() as folder, running() as (database_url, redis_url):
        bench.start(Path(folder), database_url, redis_url)
        try:
            for number in range(arguments.rounds):
                results["redis", 1].append(bench.round("redis", 1))
                for sockets in map(int, arguments.sockets.split(",")):
                    # Whichever comes second finds the machine warmer, so they take turns.
                    for kind in ("stars", "layer")[:: 1 if number % 2 else -1]:
                        results[kind, sockets].append(bench.round(kind, sockets))
                        print(
                            number,
                            kind,
                            sockets,
                            results[kind, sockets][-1],
                            file=sys.stderr,
                            flush=True,
                        )
        finally:
            bench.stop()
    print(
        f"Medians of {arguments.rounds} rounds of {arguments.seconds:g} s at {arguments.rate:g} events/s; "
        "lost is what has not arrived 6 s after the last one\n"
    )
    print(
        "| path | sockets | p50 ms | p99 ms | deliveries/s | events per frame | Daphne's CPU s | lost |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    names = {
        "stars": "Stars: commit to socket",
        "layer": "Channels `group_send` to socket",
        "redis": "bare Redis",
    }
    for (kind, sockets), rounds in sorted(
        results.items(), key=lambda item: (item[0][1], item[0][0])
    ):
        total = sum(each["missing"] for each in rounds)
        assert not any(each["broken"] for each in rounds), "a socket's events were not consecutive"
        expected = arguments.seconds * arguments.rate * sockets

        def median(key: str, rounds: list[dict[str, Any]] = rounds) -> float:
            return statistics.median(each[key] for each in rounds)

        per_frame = (expected - median("missing")) / max(1.0, median("frames"))
        print(
            f"| {names[kind]} | {sockets} | {median('p50'):.1f} | {median('p99'):.1f} | "
            f"{median('per_second'):,.0f} | {per_frame:.1f} | {median('cpu'):.2f} | "
            f"{total:,} of {expected * len(rounds):,.0f} |"
        )


if __name__ == "__main__":
    main()
