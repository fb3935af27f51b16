"""The run page in a real Chromium before a real site: first rows, scrolling, memory, live, viewers, weight.

python -m bench.runpage [--events 10000] [--seconds 30] [--viewers 50] [--parts open,live,viewers,weight] [--alone]

With `--alone` its processes go before all others of the machine while something is measured (needs root). Prints a
Markdown table with what we want and what was measured. Needs `make browser` or a Chromium on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psutil
from playwright.sync_api import CDPSession, Page, Response, sync_playwright

from bench.runpage_site import LIVE, ROOT, Site, running

PROBE: Final = (ROOT / "bench" / "runpage_probe.js").read_text()
#: A frame at 60 Hz, in milliseconds.
FRAME: Final = 1000 / 60
STORE: Final = "document.querySelector('stars-run').store"
#: (what, wanted, measured)
Row = tuple[str, str, str]


@contextmanager
def ahead(arguments: argparse.Namespace) -> Iterator[None]:
    """With `--alone`: everything that this process has started goes before what others run, meanwhile."""

    def put(policy: str, priority: str) -> None:
        me = psutil.Process()
        for each in (me, *me.children(recursive=True)):
            command = ["chrt", "--all-tasks", policy, "--pid", priority, str(each.pid)]
            subprocess.run(command, check=False, stderr=subprocess.DEVNULL)  # some have ended

    if not arguments.alone:
        yield
        return
    put("--rr", "2")
    try:
        yield
    finally:
        put("--other", "0")


def heap(client: CDPSession) -> float:
    """MiB that scripts hold, after a collection."""
    client.send("HeapProfiler.collectGarbage")
    metrics = client.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize")) / 2**20


def busy(client: CDPSession) -> float:
    """Seconds of processor time that the page's main thread has used: unlike frames, no busy machine adds to them."""
    metrics = client.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


def observed(page: Page) -> CDPSession:
    """A session with the page that counts processor time."""
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})
    return client


def frame_words(found: dict[str, list[float]]) -> str:
    """Frames per second, p95, the longest, how many were missed, long tasks."""
    frames = sorted(found["frames"])
    missed = sum(max(0, round(each / FRAME) - 1) for each in frames)
    share = 100 * missed / (missed + len(frames))
    tasks = found["tasks"]
    return (
        f"{1000 * len(frames) / sum(frames):.1f}/s, p95 {frames[int(len(frames) * 0.95)]:.1f} ms, "
        f"longest {frames[-1]:.0f} ms, {missed} missed ({share:.1f} %), "
        f"{len(tasks)} long tasks{f' (longest {max(tasks):.0f} ms)' if tasks else ''}"
    )


def measure_open(site: Site, page: Page, arguments: argparse.Namespace) -> list[Row]:
    """A finished run: time to rows, scrolling, memory."""
    run = site.finished(arguments.events)
    client = observed(page)
    page.goto(f"{site.url}/")
    empty = heap(client)
    with ahead(arguments):
        page.goto(f"{site.url}/runs/{run}/")
        _wait(page, "probe.rows && probe.read")
        rows, read = page.evaluate("[probe.rows, probe.read]")
        page.goto("about:blank")
        used = busy(client)
        page.goto(f"{site.url}/runs/{run}/")
        _wait(page, "probe.rows && probe.read")
        used = busy(client) - used
        again = page.evaluate("probe.rows")
    page.wait_for_timeout(1000)
    before = heap(client)
    nodes = page.evaluate("document.querySelectorAll('*').length")
    out = [
        ("first rows, s (cold; warm)", "< 1", f"{rows / 1000:.2f}; {again / 1000:.2f}"),
        ("log read to its end, s", "", f"{read / 1000:.2f}; processor time {used:.2f}"),
        ("elements on the page", "", f"{nodes:,}"),
    ]
    for name, selector in (("log", "run-log"), ("story", "run-story")):
        if not page.query_selector(selector):
            continue
        used = busy(client)
        with ahead(arguments):
            found = page.evaluate(f"probe.scroll({selector!r}, 4000, 240)")
        used = 1000 * (busy(client) - used) / len(found["frames"])
        words = f"{frame_words(found)}; {used:.1f} ms of processor time a frame"
        out.append((f"scrolling the {name}, frames", "60/s", words))
    after = heap(client)
    words = f"{before:.1f} read, {after:.1f} after scrolling ({empty:.1f} on the home page)"
    out.append(("memory of scripts, MiB", "bounded", words))
    return out


def measure_live(site: Site, page: Page, arguments: argparse.Namespace) -> list[Row]:
    """A run that streams, with the page open."""
    client = observed(page)
    run = site.start()
    page.goto(f"{site.url}/runs/{run}/")
    _wait(page, f"{STORE}.position > 50")
    begun, at = time.perf_counter(), site.events(run)
    before, used = heap(client), busy(client)
    with ahead(arguments):
        found = page.evaluate(f"probe.record({int((arguments.seconds - 5) * 1000)})")
    took = time.perf_counter() - begun
    rate, used = (site.events(run) - at) / took, 100 * (busy(client) - used) / took
    words = f"{before:.1f} at its beginning, {heap(client):.1f} at its end"
    _until_ended(site, run)
    _wait(page, f"{STORE}.view.endedAt")
    last = site.events(run)
    shown = page.evaluate(f"{STORE}.position")
    return [
        (f"live at {rate:.0f} events/s, frames", "60/s", frame_words(found)),
        ("the page's main thread meanwhile", "", f"{used:.0f} % of a processor"),
        ("memory of scripts, MiB", "bounded", words),
        ("events in the page of those in the log", "all", f"{shown:,} of {last:,}"),
    ]


def measure_viewers(site: Site, page: Page, arguments: argparse.Namespace) -> list[Row]:
    """Plain sockets, no browser."""
    page.goto("about:blank")
    run = site.start()
    order = [site.socket, site.token, run, arguments.viewers, arguments.seconds + 30]
    command = [sys.executable, "-m", "bench.runpage_viewers", json.dumps(order)]
    server = psutil.Process(site.process.pid)
    before, begun = server.cpu_times(), time.perf_counter()
    with ahead(arguments):
        said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found = json.loads(said.stdout)
    after, took = server.cpu_times(), time.perf_counter() - begun
    used = 100 * (after.user + after.system - before.user - before.system) / took
    rate = found["events"] / found["seconds"]
    words = f"p50 {found['p50']:.0f}, p95 {found['p95']:.0f}, p99 {found['p99']:.0f}, longest {found['most']:.0f}"
    fewest = f"{found['least']:,} of {site.events(run):,} at the viewer with the fewest"
    return [
        (f"{found['viewers']} viewers at {rate:.0f} events/s, ms", "p95 < 250", words),
        ("events delivered", "all", fewest),
        ("the server meanwhile, engine included", "", f"{used:.0f} % of a processor"),
    ]


def measure_weight(site: Site, page: Page, arguments: argparse.Namespace) -> list[Row]:
    """Script and style of each page, as they are before compression, and requests of a first visit."""
    run = site.rest.get("runs/").json()["results"][0]["id"]
    paths = ["", f"groups/{LIVE}/", "runs/", f"runs/{run}/", "runs/import/", "inbox/"]
    paths += ["agents/", "states/", f"groups/{LIVE}/states/", "budget/", "tokens/"]
    rows: list[Row] = []
    for path in paths:
        seen: list[Response] = []

        def note(response: Response, seen: list[Response] = seen) -> None:
            seen.append(response)

        page.on("response", note)
        page.goto(f"{site.url}/{path}", wait_until="networkidle")
        page.remove_listener("response", note)
        heavy = [r for r in seen if r.request.resource_type in ("script", "stylesheet") and r.ok]
        weight = sum(len(r.body()) for r in heavy) / 1000
        words = f"{weight:.0f} kB in {len(heavy)} files, {len(seen)} requests"
        rows.append((f"script and style of `/{path.replace(run, '<id>')}`", "<= 300 kB", words))
    return rows


def _wait(page: Page, condition: str) -> None:
    """Until the condition holds in the page; its policy forbids Playwright's own way, which is eval."""
    until = time.monotonic() + 60
    while not page.evaluate(condition):
        if time.monotonic() > until:
            raise TimeoutError(condition)
        page.wait_for_timeout(100)


def _until_ended(site: Site, run: str) -> None:
    while site.rest.get(f"runs/{run}/").json()["status"] not in ("completed", "failed"):
        time.sleep(0.5)


PARTS: Final[dict[str, Callable[[Site, Page, argparse.Namespace], list[Row]]]] = {
    "open": measure_open,
    "live": measure_live,
    "viewers": measure_viewers,
    "weight": measure_weight,
}


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--alone", action="store_true")
    arguments = parser.parse_args(given)
    # A first site's rows are written in this process, beside Playwright's event loop.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    with running(arguments.seconds) as (site, link), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script(PROBE)
        page = context.new_page()
        page.goto(link)
        print("| | wanted | measured |\n|---|---|---|")
        page.wait_for_timeout(8000)  # the demonstration that starts with the site comes to its end
        for part in arguments.parts.split(","):
            page.goto(f"{site.url}/")
            for row in PARTS[part](site, page, arguments):
                print(f"| {' | '.join(row)} |", flush=True)
        browser.close()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"\n{os.cpu_count()} processors, load averages {load}")


if __name__ == "__main__":
    main()
