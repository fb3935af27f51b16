"""The settings of the tests: those of the site, and openly what differs."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

# Before the settings are read. Workers of pytest-xdist each get a directory of their own.
_data = tempfile.mkdtemp(prefix="stars-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["STARS_DATA_DIR"] = _data
os.environ.setdefault("STARS_SECRET_KEY", "a key for tests only")
# `tests.grown` gives every worker of pytest-xdist a Redis of its own.
if _redis := os.environ.get("STARS_TEST_REDIS_URLS", "").split():
    os.environ["REDIS_URL"] = _redis[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])]
# Nothing of the person's own configuration; DATABASE_URL and REDIS_URL stay, for the suite runs on any.
for _name in ("STARS_DEBUG", "STARS_HTTPS", "STARS_ALLOWED_HOSTS", "STARS_ADMIN_PASSWORD"):
    os.environ.pop(_name, None)

from stars_site.settings import *  # noqa: E402, F403
from stars_site.settings import ALLOWED_HOSTS, DATABASES  # noqa: E402

ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]
# Quick and weak.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A file, not memory: threads with connections of their own take part in the tests.
DATABASES["default"]["TEST"] = (
    {"NAME": f"{_data}/test.sqlite3"} if "sqlite3" in DATABASES["default"]["ENGINE"] else {}
)
# Tests count queries and calls; a connection kept open between them would hide what one costs.
DATABASES["default"]["CONN_MAX_AGE"] = 0
