"""What is done to the site while clients work: a schedule drawn from the seed, and how each thing is done."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Final

from tests.soak.processes import Site, Web
from tests.soak.stage import Stage

#: Kind of fault to what may be done; `WEB` stands for either web process, `S` for seconds.
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "kill-web": ("kill WEB",),
    "kill-worker": ("kill worker",),
    "kill-redis": ("kill redis S",),
    "stop-web": ("freeze WEB S",),
    "restart-postgres": ("crash postgres S",),
    "proxy": (
        *("delay WEB S", "drop WEB", "reset WEB", "repeat WEB S"),
        *("hold_up WEB S", "hold_down WEB S", "refuse WEB S"),
    ),
}
#: Seconds between the end of one and the beginning of the next, at least and at most.
PAUSE: Final = (1.5, 4.0)
#: Seconds that what has an end takes, and those that a killed process needs to be back.
LASTS: Final = (0.5, 4.0)
RESTART: Final = 4.0


def schedule(kind: str, chance: Random, seconds: float, webs: int = 2) -> list[tuple[float, str]]:
    """What is done when, in seconds after the beginning; at least one thing, all over before the end."""
    found: list[tuple[float, str]] = []
    at = min(2.0, seconds / 4)
    left = list(KINDS[kind])
    while KINDS[kind] and (not found or at < seconds - RESTART):
        left = left or list(KINDS[kind])  # each in turn, in a drawn order
        what = left.pop(chance.randrange(len(left)))
        lasts = chance.uniform(*LASTS) if " S" in what else 0.0
        what = what.replace("WEB", f"web{chance.randrange(webs)}").replace(" S", f" {lasts:.1f}")
        found.append((round(at, 1), what))
        at += lasts + chance.uniform(*PAUSE) + (RESTART if what.startswith("kill w") else 0.0)
    return found


async def carry_out(stage: Stage, plan: list[tuple[float, str]]) -> None:
    """Do it all at its time."""
    begun = time.monotonic()
    for at, what in plan:
        await asyncio.sleep(max(0.0, begun + at - time.monotonic()))
        stage.recorder.fault(what)
        await do(stage.site, what)
        stage.coverage[f"fault {what.split()[0]}"] += 1


async def do(site: Site, what: str) -> None:
    """One thing, to its end."""
    verb, target, *rest = what.split()
    seconds = float(rest[0]) if rest else 0.0
    web = _web(site, target)
    match verb, target:
        case "kill", "worker":
            await site.restart(site.worker)
        case "kill", "redis":
            await site.restart_redis(seconds)
        case "kill", _ if web is not None:
            await site.restart(web)
        case "crash", "postgres":
            await site.restart_postgres(seconds)
        case "freeze", _ if web is not None:
            web.freeze()
            try:
                await asyncio.sleep(seconds)
            finally:
                web.thaw()
        case (("drop" | "reset"), _) if web is not None:
            getattr(web.proxy, verb)()
        case _ if web is not None:
            await _bend(web, verb, seconds)
        case _:
            raise ValueError(f"Nobody knows how to {what}.")


async def _bend(web: Web, verb: str, seconds: float) -> None:
    match verb:
        case "delay":
            web.proxy.delay = 0.3
        case "repeat":
            web.proxy.repeat = 0.5
        case "refuse":
            web.proxy.refusing = True
            web.proxy.reset()
        case "hold_up":
            web.proxy.hold_up = True
        case "hold_down":
            web.proxy.hold_down = True
        case _:
            raise ValueError(f"Nobody knows how to {verb} a network.")
    try:
        await asyncio.sleep(seconds)
    finally:
        web.proxy.heal()


async def heal(site: Site) -> None:
    """Everything runs and answers again."""
    for process in (*site.webs, site.worker):  # a worker that was never started has no pid
        process.thaw()
        if process.pid and not process.running:
            process.start()
    for web in site.webs:
        web.proxy.heal()
        await web.ready()


def _web(site: Site, name: str) -> Web | None:
    return next((web for web in site.webs if web.name == name), None)
