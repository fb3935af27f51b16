"""The one-process server from its start to `/readyz` and to the demo run's first event; its memory.

python -m bench.embedded [rounds]
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from statistics import median

import httpx
import psutil

from bench.servers import free_port


def start_once() -> tuple[float, float, float]:
    """Seconds to ready, seconds to the demo run's first event, MiB of memory 5 s later, in a fresh data directory."""
    with tempfile.TemporaryDirectory(prefix="stars-bench-") as folder:
        port = free_port()
        env = {
            **os.environ,
            "STARS_DATA_DIR": folder,
            "STARS_PORT": str(port),
            "STARS_ADMIN_PASSWORD": "bench-password",
        }
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], env=env, stdout=subprocess.DEVNULL
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
                ready = wait(client, "/readyz", begun)
                who = {"username": "admin", "password": "bench-password"}
                token = client.post("/api/v1/auth/token/", json=who).json()["token"]
                client.headers["Authorization"] = f"Token {token}"
                run = client.get("/api/v1/runs/").json()["results"][0]["id"]
                wait(client, f"/api/v1/runs/{run}/events/", begun, r'"seq": ?1\b')
                first = time.perf_counter() - begun
                time.sleep(5)
            memory = psutil.Process(process.pid).memory_info().rss / 2**20
        finally:
            process.terminate()
            process.wait(30)
    return ready, first, memory


def wait(client: httpx.Client, path: str, begun: float, pattern: str = "") -> float:
    """Seconds since `begun` when the address answers 200 with `pattern` in it; looks every 10 ms for a minute."""
    while time.perf_counter() - begun < 60:
        try:
            answer = client.get(path)
            if answer.status_code == 200 and re.search(pattern, answer.text):
                return time.perf_counter() - begun
        except httpx.TransportError:
            pass
        time.sleep(0.01)
    raise TimeoutError(f"{path} was not as expected within a minute")


def main() -> None:
    """Measure and print a Markdown table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    columns = list(zip(*[start_once() for _ in range(rounds)], strict=True))
    print("| | median | min-max |\n|---|---|---|")
    names = ("start to /readyz, s", "start to the demo run's first event, s", "memory, MiB")
    for name, values in zip(names, columns, strict=True):
        print(f"| {name} | {median(values):.2f} | {min(values):.2f}-{max(values):.2f} |")


if __name__ == "__main__":
    main()
