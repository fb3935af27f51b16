"""What an agent's process tells of its use counts, and at a cap it is given nothing further."""

from __future__ import annotations

from groups.models import Call, Group
from groups.services import spending
from tests.dialin.process import Address, dialled
from tests.dialin.test_runs import start
from tests.engine.conftest import Doorbell
from tests.engine.scripted import ended, sub


def test_a_process_is_given_nothing_further_once_the_cap_is_reached(
    doorbell: Doorbell, dora: Address, crew: Group
) -> None:
    run = start(
        crew, "- @dora count the ships\n- @dora count the barges", max_tokens=100, max_parallel=1
    )
    with dialled(dora) as process:
        process.hello()
        call = process.hear("work")["call"]
        process.say(call, "usage", input_tokens=100)
        process.say(call, "done", text="7")
        run = ended(run)
    assert (sub(run, "1").status, sub(run, "2").status) == ("completed", "failed")
    assert run.stop_reason == "The run's cap of 100 tokens is reached."
    assert spending.of_run(run.pk).tokens == 100
    assert Call.objects.count() == 1
