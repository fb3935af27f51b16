"""The end of a run: everything is read from everywhere and compared, every history is judged and kept."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from state import jsonvalue
from state.sync import protocol
from tests.soak import history
from tests.soak.hooks import Hook
from tests.soak.processes import Web
from tests.soak.records import Log
from tests.soak.replica import Replica
from tests.soak.stage import Stage
from tests.soak.talking import open_socket, socket_url
from tests.soak.validators import judge
from tests.soak.workloads.base import Workload

#: Seconds in which subscribers have everything, once everything is quiet: a little more than the lease of a worker that
#: was killed while it sent to a webhook.
ARRIVED: Final = 75.0


async def findings(stage: Stage, workload: Workload) -> list[str]:
    """What is wrong, in words. The clients have ended and the site is well again."""
    found = await workload.settle(stage)
    log = await stage.settled()
    found += await _arrival(stage, log)
    final = await stage.site.ask("states", space=stage.space)
    found += _against_the_log(log, final)
    for web in stage.site.webs:
        found += await _same(stage, web, final)
    for watcher in stage.watchers:
        watcher.hold()
        stage.coverage += watcher.counts
    for watcher in stage.watchers:
        if isinstance(watcher, Hook):
            watcher.save(stage.folder)
        history.save_watch(stage.folder, watcher.watch)
        found += judge(watcher.watch, log) + watcher.oddities
        await asyncio.sleep(0)
    history.save_log(stage.folder, stage.entries, stage.windows())
    found += workload.judge(stage, log, final)
    return found + stage.oddities


async def _arrival(stage: Stage, log: Log) -> list[str]:
    """Wait until every subscriber has everything; who has not."""
    for watcher in stage.watchers:
        await watcher.calm_down()
    waiting = stage.watchers
    try:
        async with asyncio.timeout(ARRIVED):
            while waiting := [each for each in waiting if not each.has_all(log)]:
                await asyncio.sleep(0.1)
    except TimeoutError:
        pass
    return [
        f"{each.watch.name} has not everything {ARRIVED} s after the end: {dict(each.counts)}"
        for each in waiting
    ]


def _against_the_log(log: Log, final: dict[str, Any]) -> list[str]:
    """Revisions without gaps, versions without gaps, and what stands is what the log says."""
    found = []
    revs = sorted({entry.rev for entry in log.entries})
    if revs != list(range(1, len(revs) + 1)):
        missing = sorted(set(range(1, log.head + 1)) - set(revs))
        found.append(f"the log has {len(revs)} revisions up to {log.head}; missing {missing[:5]}")
    for state_id in log.ids:
        last = log.at(state_id, log.head)
        assert last is not None
        versions = [entry.v for entry in log.entries if entry.id == state_id]
        if versions != list(range(1, len(versions) + 1)):
            found.append(f"{state_id} has the versions {versions[:5]} … {versions[-1]}")
        state = final.get(state_id)
        stands = state and (state["uid"], state["v"], state["h"])
        logged = None if last.kind == "delete" else (last.uid, last.v, last.h)
        if stands != logged:
            found.append(f"{state_id} stands as {stands}, and the log says {logged}")
        if state and jsonvalue.digest(state["data"]) != state["h"]:
            found.append(f"the data of {state_id} have another hash than it says")
    return found


async def _same(stage: Stage, web: Web, final: dict[str, Any]) -> list[str]:
    """What this web process answers to reads, and in a fresh snapshot, is what the store has."""
    found = []
    http = stage.http(webs=[web], direct=True)
    for state_id, state in final.items():
        answer = await http.read(state_id)
        if answer.end != "ok":
            found.append(f"{web.name} answers {answer.status} {answer.note} for {state_id}")
            continue
        read = {"uid": answer.body["uid"], "v": answer.body["version"], "data": answer.body["data"]}
        if not jsonvalue.json_equal(read, {key: state[key] for key in read}):
            found.append(f"{web.name} answers v{read['v']} of {state_id}, stored is v{state['v']}")
    snapshot = await fresh_snapshot(stage, web)
    held = {key: (doc.uid, doc.v, jsonvalue.digest(doc.data)) for key, doc in snapshot.items()}
    stored = {key: (state["uid"], state["v"], state["h"]) for key, state in final.items()}
    different = sorted(
        key for key in held.keys() | stored.keys() if held.get(key) != stored.get(key)
    )
    if different:
        found.append(f"a fresh snapshot of {web.name} differs in {different[:5]}")
    return found


async def fresh_snapshot(stage: Stage, web: Web) -> dict[str, Any]:
    """Everything, as the group's owner gets it from this web process past the proxy."""
    replica = Replica()
    socket = await open_socket(socket_url(web.direct_url, stage.space))
    try:
        hello = protocol.Hello(proto=protocol.PROTO, token_auth=stage.token)
        await socket.send(protocol.encode(hello))
        await socket.send(protocol.encode(protocol.Sub(sub=1, states=("*",))))
        async with asyncio.timeout(ARRIVED):
            while True:
                frame = protocol.parse_server(await socket.recv())
                if isinstance(frame, protocol.Snap | protocol.Delta):
                    replica.take(frame)
                if isinstance(frame, protocol.Mark) and frame.synced:
                    return replica.alive()
    finally:
        await socket.close()
