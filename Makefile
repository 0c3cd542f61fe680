# `make report` sets everything up and renders the report; `make test` sets everything up and runs the tests.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] < (3,14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
READY := $(VENV)/.ready
RUN := . $(VENV)/bin/activate &&

.PHONY: report observed test test-long check lock clean
.DEFAULT_GOAL := report

# With a DVC remote, results that a colleague pushed are taken instead of computed; see docs/remotes.md.
report: $(READY)
	@$(RUN) if [ -z "$$(dvc config core.remote 2>/dev/null)" ]; then dvc repro; \
		elif dvc pull --run-cache --allow-missing; then dvc repro --pull; \
		else echo "The remote did not answer; computing here." >&2; dvc repro; fi
	@echo "Report: $(CURDIR)/reports/index.html"

# Observed records, from the mirror that CLIMATE_MIRROR names or their publishers; see docs/records.md.
observed: $(READY)
	@$(RUN) rm -rf build/observed && git clone -q . build/observed && python -m benchmarks.observed configure && \
		( cd build/observed && export PYTHONPATH="$$PWD" && dvc cache dir -q --local "$$PWD/../../.dvc/cache" && \
			dvc repro panel-page@countries panel-page@cities ) && python -m benchmarks.observed publish

test: $(READY)
	@$(RUN) python -m pytest -n 2 --dist loadgroup $(PYTEST)

# Of those that `make test` leaves out.
test-long: PYTEST = -m long
test-long: test

check: $(READY)
	@$(RUN) ruff check . && ruff format --check . && mypy

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.13 found; install one or set PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv --clear $(VENV)
	@if command -v uv >/dev/null; then \
		uv pip install -q --python $(VENV)/bin/python --compile-bytecode --require-hashes -r requirements.lock && \
		uv pip install -q --python $(VENV)/bin/python --no-deps --no-build-isolation -e . ; \
	else \
		$(VENV)/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements.lock && \
		$(VENV)/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@

lock:
	uv pip compile pyproject.toml --extra cluster --extra dev --extra s3 --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) build downloads data
