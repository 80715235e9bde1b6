"""Settings of the project, read from the environment; README.md has the table of them.

With none set, everything runs on this machine: embedded PostgreSQL and Redis, generated secrets
kept in `var/`, debug off, the sandbox on.
"""

import sys
from pathlib import Path

import environ
from django.templatetags.static import static
from psycopg.conninfo import conninfo_to_dict

from openledger import embedded, logs
from openledger.secrets import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = embedded.var_directory()

env = environ.Env()

PRODUCTION = env.bool("PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)
TESTING = "pytest" in sys.modules

# --- secrets -------------------------------------------------------------------------------------
# Three keys with three jobs, so that rotating one does not disturb the others. In production each
# must be given (a system check says so); elsewhere each is made once and kept in var/.
SECRET_KEY = env.str("SECRET_KEY", default="") or kept_secret(VAR_DIR, "secret_key")
# The first signs, all verify: put a new key in front, drop the old one an hour later.
JWT_SIGNING_KEYS = env.list("JWT_SIGNING_KEYS", default=[]) or [kept_secret(VAR_DIR, "jwt_signing_key")]
# The first encrypts, all decrypt (tax numbers, bank access tokens).
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[]) or [
    kept_secret(VAR_DIR, "field_encryption_key", fernet=True)
]

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# How many proxies in front of us append to X-Forwarded-For; 0 means the peer's own address counts.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
BASE_URL = env.str("BASE_URL", default="http://127.0.0.1:8000")

# --- the house -----------------------------------------------------------------------------------
# Upper apps stand first: when a company is deleted, its rows go from the top of the house down.
INSTALLED_APPS = [
    "openledger",
    "ai",
    "reports",
    "banking",
    "transactions",
    "accounts",
    "ledger",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "axes",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "openledger.headers.PagesMiddleware",
    "ledger.api.middleware.RequestIdMiddleware",
    "ledger.api.middleware.RateLimitMiddleware",
    # Sessions, CSRF, log-in and messages are for the admin alone; /v1 carries bearer tokens.
    "openledger.middleware.BackOfficeSessionMiddleware",
    "openledger.middleware.BackOfficeCommonMiddleware",
    "openledger.middleware.BackOfficeCsrfMiddleware",
    "openledger.middleware.BackOfficeAuthenticationMiddleware",
    "openledger.middleware.BackOfficeMessageMiddleware",
    "ledger.office.gate.GateMiddleware",
    "openledger.middleware.BackOfficeAxesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "openledger.urls"
WSGI_APPLICATION = "openledger.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [BASE_DIR / "openledger" / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- what must not be lost, and what may be ------------------------------------------------------
_conninfo = conninfo_to_dict(embedded.database_url(env.ENVIRON))
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **{name.upper(): str(_conninfo.pop(name, "")) for name in ("host", "port", "user", "password")},
        "NAME": str(_conninfo.pop("dbname", "openledger")),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "application_name": "openledger",
            # Limits of every session. They come with the connection, not by SET, so that PgBouncer
            # in transaction mode works (set them on the role there).
            "options": (
                "-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
                f" -c statement_timeout={env.int('STATEMENT_TIMEOUT_SECONDS', default=60)}s"
            ),
            **_conninfo,
        },
        "TEST": {"NAME": "test_openledger"},
    }
}

REDIS_URL = embedded.redis_url(env.ENVIRON)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
    }
}

CELERY_BROKER_URL = embedded.celery_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # How long a worker that is gone keeps what it took; the queue gives it to another one then. Longer than
    # any task runs, because one that still runs would be given out twice. Nothing waits for it: the sweep
    # finds the background work of a dead worker long before.
    "visibility_timeout": env.int("TASK_VISIBILITY_SECONDS", default=6 * 60 * 60),
    # A request must not hang on a Redis that takes connections and says nothing.
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    # Several installations, and each process of the tests, may share a Redis.
    "global_keyprefix": env.str("TASK_QUEUE_PREFIX", default=""),
}
# A running task whose worker was not seen for this long is taken over by another one.
TASK_LOST_SECONDS = env.float("TASK_LOST_SECONDS", default=60)
# What was given to the queue and did not begin is sent again; a queue can be longer than that without harm.
TASK_RESEND_SECONDS = env.float("TASK_RESEND_SECONDS", default=300)
TASK_SWEEP_SECONDS = env.float("TASK_SWEEP_SECONDS", default=60)
# Before the second attempt of a task that failed in passing; doubled before each further one.
TASK_RETRY_SECONDS = env.float("TASK_RETRY_SECONDS", default=5)
TASK_SECONDS_MAX = env.int("TASK_SECONDS_MAX", default=3600)
TASK_KEPT_DAYS = env.int("TASK_KEPT_DAYS", default=30)
# A request does not wait for a queue that is away: one more try, at once. The sweep sends it later.
TASK_SEND_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "expire-pending-transactions": {
        "task": "transactions.expire_pending",
        "schedule": env.float("EXPIRE_PENDING_SECONDS", default=300),
    },
    "send-lost-tasks": {
        "task": "ledger.send_lost_tasks",
        "schedule": TASK_SWEEP_SECONDS,
        # Of those that piled up while no worker ran, the newest are enough. Not sooner, however often it is
        # swept: on a machine that is slow for a while every single one might be too old.
        "options": {"expires": max(TASK_SWEEP_SECONDS, 60)},
    },
    "forget-tasks": {"task": "ledger.forget_tasks", "schedule": 86400.0},
    "forget-idempotency-keys": {"task": "ledger.forget_idempotency_keys", "schedule": 3600.0},
    "poll-bank-connections": {
        "task": "banking.poll_connections",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "verify-books": {"task": "transactions.verify_books", "schedule": 86400.0},
    "keep-documents": {"task": "ai.keep_documents", "schedule": 60.0, "options": {"expires": 60}},
    "check-documents": {"task": "ai.check_documents", "schedule": 3600.0, "options": {"expires": 3600}},
    "tie-out-banks": {"task": "banking.tie_out", "schedule": 86400.0},
    # Every hour, as a month ends in another hour in each time zone.
    "write-summaries": {"task": "ai.write_summaries", "schedule": 3600.0, "options": {"expires": 3600}},
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

# --- people --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "ledger.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
# A session ends after so long without a page, and after so long in any case (`ledger.office.gate`).
SESSION_IDLE_MINUTES = env.float("SESSION_IDLE_MINUTES", default=60)
SESSION_HOURS = env.float("SESSION_HOURS", default=12)
SESSION_COOKIE_AGE = int(SESSION_HOURS * 60 * 60)
# Whether nobody works in the back office without a second factor; recommended in production.
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=False)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
# These checks look for the middleware by name; ours are subclasses (openledger/middleware.py).
SILENCED_SYSTEM_CHECKS = ["axes.W002", "security.W003"]
AXES_HANDLER = "ledger.office.lockout.WrongPasswords"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "ledger.office.lockout.address_of"
AXES_LOCKOUT_CALLABLE = "ledger.office.lockout.locked_out"
# Who tries again too early waits no longer for it: the page said until when.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

# --- files of our own ----------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Pages find the installed packages' own files even before `collectstatic` ran.
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

# --- the API -------------------------------------------------------------------------------------
# A load test, and the test suite, which calls from one address, raises them by this factor.
RATE_LIMIT_FACTOR = env.int("RATE_LIMIT_FACTOR", default=1000 if TESTING else 1)
RATE_LIMIT_PER_MINUTE = env.int("RATE_LIMIT_PER_MINUTE", default=600) * RATE_LIMIT_FACTOR
RATE_LIMIT_ADDRESS_PER_MINUTE = env.int("RATE_LIMIT_ADDRESS_PER_MINUTE", default=3000) * RATE_LIMIT_FACTOR
RATE_LIMIT_TOKENS_PER_MINUTE = env.int("RATE_LIMIT_TOKENS_PER_MINUTE", default=30) * RATE_LIMIT_FACTOR
IDEMPOTENCY_KEY_HOURS = env.int("IDEMPOTENCY_KEY_HOURS", default=48)
# How long the links to report files work, which a browser opens without a token.
REPORT_LINK_HOURS = env.int("REPORT_LINK_HOURS", default=24)
SANDBOX = env.bool("SANDBOX", default=not PRODUCTION)
RATE_LIMIT_SANDBOX_PER_MINUTE = env.int("RATE_LIMIT_SANDBOX_PER_MINUTE", default=5) * RATE_LIMIT_FACTOR
RATE_LIMIT_CHAT_PER_MINUTE = env.int("RATE_LIMIT_CHAT_PER_MINUTE", default=60) * RATE_LIMIT_FACTOR
# How long a made-up bank takes to answer, to see how a program behaves beside a slow one.
SANDBOX_DELAY_SECONDS = env.float("SANDBOX_DELAY_SECONDS", default=0.0)

# --- banks -----------------------------------------------------------------------------------------
# Which provider new bank connections go through: "sandbox" or "plaid".
BANK_PROVIDER = env.str("BANK_PROVIDER", default="sandbox")
# How long after its last sync a bank connection is asked again what is new.
BANK_POLL_MINUTES = env.float("BANK_POLL_MINUTES", default=60.0)
# Plaid's keys and choices; see docs/banks.md.
PLAID_BASE_URL = env.str("PLAID_BASE_URL", default="https://sandbox.plaid.com")
PLAID_CLIENT_ID = env.str("PLAID_CLIENT_ID", default="")
PLAID_SECRET = env.str("PLAID_SECRET", default="")
# What people read in Plaid's window.
PLAID_CLIENT_NAME = env.str("PLAID_CLIENT_NAME", default="Open Ledger")
PLAID_LANGUAGE = env.str("PLAID_LANGUAGE", default="en")
PLAID_COUNTRY_CODES = env.list("PLAID_COUNTRY_CODES", default=["US"])
PLAID_PRODUCTS = env.list("PLAID_PRODUCTS", default=["transactions"])
# How far back a new connection reaches; Plaid gives at most two years.
PLAID_DAYS_REQUESTED = env.int("PLAID_DAYS_REQUESTED", default=730)
# Where Plaid reports changes, and where banks with a log-in page of their own send people back to. Both must
# be https; without the first, connections are polled alone.
PLAID_WEBHOOK_URL = env.str("PLAID_WEBHOOK_URL", default="")
PLAID_REDIRECT_URI = env.str("PLAID_REDIRECT_URI", default="")
PLAID_TIMEOUT_SECONDS = env.float("PLAID_TIMEOUT_SECONDS", default=30.0)

# --- questions ---------------------------------------------------------------------------------------
# A hosted model with an OpenAI-compatible address ("https://models.example/v1"), off where it has none. It
# may read questions that the rules cannot, and word answers; every figure stays ours. See docs/ai.md.
AI_BASE_URL = env.str("AI_BASE_URL", default="")
AI_API_KEY = env.str("AI_API_KEY", default="")
AI_MODEL = env.str("AI_MODEL", default="")
AI_TIMEOUT_SECONDS = env.float("AI_TIMEOUT_SECONDS", default=10.0)
# Calls of it a day for each company.
AI_CALLS_PER_DAY = env.int("AI_CALLS_PER_DAY", default=1000)

# --- QuickBooks, Xero and Stripe, each from when it has a client id and a secret ------------------------
QUICKBOOKS_CLIENT_ID = env.str("QUICKBOOKS_CLIENT_ID", default="")
QUICKBOOKS_CLIENT_SECRET = env.str("QUICKBOOKS_CLIENT_SECRET", default="")
QUICKBOOKS_AUTHORIZE_URL = env.str(
    "QUICKBOOKS_AUTHORIZE_URL", default="https://appcenter.intuit.com/connect/oauth2"
)
QUICKBOOKS_TOKEN_URL = env.str(
    "QUICKBOOKS_TOKEN_URL", default="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
)
QUICKBOOKS_REVOKE_URL = env.str(
    "QUICKBOOKS_REVOKE_URL", default="https://developer.api.intuit.com/v2/oauth2/tokens/revoke"
)
QUICKBOOKS_API_URL = env.str("QUICKBOOKS_API_URL", default="https://quickbooks.api.intuit.com")
XERO_CLIENT_ID = env.str("XERO_CLIENT_ID", default="")
XERO_CLIENT_SECRET = env.str("XERO_CLIENT_SECRET", default="")
XERO_AUTHORIZE_URL = env.str(
    "XERO_AUTHORIZE_URL", default="https://login.xero.com/identity/connect/authorize"
)
XERO_TOKEN_URL = env.str("XERO_TOKEN_URL", default="https://identity.xero.com/connect/token")
XERO_API_URL = env.str("XERO_API_URL", default="https://api.xero.com")
STRIPE_CLIENT_ID = env.str("STRIPE_CLIENT_ID", default="")
STRIPE_CLIENT_SECRET = env.str("STRIPE_CLIENT_SECRET", default="")
STRIPE_AUTHORIZE_URL = env.str("STRIPE_AUTHORIZE_URL", default="https://connect.stripe.com/oauth/authorize")
STRIPE_TOKEN_URL = env.str("STRIPE_TOKEN_URL", default="https://connect.stripe.com/oauth/token")
STRIPE_REVOKE_URL = env.str("STRIPE_REVOKE_URL", default="https://connect.stripe.com/oauth/deauthorize")
STRIPE_API_URL = env.str("STRIPE_API_URL", default="https://api.stripe.com")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["ledger.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["ledger.api.authentication.HasToken"],
    "DEFAULT_PARSER_CLASSES": ["ledger.api.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["ledger.api.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "openledger.api_schema.ApiSchema",
    "EXCEPTION_HANDLER": "ledger.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Open Ledger API",
    "VERSION": "1.0.0",
    "DESCRIPTION": (BASE_DIR / "openledger" / "api_introduction.md").read_text(),
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": "/", "description": "This server"}],
    "POSTPROCESSING_HOOKS": ["openledger.api_hooks.complete"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

UNFOLD = {
    "SITE_TITLE": "Open Ledger",
    "SITE_HEADER": "Open Ledger",
    "SITE_SYMBOL": "account_balance",
    "SITE_URL": "/admin/",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("office/favicon.svg"),
        }
    ],
    # A ledger's green.
    "COLORS": {
        "primary": {
            str(weight): f"oklch({lightness}% {chroma} 182)"
            for weight, lightness, chroma in (
                (50, 98, 0.014),
                (100, 95, 0.05),
                (200, 91, 0.09),
                (300, 85, 0.12),
                (400, 77, 0.13),
                (500, 70, 0.12),
                (600, 52, 0.09),
                (700, 46, 0.08),
                (800, 40, 0.07),
                (900, 36, 0.06),
                (950, 26, 0.05),
            )
        }
    },
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("office/office.css")],
    "SCRIPTS": [lambda request: static("office/office.js")],
    "GLOBAL_CALLBACK": "openledger.back_office.frame",
    "SIDEBAR": {"navigation": "openledger.back_office.navigation"},
    "ACCOUNT": {"navigation": "ledger.office.second_factor.account_links"},
}

# --- what the machine says at night --------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processors": "ext://openledger.logs.JSON_PROCESSORS",
            "foreign_pre_chain": "ext://openledger.logs.SHARED_PROCESSORS",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING" if TESTING else "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        # Two lines for each task, and those of beat, are for those who look for a fault.
        "celery": {"level": "INFO" if env.str("LOG_LEVEL", default="") == "DEBUG" else "WARNING"},
    },
}
logs.configure()
