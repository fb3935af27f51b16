"""Register a language model as an agent and try it out.

STARS_TOKEN=… MODEL_KEY=… python llm_agent.py http://127.0.0.1:8000 writer openai:gpt-5-mini
STARS_TOKEN=…             python llm_agent.py http://127.0.0.1:8000 writer qwen3:8b http://127.0.0.1:11434/v1
"""

import os
import sys

import httpx

stars, agent_id, model, *base_url = sys.argv[1:]
config = {"model": model, "instructions": "Write plainly and briefly."}
if base_url:
    config["base_url"] = base_url[0]
agent = {"agent_id": agent_id, "kind": "llm", "config": config}
if key := os.environ.get("MODEL_KEY"):
    agent["secrets"] = {"api_key": key}

token = {"Authorization": f"Token {os.environ['STARS_TOKEN']}"}
with httpx.Client(base_url=f"{stars}/api/v1/", headers=token, timeout=120) as api:
    answer = api.post("agents/", json=agent)
    if answer.is_error:
        sys.exit(f"{answer.json()['detail']} {answer.json().get('errors', '')}")
    tested = api.post(f"agents/{agent_id}/test/", json={}).json()

for check in tested["checks"]:
    sys.stdout.write(f"{'works' if check['ok'] else 'fails'}  {check['name']}: {check['text']}\n")
sys.exit(0 if tested["ok"] else 1)
