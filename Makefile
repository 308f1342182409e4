# Two commands: `make run` (sets up, runs the main job) and `make test` (sets up, passes the tests).
# `make help` lists the rest. On CI (CI=true) everything that is optional is installed too.

PYTHON ?= python3
VENV ?= .venv
LAB ?=
PYTEST ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
EXTRAS := docker dev browser etcd redis grade fuzz bench

.DEFAULT_GOAL := help
.PHONY: help run test check format soak pythons bench pictures lock clean everything

help: ## what there is to make
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18

run: $(VENV)/.base ## set up, then a story on real processes, and where to go next (one lab: make run LAB=echo)
	$(BIN)/lab tour $(LAB)

test: $(if $(CI),everything,$(VENV)/.base) ## set up, then every test
	$(BIN)/python -m pytest $(PYTEST)

check: $(VENV)/.dev ## format, lint, strict types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/common/test_architecture.py tests/common/test_manifest.py
	$(BIN)/python -m common.course.kit.readme --check

format: $(VENV)/.dev ## rewrite the code in the course's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

soak: $(VENV)/.base $(VENV)/.grade ## every graded sweep over 1,000 seeds, every mutant, 1,000 schedules per lab
	$(BIN)/python -m pytest -q tests/stage* --seeds 1000
	$(BIN)/lab mutants
	@for lab in $$($(BIN)/lab list --json | $(BIN)/python -c \
	  'import json, sys; print(*(lab["id"] for lab in json.load(sys.stdin)["labs"] if lab["live"]))'); do \
	  $(BIN)/lab sweep "$$lab" --seeds 1000 || exit 1; \
	done

pythons: $(VENV)/.base ## the fast suites on the newest other Python at hand
	PYTHON="$(PYTHON)" sh .ci/newest-python

bench: $(VENV)/.bench ## measure us and the peers, and write the table
	$(BIN)/python tests/benchmarks/_table.py

pictures: $(VENV)/.browser ## make the pictures of README and pages again, from real runs
	$(BIN)/python docs/pictures.py

lock: ## renew constraints.txt (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header -o constraints.txt
	sed -i '1i# The versions that everything is tested with; made by `make lock` from pyproject.toml.' constraints.txt

clean: ## remove what was made
	rm -rf $(VENV) .venv-newest out build *.egg-info .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

everything: $(EXTRAS:%=$(VENV)/.%)

$(VENV)/.base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' 2>/dev/null || { \
	  echo "error: the course needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>&1):" \
	       "install one, or name the one you have: make run PYTHON=python3.12" >&2; exit 3; }
	@echo "making $(VENV) (once, about half a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) cannot make a virtual environment:" \
	  "on Debian and Ubuntu run: apt-get install python3-venv" >&2; exit 4; }
	@$(PIP) -e .
	@touch $@

$(VENV)/.%: $(VENV)/.base
	@echo "adding the extra: $*"
	@$(PIP) -e '.[$*]'
	@touch $@
