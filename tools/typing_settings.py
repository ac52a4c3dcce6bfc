"""Django settings for the type checker alone: the apps of both halves at once, every setting with its type."""

from pathlib import Path
from typing import Any

from tandem.kit.secrets import Vault

_SOURCE = Path(__file__).resolve().parent.parent / "src" / "tandem"
_ROOMS = sorted(
    f"tandem.{half}.{path.parent.name}"
    for half in ("planner", "messenger")
    for path in (_SOURCE / half).glob("*/apps.py")
)
SECRET_KEY = "for the type checker"
USE_TZ = True
AUTH_USER_MODEL = "planner_accounts.User"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    *_ROOMS,
]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "typing"}}
TANDEM_HALF = ""
TANDEM_HOME = Path()
TANDEM_STORAGE = Path()
TANDEM_VAULT = Vault(bytes(32))
TANDEM_PUBLIC_URL = ""
TANDEM_TRACKING_URL = ""
TANDEM_BOUNCE_DOMAIN = ""
TANDEM_BOUNCE_MAILDIR = ""
TANDEM_BOUNCE_TLS_CERTIFICATE = ""
TANDEM_BOUNCE_TLS_KEY = ""
TANDEM_MACHINE_NETWORKS = ""
TANDEM_KEY_LIMIT = "50/10"
TANDEM_PROXIES: tuple[str, ...] = ()
TANDEM_OLD_LINK_KEYS: tuple[str, ...] = ()
TANDEM_ALLOW_PRIVATE: tuple[str, ...] = ()
TANDEM_SENDING: dict[str, Any] = {}
TANDEM_ALARMS: dict[str, str] = {}
