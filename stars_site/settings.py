"""Every setting, flat. What differs between machines comes from the environment by `env.py`; see docs/deploy.md."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.utils.translation import gettext_lazy as _

from stars_site import env
from stars_site.sidebar import SIDEBAR

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Stars -----------------------------------------------------------------------------------------------------------
STARS_DATA_DIR = Path(env.text("STARS_DATA_DIR", str(BASE_DIR / "data"))).expanduser().resolve()
STARS_DATA_DIR.mkdir(parents=True, exist_ok=True)
STARS_HOST = env.text("STARS_HOST", "127.0.0.1")
STARS_PORT = env.integer("STARS_PORT", 8000, minimum=1, maximum=65535)
#: Where others reach this installation, without a slash at the end: agents elsewhere call back there.
STARS_PUBLIC_URL = env.text("STARS_PUBLIC_URL", env.local_url(STARS_HOST, STARS_PORT)).rstrip("/")
STARS_ADMIN_PASSWORD = env.text("STARS_ADMIN_PASSWORD")
#: Stars is reached over https: cookies are marked secure and X-Forwarded-Proto of the proxy in front is believed.
STARS_HTTPS = env.boolean("STARS_HTTPS", False)
#: One process is web, worker and beat together; `manage.py up` sets it.
STARS_EMBEDDED = env.boolean("STARS_EMBEDDED", False)
STARS_ATTACHMENT_MAX_MB = env.integer("STARS_ATTACHMENT_MAX_MB", 2048, minimum=1)
#: Subtasks one worker process carries out at once (they wait on the network), and threads for those that compute.
STARS_WORKER_SLOTS = env.integer("STARS_WORKER_SLOTS", 64, minimum=1)
STARS_WORKER_THREADS = env.integer("STARS_WORKER_THREADS", 4, minimum=1)
STARS_LEASE_SECONDS = env.seconds("STARS_LEASE_SECONDS", 30.0, minimum=2.0)
STARS_SWEEP_SECONDS = env.seconds("STARS_SWEEP_SECONDS", 2.0, minimum=0.1)
#: Messages that agents answer: how many answers to answers may follow what a person wrote, and how many answers a group
#: may begin in a minute. Both cut loops.
STARS_REPLY_DEPTH = env.integer("STARS_REPLY_DEPTH", 4, minimum=0)
STARS_REPLIES_PER_MINUTE = env.integer("STARS_REPLIES_PER_MINUTE", 30, minimum=0)

# --- Shared states (meanings and further fields: state.values.configs) ------------------------------------------------
#: Where states are kept: a store's type (database, file, redis, memory) and its place: for file a directory, for redis
#: a URL, for database an alias of DATABASES.
_state_store = env.text("STARS_STATE_STORE", "database")
_state_places = {"file": str(STARS_DATA_DIR / "states"), "redis": env.text("REDIS_URL")}
STARS_STATES: dict[str, Any] = {
    "type": _state_store,
    "connection_string": env.text("STARS_STATE_URL", _state_places.get(_state_store, "")),
    "compression": env.boolean("STARS_STATE_COMPRESSION", True),
    "encryption": env.boolean("STARS_STATE_ENCRYPTION", False),
    # How long history and tombstones are kept; current data stay for ever.
    "retention": {"*": env.seconds("STARS_STATE_RETENTION", 30 * 86400.0, minimum=0.0)},
}
#: Keys of encryption at rest, "id:base64 of 32 bytes", the current one first; best given as STARS_STATE_KEYS_FILE.
STARS_STATE_KEYS = env.text("STARS_STATE_KEYS")
STARS_STATE_MANAGER: dict[str, Any] = {"enable_audit": env.boolean("STARS_STATE_AUDIT", False)}
#: What SyncConfig has no better default for (`state/values/sync.py`); any of its fields may stand here.
STARS_STATE_SYNC: dict[str, Any] = {
    "sync_interval": env.seconds("STARS_SYNC_INTERVAL", 1.0, minimum=0.05),
    "max_retries": env.integer("STARS_SYNC_RETRIES", 3, maximum=20),
    "timeout": env.seconds("STARS_SYNC_TIMEOUT", 30.0, minimum=1.0),
    "max_concurrent_syncs": env.integer("STARS_SYNC_CONCURRENCY", 4, minimum=1),
    "queue_buffer_size": env.integer("STARS_SYNC_WINDOW", 256, minimum=1, maximum=10_000),
    "compression": env.boolean("STARS_SYNC_COMPRESSION", True),
    "encryption": env.boolean("STARS_SYNC_TLS_ONLY", False),
}
#: Hosts and networks that webhooks may go to although they are not public: names, IP addresses, CIDR.
STARS_WEBHOOK_ALLOWED = env.words("STARS_WEBHOOK_ALLOWED", [])
#: Administrators may register tool servers (MCP) that are commands, started on this machine with the worker's rights.
STARS_ALLOW_COMMANDS = env.boolean("STARS_ALLOW_COMMANDS", False)
#: Lets Prometheus read `/metrics` (Authorization: Bearer …); without it, only administrators may. Best given as
#: STARS_METRICS_TOKEN_FILE.
STARS_METRICS_TOKEN = env.text("STARS_METRICS_TOKEN")
#: Where reminders of what waits in the inbox are sent from; without a host none are sent.
EMAIL_HOST = env.text("STARS_EMAIL_HOST")
EMAIL_PORT = env.integer("STARS_EMAIL_PORT", 587, minimum=1, maximum=65_535)
EMAIL_HOST_USER = env.text("STARS_EMAIL_USER")
EMAIL_HOST_PASSWORD = env.text("STARS_EMAIL_PASSWORD")
EMAIL_USE_TLS = env.boolean("STARS_EMAIL_TLS", True)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("STARS_EMAIL_FROM", "stars@localhost")
#: Who knows the members of spaces; state itself knows nobody.
STARS_STATE_DIRECTORY = "groups.spaces.GroupDirectory"

# --- Django ----------------------------------------------------------------------------------------------------------
DEBUG = env.boolean("STARS_DEBUG", False)
SECRET_KEY = env.text("STARS_SECRET_KEY") or env.kept_secret(STARS_DATA_DIR / "secret_key")
ALLOWED_HOSTS = env.words("STARS_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "django_htmx",
    "csp",
    "stars_site",
    "groups",
    "state",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "stars_site.middleware.ContentSecurityPolicyMiddleware",
    "stars_site.static.LeanWhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "stars_site.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "stars_site.middleware.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "stars_site.middleware.UnavailableMiddleware",
]

ROOT_URLCONF = "stars_site.urls"
ASGI_APPLICATION = "stars_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Data ------------------------------------------------------------------------------------------------------------
_database = env.database("DATABASE_URL", f"sqlite:///{STARS_DATA_DIR / 'stars.sqlite3'}")
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Writers queue for the lock when they begin, instead of failing when they turn from reading to writing.
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    _database["CONN_MAX_AGE"] = 600
    _database["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
#: Seconds that a web request waits for a Redis that does not answer; by default it would wait for ever.
_REDIS_PATIENCE = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}
# Counters of wrong passwords: shared by all processes when there is a Redis.
CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": _REDIS_PATIENCE,
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

# Attachments name their own folder below it.
MEDIA_ROOT = STARS_DATA_DIR / "attachments"
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Without `collectstatic` the files are served from where they lie; `up` always does, so that no old copy is served.
WHITENOISE_USE_FINDERS = STARS_EMBEDDED or not STATIC_ROOT.exists()
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS
# The first counts, so that of a file over the limit nothing is kept; `limits` bounds what is received at all.
FILE_UPLOAD_HANDLERS = [
    "groups.uploads.AttachmentUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_PERMISSIONS = 0o600
# Where attachments will lie, not in a /tmp that may be small or in memory.
FILE_UPLOAD_TEMP_DIR = STARS_DATA_DIR / "uploads"
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# --- People and security ---------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "stars_site.auth.Patience",
    "django.contrib.auth.backends.ModelBackend",
    "sesame.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
SESAME_ONE_TIME = True
SESAME_MAX_AGE = 15 * 60

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = STARS_HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [
    f"https://{'*' if host.startswith('.') else ''}{host}"
    for host in ALLOWED_HOSTS
    if STARS_HTTPS and host != "*"
]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if STARS_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if STARS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
#: What pages of installed packages need beyond that; `stars_site.middleware` adds it under these paths only.
STARS_CSP_RELAXED = {
    "/admin/": {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]},
    "/api/docs/": {"style-src": [UNSAFE_INLINE]},
}

# --- Languages and time ----------------------------------------------------------------------------------------------
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
# The language that somebody chose in the menu; without one, the browser's.
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SECURE = STARS_HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"

# --- REST ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    # Tokens are tried first, so that whoever is refused learns how to sign in (401).
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "groups.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "groups.api.schema.StarsSchema",
    "EXCEPTION_HANDLER": "groups.api.errors.problem_handler",
}
REST_KNOX = {"TOKEN_TTL": timedelta(days=90), "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Stars",
    "DESCRIPTION": "Groups of AI agents: a leader plans, workers carry out, everything is a log you can follow.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_SUFFIX": "",
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "groups.api.schema.RUN_STATUSES",
        "SubtaskStatus": "groups.api.schema.SUBTASK_STATUSES",
        "DeliveryStatus": "groups.models.DeliveryStatus",
        "AgentHealthWord": "groups.api.schema.AGENT_HEALTHS",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "groups.api.schema.add_events",
        "state.api.schema.add_states",
        "state.api.syncing.add_syncing",
    ],
}


# --- Admin -----------------------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Stars 群星",
    "SITE_HEADER": "Stars 群星",
    "SITE_SYMBOL": "star",
    # Tones of one indigo, from light to dark: lightness, chroma and hue (OKLCH).
    "COLORS": {
        "primary": {
            "50": "oklch(97% .014 277)",
            "100": "oklch(93% .033 277)",
            "200": "oklch(87% .064 277)",
            "300": "oklch(78% .114 277)",
            "400": "oklch(68% .168 277)",
            "500": "oklch(59% .212 277)",
            "600": "oklch(52% .227 277)",
            "700": "oklch(46% .211 277)",
            "800": "oklch(39% .178 277)",
            "900": "oklch(34% .136 277)",
            "950": "oklch(25% .087 277)",
        }
    },
    "SIDEBAR": {
        "show_search": True,
        "navigation": SIDEBAR,
    },
}

# --- Celery: the doorbell (ARCHITECTURE 4); no results, early acknowledgement, for the rows remember the work --------
CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, float] = (
    # Longer than the second for which a worker waits at the queue; by default all would wait for ever.
    # No list of unacknowledged messages in Redis: it costs round trips, a worker that loses Redis while it has one
    # dies of it (kombu 5.7), and the sweep rings again for what a dead worker had taken.
    {"socket_timeout": 5.0, "socket_connect_timeout": 5.0, "ack_emulation": False}
    if REDIS_URL
    # In memory, a waiting worker looks for messages this often (seconds).
    else {"polling_interval": 0.025}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Whoever rings does not stand and wait: the sweep rings again.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 64
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "groups.sweep",
        "schedule": timedelta(seconds=STARS_SWEEP_SECONDS),
        # While all workers are away sweeps pile up, and one is enough. Clocks may differ by less than that.
        "options": {"expires": max(60.0, 2 * STARS_SWEEP_SECONDS)},
    },
    "state-tick": {
        "task": "state.tick",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 60.0},
    },
    # Tick of `SyncConfig.sync_interval`: what nobody rang for. One that comes late is worth nothing.
    "state-sync-tasks": {
        "task": "state.sync_tasks",
        "schedule": timedelta(seconds=STARS_STATE_SYNC["sync_interval"]),
        "options": {"expires": max(10.0, 2 * STARS_STATE_SYNC["sync_interval"])},
    },
    "state-sweep": {
        "task": "state.sweep",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 600.0},
    },
}

# --- Logging ---------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "stars_site.logs.Formatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "groups": {"level": "INFO"},
        "state": {"level": "INFO"},
        "stars_site": {"level": "INFO"},
        # Would otherwise be doubled by Django's own handler.
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}

SILENCED_SYSTEM_CHECKS: list[str] = []
