"""Django settings. What differs between machines comes from the environment; limits are in limits.py.

TILESCOPE_DATA        folder of the database and the secret key; var/ beside manage.py
TILESCOPE_HOSTS       host names to answer to, separated by commas, besides localhost
TILESCOPE_SECRET_KEY  Django's secret; made once and kept in the data folder when absent
DATABASE_URL          SQLite in the data folder when absent
REDIS_URL             redis://localhost:6379/0 when absent; `manage.py up` starts its own
"""

import os
import secrets
from pathlib import Path

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("TILESCOPE_DATA", BASE_DIR / "var"))
PAGE_DIR = Path(os.environ.get("TILESCOPE_PAGE", BASE_DIR / "frontend" / "dist"))


def _secret_key() -> str:
    """The key from the environment, else one made on the first start and readable by its owner alone."""
    if given := os.environ.get("TILESCOPE_SECRET_KEY"):
        return given
    path = DATA_DIR / "secret-key"
    try:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip() or secrets.token_urlsafe(48)
    except OSError:
        # An unwritable folder gets its clear line from `manage.py up`; other commands need no lasting secret.
        return secrets.token_urlsafe(48)
    key = secrets.token_urlsafe(48)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key)
    return key


SECRET_KEY = _secret_key()
DEBUG = False
# Health checks come from the machine itself.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *filter(None, os.environ.get("TILESCOPE_HOSTS", "").split(","))]

INSTALLED_APPS = ["explorer", "explorer.compilations", "explorer.streams", "explorer.workspaces"]
MIDDLEWARE = [
    "explorer.middleware.security_headers",
    "explorer.middleware.Compress",
    "explorer.middleware.problems",
    "explorer.middleware.refuse_foreign_writes",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "explorer.urls"
ASGI_APPLICATION = "explorer.asgi.application"
APPEND_SLASH = False

COMPILER = "compiler_core.driver"
"""The module with compile, inspect, catalogue and engine_version."""

DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{DATA_DIR / 'tilescope.sqlite3'}", conn_max_age=0)}
if DATABASES["default"].get("ENGINE") == "django.db.backends.sqlite3":
    # With the write-ahead log, which the first migration switches on for good, readers never wait for the writer;
    # writers queue up instead of failing.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")

# A body that passed explorer.body_limit is bounded already; files are spooled to disk.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "explorer": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "django.request": {"level": "ERROR"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
