"""Runs brought to each stage, and people's commands in a word each."""

from __future__ import annotations

from collections.abc import Callable

from groups.events import RunResumed
from groups.execution import steering
from tests.unit.world import World, item, plan

TWO = plan(item("a"), item("b", "a"))


def steer(world: World, command: Callable[..., None], *args: object, **kwargs: object) -> None:
    with world.machine() as machine:
        command(machine, *args, **kwargs)


def pause(world: World) -> None:
    steer(world, steering.pause, by="bo")


def resume(world: World) -> RunResumed:
    steer(world, steering.resume, by="bo")
    event = world.last("run.resumed")
    assert isinstance(event, RunResumed) and event.status == world.run.status
    return event


def retry(world: World) -> RunResumed:
    steer(world, steering.retry, by="bo")
    event = next(e for e in reversed(world.log) if isinstance(e.event, RunResumed)).event
    assert isinstance(event, RunResumed)
    return event


def cancel(world: World) -> None:
    steer(world, steering.cancel, by="bo", reason="enough")


# --- the stages ---


def queued() -> World:
    world = World(approve_plan=True)
    world.begin()
    return world


def planning() -> World:
    world = queued()
    world.claim()
    return world


def awaiting() -> World:
    world = World(approve_plan=True)
    world.planned(TWO)
    return world


def running() -> World:
    world = World()
    world.planned(TWO)
    world.claim()
    return world


def summarising() -> World:
    world = running()
    world.complete(world["a"])
    world.do("b")
    world.claim()
    return world


def completed() -> World:
    world = summarising()
    world.complete(world["summary"], "all")
    return world


def failed() -> World:
    world = running()
    world.fail(world["a"])
    return world


def cancelled() -> World:
    world = running()
    cancel(world)
    return world


UNDER_WAY = [queued, planning, awaiting, running, summarising]
ENDED = [completed, failed, cancelled]
Maker = Callable[[], World]
