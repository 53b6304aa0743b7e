# make run | stop | reset | logs      a whole site on this machine
# make wheel                          the package for `pip install` on another CKAN site: dist/*.whl
# make test | prove | check           what CI runs
# make test-fast                      the tests that need no server, in under a minute
# make mutations                      break each guarding line and check that its tests fail
# make house                          counts of modules, names and imports for maintainers
# make bench                          speed, alone and under load, compared with stock ckanext-dcat; BENCH_SIZE datasets
# make lock | translations            for maintainers

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run stop reset logs wheel test test-fast prove mutations house bench check lock translations venv

PYTHON ?= python3
STACK = .venv/bin/python -m stack
# MARATHON_DATA: the data directory of `make run`.
DATA = $(or $(MARATHON_DATA),.data)
MARATHON_SHAPES ?= ../shared/shacl
# MARATHON_PUBLISHED: catalogues that others published; MARATHON_NEIGHBOURS: shapes of other profiles; see
# docs/running.md.
# Four processes, because tests wait for servers much of the time; PYTEST_ARGS="-n 0" for one, as pytest's --pdb needs it.
PROCESSES = -n 4 --no-loadscope-reorder
export MARATHON_SHAPES := $(abspath $(MARATHON_SHAPES))

help:
	@sed -n 's/^# make/make/p' Makefile

BOOTSTRAP = command -v $(PYTHON) >/dev/null || \
	{ echo "✗ $(PYTHON) is not installed / no está instalado" >&2; exit 1; }; \
	$(PYTHON) -I stack/bootstrap.py

run:
	@$(BOOTSTRAP) run && exec $(STACK) run --data "$(DATA)"

stop:
	@$(BOOTSTRAP) run && exec $(STACK) stop --data "$(DATA)"

reset: export CONFIRM := $(CONFIRM)
reset:
	@$(BOOTSTRAP) run && exec $(STACK) reset --data "$(DATA)"

logs:
	@$(BOOTSTRAP) run && exec $(STACK) logs --data "$(DATA)"

wheel:
	@$(BOOTSTRAP) run && rm -rf build && .venv/bin/python -m pip wheel --quiet --no-deps \
		--no-build-isolation --wheel-dir dist . && rm -rf build && ls dist/*.whl

venv:
	@$(BOOTSTRAP) test

# Compiled once, because hundreds of processes import the plugin, also if PYTHONDONTWRITEBYTECODE is set.
test test-fast check: export PYTHONDONTWRITEBYTECODE :=

test: venv
	@[ -d "$$MARATHON_SHAPES" ] || echo "the official DCAT-AP shapes are not in $$MARATHON_SHAPES" \
		"(MARATHON_SHAPES): only the project's own profile is validated"
	@chromium="$$($(STACK) browser)" && export MARATHON_CHROMIUM="$$chromium" && \
		exec $(STACK) services --fresh --data .test-data -- \
		.venv/bin/python -m pytest --ckan-ini=test.ini $(PROCESSES) --durations=60 --durations-min=3 tests $(PYTEST_ARGS)

# Without the two slowest: the wheel, which is installed twice, and SHACL.
FAST = domain vocabulary files rdf spreadsheets house

test-fast: venv
	@exec .venv/bin/python -m pytest -q -p no:ckan -n 2 --disable-warnings -m "not services" \
		--ignore=tests/house/test_wheel.py --ignore=tests/rdf/test_shapes.py $(FAST:%=tests/%) $(PYTEST_ARGS)

prove: export MARATHON_PROVE = 1
prove: test

mutations: venv
	@exec $(STACK) services --fresh --data .test-data -- .venv/bin/python -m tests.mutations $(ARGS)

house: venv
	@.venv/bin/python -m tests.house.counts --types

bench: venv
	@exec $(STACK) services --fresh --data .test-data -- \
		bash -c '.venv/bin/python -m bench && .venv/bin/python -m bench.load'

check: venv
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@requirements/audit
	@# Type checks and tests/house run at the same time, on one processor each.
	@said=$$(mktemp) && trap 'rm -f "$$said"' EXIT; \
		.venv/bin/pyright --pythonpath .venv/bin/python >"$$said" 2>&1 & types=$$!; \
		code=0; .venv/bin/python -m pytest -q -p no:ckan tests/house || code=$$?; \
		wait $$types || code=$$?; cat "$$said"; \
		.venv/bin/python -m tests.house.counts || code=$$?; exit $$code

lock: venv
	@requirements/compile
	@$(STACK) lock-jars

translations: venv
	@cd ckanext/marathon && ../../.venv/bin/pybabel -q extract -F ../../babel.cfg --no-location \
		--project ckanext-marathon -o i18n/ckanext-marathon.pot .
	@.venv/bin/pybabel -q update -D ckanext-marathon -d ckanext/marathon/i18n --no-fuzzy-matching \
		--ignore-obsolete -i ckanext/marathon/i18n/ckanext-marathon.pot
	@.venv/bin/pybabel -q compile -D ckanext-marathon -d ckanext/marathon/i18n
	@.venv/bin/pybabel -q compile -D ckanext-marathon-site -d ckanext/marathon/site_i18n
