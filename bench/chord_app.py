"""The yardstick: a bare Celery chord of no-op subtasks, neither durable nor observed."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, chord

URL = os.environ["BENCH_CHORD_URL"]
app = Celery("chord", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True, result_expires=600)


@app.task(bind=True)
def plan(self: Any, n: int) -> Any:
    """Plan n subtasks and a summary."""
    raise self.replace(chord([work.si(index) for index in range(n)], summary.s()))


@app.task
def work(index: int) -> str:
    """One subtask."""
    return "ok"


@app.task
def summary(results: list[str]) -> int:
    """Sum up."""
    return len(results)
