"""The recipe for language models in the documentation, as somebody would follow it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from groups.models import Agent
from tests.factories import make_token, make_user
from tests.llm.asking import KEY
from tests.llm.stub import Stub, refusal
from tests.llm.test_testing import able

EXAMPLE = Path(settings.BASE_DIR) / "docs/examples/llm_agent.py"


@pytest.mark.django_db(transaction=True)
def test_the_example_registers_a_model_and_tries_it_out(live_server: Any, stub: Stub) -> None:
    token = make_token(user=make_user(username="ada"))

    def followed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, EXAMPLE, live_server.url, *words],
            env={**os.environ, "STARS_TOKEN": token, "MODEL_KEY": KEY},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    stub.answer = able("native", "tool")
    done = followed("writer", "qwen3:8b", stub.url)
    assert done.returncode == 0, done.stderr
    assert "works  structured output by JSON schema: works" in done.stdout
    assert "fails  structured output by words" in done.stdout
    assert Agent.objects.get().ability["structured"] == "native"
    assert stub.headers[0]["authorization"] == f"Bearer {KEY}"
    stub.answer = lambda body: refusal(401, "no")
    refused = followed("other", "qwen3:8b", stub.url)
    assert refused.returncode == 1 and "refused the key" in refused.stdout
    unnamed = followed("third", "gpt-5")
    assert unnamed.returncode == 1 and "give the base URL" in unnamed.stderr
