# `make help` lists the targets. Only Python 3.11 is needed; everything else goes into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PORT
# Test processes at once.
JOBS ?= 2
# Tests and checks have their own database servers, so that they and `make run` do not disturb each other.
TEST_VAR := OPENLEDGER_VAR=$${OPENLEDGER_VAR:-var/test}

.DEFAULT_GOAL := help
.PHONY: help run test check format bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-8s %s\n", $$1, $$2 }'

run: $(VENV)/run.stamp ## run everything on http://127.0.0.1:8000 (another port: make run PORT=8001)
	@exec $(BIN)/python -m openledger.running

# Pages are tested in Debian's Chromium, which is installed where that is possible without asking; elsewhere
# those tests say that they are skipped.
CHROMIUM = { command -v chromium && command -v chromedriver; } >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	&& apt-get update -qq && apt-get install -qq --yes chromium chromium-driver >/dev/null 2>&1; } \
	|| echo "No Chromium here: the tests of pages are skipped (apt-get install chromium chromium-driver)"

test: $(VENV)/dev.stamp ## run all tests (some of them: make test ARGS="accounts -k balance")
	@$(CHROMIUM)
	@$(TEST_VAR) $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

check: $(VENV)/dev.stamp ## lint, format, types, layers, migrations, settings for production, API description
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(TEST_VAR) $(BIN)/python manage.py makemigrations --check --dry-run
	@$(TEST_VAR) PRODUCTION=true ALLOWED_HOSTS=books.example BASE_URL=https://books.example \
		SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(64))") \
		JWT_SIGNING_KEYS=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(64))") \
		FIELD_ENCRYPTION_KEYS=$$($(BIN)/python -c "import cryptography.fernet as f; print(f.Fernet.generate_key().decode())") \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	$(TEST_VAR) $(BIN)/python manage.py export_openapi --check

format: $(VENV)/dev.stamp ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp ## measure the throughput and the latency of the books
	$(BIN)/python -m bench $(ARGS)

clean: ## remove the virtual environment and the caches; keeps the data in var/
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/run.stamp: requirements.txt
	@echo "Installing the packages of requirements.txt into $(VENV) (only after a change)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name it with make PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@echo "Installing the packages of requirements-dev.txt into $(VENV) (only after a change)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
