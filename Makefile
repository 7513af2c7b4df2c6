# Everything here needs git, make and Python 3.11 or newer; the rest is put into .venv.

UV_VERSION := 0.13.8
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python3.14)
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
IN_VENV := .venv/bin/python -m
READY := .venv/.installed
UNFINISHED := .venv/.unfinished

# uv is to fill .venv and nothing else, whatever is active or exported where make is called.
CLEAN := env -u VIRTUAL_ENV -u CONDA_PREFIX -u UV_NO_DEV -u UV_NO_DEFAULT_GROUPS -u UV_FROZEN \
	-u PIP_USER -u PIP_TARGET -u PIP_PREFIX UV_PROJECT_ENVIRONMENT=.venv

# An environment whose Python has gone is made again, whatever its stamp says.
WORKS := $(shell .venv/bin/python -c 'print("yes")' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help install demo test check fuzz chaos flood pace neighbours bench trace peers again

help:
	@echo 'make install Make .venv with the locked dependencies; the others do so by themselves'
	@echo 'make demo    Play a scene on a stand-in portal, then stay up (ARGS=--once: end)'
	@echo 'make test    Run the tests (ARGS="-k invite": only some)'
	@echo 'make check   Look for mistakes: ruff, mypy, unused dependencies, known vulnerabilities'
	@echo 'make fuzz    Feed what reads foreign input with random input: some minutes'
	@echo 'make chaos   Break everything while people type; ARGS="--database postgresql --seed 7"'
	@echo 'make flood   Fifty thousand hostile requests at one bot: twenty seconds'
	@echo 'make pace    Four processes at one portal with its real bucket: five minutes'
	@echo 'make neighbours  What portals notice of attacks on their bot: ten minutes; ARGS="--attack S9"'
	@echo 'make bench   Measure it beside the bare floor; ARGS="--row 1", ARGS=--help'
	@echo 'make trace   Count the calls, files and commits of one /invite; ARGS=--tree lists them'
	@echo 'make peers   Have bolt-python and aiogram measured along: installs them for make bench'
	@echo 'make help    List what make can do'
	@echo
	@echo 'Each makes what it needs. Another Python: make demo PYTHON=/path/to/python3'

install: $(READY)

demo: $(READY)
	@$(IN_VENV) sandbox.demo $(ARGS)

# Bytecode is kept even where the environment forbids it: six processes import all the tests.
test: $(READY)
	PYTHONDONTWRITEBYTECODE= $(IN_VENV) pytest $(ARGS)

check: $(READY)
	$(IN_VENV) ruff check
	$(IN_VENV) ruff format --check
	$(IN_VENV) mypy
	$(IN_VENV) deptry bot handlers sandbox
	.venv/bin/lint-imports --no-logo --no-cache
	@.venv/bin/python .ci/audit.py

fuzz: $(READY)
	$(IN_VENV) pytest -m hypothesis --hypothesis-profile=fuzz -o timeout=0 -n 2 $(ARGS)

chaos: $(READY)
	PYTHONPATH=.:tests $(IN_VENV) chaos $(ARGS)

flood: $(READY)
	FLOOD=50000 $(IN_VENV) pytest -n 0 tests/test_abuse.py -k flood $(ARGS)

pace: $(READY)
	PYTHONPATH=.:tests $(IN_VENV) pace $(ARGS)

neighbours: $(READY)
	PYTHONPATH=.:tests $(IN_VENV) neighbours $(ARGS)

bench: $(READY)
	$(IN_VENV) benchmarks $(ARGS)

trace: $(READY)
	@$(IN_VENV) benchmarks.trace $(ARGS)

peers: $(READY)
	$(CLEAN) $(IN_VENV) uv venv --quiet --clear --python .venv/bin/python .venv/peers
	$(CLEAN) $(IN_VENV) uv pip sync --quiet --python .venv/peers/bin/python \
	    benchmarks/peers/requirements.txt

$(READY): pyproject.toml uv.lock $(if $(WORKS),,again)
	@set -e; found=; \
	if [ -e $(UNFINISHED) ] || ! .venv/bin/python -c '$(SUITABLE)' 2>/dev/null \
	    || ! $(IN_VENV) pip --version >/dev/null 2>&1; then \
	  for candidate in $(PYTHONS); do \
	    if "$$candidate" -c '$(SUITABLE)' >/dev/null 2>&1; then found=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo 'No Python 3.11 or newer that can make a virtual environment; tried: $(PYTHONS).' >&2; \
	    echo 'Debian and Ubuntu: sudo apt-get install python3 python3-venv' >&2; \
	    echo 'One in another place: make PYTHON=/path/to/python3 …' >&2; \
	    exit 1; \
	  fi; \
	  echo "Making a virtual environment in .venv with $$("$$found" --version) …"; \
	  "$$found" -m venv --clear .venv; \
	fi; \
	touch $(UNFINISHED); \
	echo 'Installing uv $(UV_VERSION), which reads the lock file …'; \
	$(CLEAN) $(IN_VENV) pip install -qq --disable-pip-version-check uv==$(UV_VERSION); \
	echo 'Installing the locked dependencies …'; \
	$(CLEAN) $(IN_VENV) uv sync --locked --inexact --quiet --no-python-downloads \
	    --python .venv/bin/python; \
	rm $(UNFINISHED); \
	touch $@; \
	echo 'Ready.'
