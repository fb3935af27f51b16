"""Settings of language models: what is right, and which field is named when something is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from groups.agents import configs
from groups.agents.llm import parse_config
from state.errors import Invalid


@pytest.mark.parametrize(
    ("model", "base_url", "provider", "name"),
    [
        ("openai:gpt-5-mini", "", "openai", "gpt-5-mini"),
        ("openai-responses:gpt-5", "", "openai-responses", "gpt-5"),
        ("anthropic:claude-sonnet-4-5", "", "anthropic", "claude-sonnet-4-5"),
        ("google:gemini-2.5-flash", "", "google", "gemini-2.5-flash"),
        # What looks like a prefix is part of the name where the server chose it.
        ("qwen3:8b", "http://127.0.0.1:11434/v1", "openai", "qwen3:8b"),
        ("meta/llama-4", "https://vllm.example/v1", "openai", "meta/llama-4"),
    ],
)
def test_a_model_is_named_by_provider_or_by_the_server_at_the_base_url(
    model: str, base_url: str, provider: str, name: str
) -> None:
    found = parse_config({"model": model, "base_url": base_url})
    assert (found.provider, found.model_name) == (provider, name)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "config.model"),
        ({"model": ""}, "config.model"),
        ({"model": "openai:"}, "config.model"),
        ({"model": "gpt-5"}, "config.model"),
        ({"model": "groq:llama"}, "config.model"),
        ({"model": 7}, "config.model"),
        ({"model": "m", "base_url": "localhost:11434"}, "config.base_url"),
        ({"model": "m", "base_url": "ftp://x/v1"}, "config.base_url"),
        ({"model": "m", "base_url": "http:///v1"}, "config.base_url"),
        ({"model": "m", "base_url": "http://x:99999/v1"}, "config.base_url"),
        ({"model": "m", "base_url": "http://me:secret@x/v1"}, "config.base_url"),
        ({"model": "m", "base_url": "http://x/v1?key=1"}, "config.base_url"),
        ({"model": "m", "base_url": "http://x y/v1"}, "config.base_url"),
        ({"model": "openai:x", "settings": {"temperature": 3}}, "config.settings.temperature"),
        ({"model": "openai:x", "settings": {"heat": 1}}, "config.settings"),
        ({"model": "openai:x", "time_limit": 0}, "config.time_limit"),
        ({"model": "openai:x", "retries": 11}, "config.retries"),
        ({"model": "openai:x", "context_window": 100}, "config.context_window"),
        ({"model": "openai:x", "api_key": "sk-1"}, "config"),
        ({"model": "openai:x", "price": {"input": -1}}, "config.price.input"),
    ],
)
def test_a_faulty_setting_is_named(config: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_config(config)
    assert refusal.value.fields.keys() == {field}
    assert [name for name, _ in configs.faults("llm", config)] == [field]


def test_settings_that_were_not_given_are_left_to_the_provider() -> None:
    found = parse_config({"model": "openai:x", "settings": {"temperature": 0.0, "seed": 7}})
    assert found.settings.given() == {"temperature": 0.0, "seed": 7}
