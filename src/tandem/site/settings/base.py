"""What both halves share. A half's module sets HALF and calls `apply`."""

import ipaddress
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from tandem.kit import embedded_postgres, secrets
from tandem.site.settings.environment import SETTINGS, flag, home, value

SENDING_PREFIXES = ("TANDEM_PROVIDER", "TANDEM_SMTP", "TANDEM_KUMOMTA", "TANDEM_SENDER")
HERE = Path(__file__).resolve().parent.parent.parent


def database(half: str) -> dict[str, Any]:
    """Django's settings of the half's database; the embedded server is started if no URL is set."""
    url = value(f"TANDEM_{half.upper()}_DATABASE_URL") or embedded_postgres.ensure(home()).url(
        f"tandem_{half}"
    )
    parts = conninfo_to_dict(url)
    options = {k: v for k, v in parts.items() if k not in {"dbname", "user", "password", "host", "port"}}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", f"tandem_{half}"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "OPTIONS": {**options, "options": "-c timezone=UTC"},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
    }


def public_url(half: str) -> str:
    """The address at which others reach the half (`planner`, `messenger`, `tracking`), no final slash."""
    name = half.upper()
    return (
        value(f"TANDEM_{name}_PUBLIC_URL") or f"http://{value('TANDEM_HOST')}:{value(f'TANDEM_{name}_PORT')}"
    ).rstrip("/")


def apply(half: str, rooms: list[str]) -> dict[str, Any]:
    """The Django settings of one half: its apps, database, user model, cookies and folders."""
    root = home()
    (root / "static").mkdir(parents=True, exist_ok=True)
    key_file = Path(value("TANDEM_KEY_FILE") or root / "key")
    if not value("TANDEM_KEY_FILE"):
        secrets.make_key(key_file)
    vault = secrets.Vault.from_file(key_file)
    tls = flag("TANDEM_TLS")
    return {
        "SECRET_KEY": _secret_key(half, key_file),
        "TANDEM_OLD_LINK_KEYS": _old_keys(half),
        "DEBUG": False,
        "ALLOWED_HOSTS": ["*"] if value("TANDEM_HOST") == "127.0.0.1" else _hosts(half),
        "ROOT_URLCONF": f"tandem.site.urls_{half}",
        "WSGI_APPLICATION": f"tandem.site.wsgi_{half}.application",
        "AUTH_USER_MODEL": f"{half}_accounts.User",
        "DATABASES": {"default": database(half)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "LANGUAGE_CODE": "en-gb",
        "USE_I18N": True,
        "APPEND_SLASH": False,
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "whitenoise.runserver_nostatic",
            "django.contrib.staticfiles",
            "procrastinate.contrib.django",
            *(f"tandem.{half}.{room}.apps.{half.capitalize()}{room.capitalize()}Config" for room in rooms),
        ],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "tandem.kit.web.ReadToEndMiddleware",
            "tandem.kit.web.SecurityHeadersMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
            "tandem.kit.web.ProblemPagesMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [HERE / half / "web" / "templates", HERE / "kit" / "templates"],
                "OPTIONS": {
                    "builtins": ["tandem.kit.tags", "tandem.kit.charts", "tandem.kit.plots.tags"],
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                        "tandem.kit.web.page_context",
                    ],
                    "loaders": [
                        (
                            "django.template.loaders.cached.Loader",
                            ["django.template.loaders.filesystem.Loader"],
                        )
                    ],
                },
            }
        ],
        "STATIC_URL": "/static/",
        "STATIC_ROOT": root / "static",
        "STATICFILES_DIRS": [HERE / "kit" / "static"],
        "WHITENOISE_USE_FINDERS": True,
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "SESSION_COOKIE_NAME": f"{'__Host-' if tls else ''}tandem_{half}_session",
        "CSRF_COOKIE_NAME": f"{'__Host-' if tls else ''}tandem_{half}_csrf",
        "SESSION_COOKIE_SECURE": tls,
        "CSRF_COOKIE_SECURE": tls,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "X_FRAME_OPTIONS": "SAMEORIGIN",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "LOGIN_URL": "/ui/sign-in",
        "LOGIN_REDIRECT_URL": "/ui/",
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 64 * 1024 * 1024,
        "LOGGING": _logging(),
        "PROCRASTINATE_AUTODISCOVER_MODULE_NAME": "tasks",
        "TANDEM_HALF": half,
        "TANDEM_HOME": root,
        "TANDEM_STORAGE": root / half,
        "TANDEM_VAULT": vault,
        "TANDEM_PUBLIC_URL": public_url(half),
        "TANDEM_TRACKING_URL": public_url("tracking"),
        "TANDEM_SENDING": {s.name: value(s.name) for s in SETTINGS if s.name.startswith(SENDING_PREFIXES)},
        "TANDEM_ALARMS": {s.name: value(s.name) for s in SETTINGS if s.name.startswith("TANDEM_ALARM_")},
        "TANDEM_BOUNCE_DOMAIN": value("TANDEM_BOUNCE_DOMAIN").strip().lower(),
        "TANDEM_BOUNCE_MAILDIR": value("TANDEM_BOUNCE_MAILDIR"),
        "TANDEM_BOUNCE_TLS_CERTIFICATE": value("TANDEM_BOUNCE_TLS_CERTIFICATE"),
        "TANDEM_BOUNCE_TLS_KEY": value("TANDEM_BOUNCE_TLS_KEY"),
        "TANDEM_MACHINE_NETWORKS": value("TANDEM_MACHINE_NETWORKS"),
        "TANDEM_KEY_LIMIT": value("TANDEM_KEY_LIMIT"),
        "TANDEM_PROXIES": _proxies(),
        "TANDEM_ALLOW_PRIVATE": tuple(
            x.strip() for x in value("TANDEM_ALLOW_PRIVATE").split(",") if x.strip()
        ),
    }


def _secret_key(half: str, key_file: Path) -> str:
    vault = secrets.Vault.from_file(key_file)
    return secrets.token_hash(f"django {half} {vault.key_id} {key_file.read_text()}")


def _old_keys(half: str) -> tuple[str, ...]:
    named = (text.strip() for text in value("TANDEM_OLD_KEY_FILES").split(","))
    return tuple(_secret_key(half, Path(text)) for text in named if text)


def _proxies() -> tuple[str, ...]:
    found = tuple(text.strip() for text in value("TANDEM_PROXIES").split(",") if text.strip())
    try:
        return tuple(str(ipaddress.ip_network(text, strict=False)) for text in found)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"TANDEM_PROXIES: {error}. Write addresses or networks, as 10.0.0.1,192.168.0.0/24."
        ) from error


def _hosts(half: str) -> list[str]:
    from urllib.parse import urlsplit

    return [urlsplit(public_url(half)).hostname or "127.0.0.1", "127.0.0.1", "localhost"]


def _logging() -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": value("TANDEM_LOG_LEVEL")},
        "loggers": {
            "procrastinate": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
        },
    }
