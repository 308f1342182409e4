# Two commands: `make run` (sets up, runs the main job) and `make test` (sets up, passes the tests).
# `make help` lists the rest. On CI (CI=true) everything that is optional is installed too.
#
# The heavy proofs are done in slices: `make test` does one of 400, `make proof` a twentieth,
# which one by the date in UTC. SLICE=3/20 is the third twentieth, SLICE=all all, SLICE=none none.
# What is done for each lab alike is done for a third of them (tests/support/proofs.py).

PYTHON ?= python3
VENV ?= .venv
LAB ?=
BENCH ?=
PYTEST ?=
SLICE ?=
TIMES := out/times
comma := ,
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
EXTRAS := docker,dev,charts,browser,etcd,codec,rpc,cassandra,redis,serf,nats,torrent,kafka,mongo,grade,fuzz,docs,bench
RUN_TESTS := $(BIN)/python -m pytest -p tests.support.times -p tests.support.proofs \
  -p tests.support.spread
# One process more than there are processors: many tests wait for processes that they started.
AT_ONCE := --numprocesses=$(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# The tests start a thousand processes, and each would compile the course anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test proof check types graded times format pythons bench pictures docs spark lock clean everything

help: ## what there is to make
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18

run: $(VENV)/.base ## set up, then a story on real processes, and where to go next (one lab: make run LAB=echo)
	$(BIN)/lab tour $(LAB)

test: $(if $(CI),everything,$(VENV)/.base) ## set up, then the tests, on all processors (PYTEST="..." for pytest)
	$(RUN_TESTS) $(AT_ONCE) --proofs=$(or $(SLICE),day/400) --times=$(TIMES)/test.json $(PYTEST)

proof: $(if $(CI),everything,$(VENV)/.base $(VENV)/.grade) ## a twentieth of the heavy proofs: attacks, mutants, 1,000 seeds (SLICE=all)
	$(RUN_TESTS) $(AT_ONCE) -m proof --proofs=$(or $(SLICE),day/20) $(if $(CI),--proofs-minutes=20) --times=$(TIMES)/proof.json $(PYTEST)

check: $(VENV)/.dev ## format, lint, strict types, architecture, the time that each lab takes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory --output-sync=target --jobs=2 types graded
	$(BIN)/python -m tests.support.budget $(TIMES)/graded.json $(wildcard $(TIMES)/test.json)

# Types are checked on one processor, so the other one does what else there is meanwhile.
types: $(VENV)/.dev
	$(BIN)/mypy

graded: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/common/test_architecture.py tests/common/test_manifest.py
	$(BIN)/python -m common.course.kit.readme --check
	$(RUN_TESTS) --numprocesses=logical -q -m graded --times=$(TIMES)/graded.json $(wildcard tests/stage* tests/bonus*)

times: $(VENV)/.base ## where the time of the last runs went, test by test, folder by folder, lab by lab
	$(BIN)/python -m tests.support.times $(wildcard $(TIMES)/*.json)
	$(BIN)/python -m tests.support.budget --tell $(TIMES)/graded.json $(wildcard $(TIMES)/test.json)

format: $(VENV)/.dev ## rewrite the code in the course's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pythons: $(VENV)/.base ## the fast suites on the newest Python at hand, and as an ordinary user on the system's
	bash .ci/pythons

bench: $(VENV)/.bench $(VENV)/.browser $(VENV)/.codec $(VENV)/.etcd $(VENV)/.kafka $(VENV)/.nats $(VENV)/.grade ## measure us and the peers (BENCH="--publish raft": one of them, and into the docs)
	$(BIN)/python tests/benchmarks/_table.py $(BENCH)

pictures: $(VENV)/.browser ## make the pictures of README and pages again, from real runs
	$(BIN)/python docs/pictures.py

docs: $(VENV)/.docs $(VENV)/.charts ## build the docs site, out/site; lab docs shows it
	$(BIN)/python -m docs.making

spark: $(VENV)-spark/.done ## an environment with PySpark (0.6 GB; it needs Java 17), for mapreduce's --engine spark

lock: ## renew constraints.txt (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header -o constraints.txt
	sed -i '1i# The versions that everything is tested with; made by `make lock` from pyproject.toml.' constraints.txt

clean: ## remove what was made
	rm -rf $(VENV) .venv-newest out build *.egg-info .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

everything: $(VENV)/.everything

$(VENV)/.everything: $(VENV)/.base
	@echo "adding all extras: $(EXTRAS)"
	@$(PIP) -e '.[$(EXTRAS)]'
	@touch $@ $(patsubst %,$(VENV)/.%,$(subst $(comma), ,$(EXTRAS)))

$(VENV)/.base: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' 2>/dev/null || { \
	  echo "error: the course needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>&1):" \
	       "install one, or name the one you have: make run PYTHON=python3.12" >&2; exit 3; }
	@echo "making $(VENV) (once, about half a minute)"
	@$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) cannot make a virtual environment:" \
	  "on Debian and Ubuntu run: apt-get install python3-venv" >&2; exit 4; }
	@$(PIP) -e .
	@touch $@

$(VENV)-spark/.done: pyproject.toml constraints.txt
	@echo "making $(VENV)-spark (once, some minutes)"
	@$(PYTHON) -m venv $(VENV)-spark
	@$(VENV)-spark/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[spark]'
	@touch $@

$(VENV)/.%: $(VENV)/.base
	@echo "adding the extra: $*"
	@$(PIP) -e '.[$*]'
	@touch $@
