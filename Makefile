# Set up, run and check EMMA-Gym from a clone. `make help` lists the targets.

PYTHON ?= python3
# Arguments for `make evaluate` and `make test`, such as ARGS="tests/envs -x".
ARGS ?=
# SYSTEM=1 installs the Vulkan driver on the system (as root) instead of into .venv.
SYSTEM ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DRIVER := $(VENV)/vulkan/driver.json
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu
INSTALL_DRIVER := $(BIN)/python scripts/install_vulkan_driver.py $(if $(SYSTEM),--system)

.DEFAULT_GOAL := help
.PHONY: help setup vulkan evaluate test lint doctor clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

setup: $(INSTALLED) $(DRIVER) ## Make .venv: the package, its development tools, a Vulkan driver

evaluate: setup ## Evaluate with the defaults; ARGS="..." for others
	@$(BIN)/python -m emma_gym.evaluate $(ARGS)

test: setup ## Run the tests; ARGS="..." is for pytest
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 $(ARGS)

lint: $(INSTALLED) ## Check style, format, types and which package imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

doctor: $(INSTALLED) ## Tell what works on this machine, and what to do about the rest
	@$(BIN)/python emma_gym/doctor.py $(ARGS)

vulkan: $(INSTALLED) ## Look for a Vulkan driver again, or install one (SYSTEM=1: on the system)
	@$(INSTALL_DRIVER) --again

clean: ## Remove .venv and what tools left behind
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Without a GPU, torch's ordinary package would bring gigabytes of CUDA: PyTorch's own index has one
# for the CPU. Where that index cannot be reached, pip's ordinary sources must do.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "EMMA-Gym needs Python >= 3.10: name one with 'make PYTHON=...' (now: $(PYTHON))"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
		{ test "$$(id -u)" = 0 && apt-get update && \
			DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends install $$package; \
		} >/dev/null 2>&1 || { \
			echo "$(PYTHON) cannot make virtual environments: install $$package, then make again"; \
			exit 1; \
		}; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@extra=; \
	if ! nvidia-smi >/dev/null 2>&1 && timeout 3 $(BIN)/python -c \
		'import urllib.request as r; r.urlopen("$(TORCH_CPU_INDEX)/torch/")' 2>/dev/null; then \
		extra="--extra-index-url $(TORCH_CPU_INDEX)"; \
	fi; \
	echo "Installing the package into $(VENV) (some minutes) ..."; \
	$(BIN)/pip install -qq --disable-pip-version-check --use-pep517 $$extra -c constraints.txt -e ".[dev]"
	@touch $@

# The outcome is kept in this file, whatever it is: `make vulkan` tries again. Order-only, since a
# newer pyproject.toml is no reason to look for another driver.
$(DRIVER): | $(INSTALLED)
	@$(INSTALL_DRIVER) --optional
