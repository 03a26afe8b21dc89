# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Everything a person types in this checkout. Each target sets up what it needs first (scripts/setup), and what runs
# as root in somebody else's checkout leaves nothing of root's there (scripts/keep-owner, scripts/as-owner).

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash
V ?= 0
ifeq ($(V),0)
  Q := @
else
  VERBOSE := --verbose
endif

PROFILE ?= profiles/demo.toml
PREFIX ?= /usr/local
export PREFIX

VENV := .venv/bin
WORKBENCH := scripts/keep-owner $(VENV)/arena-workbench
PYTEST := scripts/keep-owner $(VENV)/python -m pytest -p no:cacheprovider $(if $(FAST),-m 'not slow')
AS_OWNER := scripts/as-owner
C_FILES = $(wildcard $(foreach folder,bpf bpf/* csrc benchmarks tests/*,$(folder)/*.c $(folder)/*.h))

.DEFAULT_GOAL := all

##@ Run
all: setup ## Set up, and build every structure for both sides
	$(Q)for header in $(wildcard bpf/structures/ds_*.h); do $(WORKBENCH) build $(VERBOSE) $$header || exit; done

run: setup ## Set up, and open the screen on PROFILE (profiles/demo.toml); without a terminal, or with ARGS="-t 8", run it
	$(Q)if [ -t 0 ] && [ -t 1 ] && [ -z "$(ARGS)" ]; then $(WORKBENCH) screen $(PROFILE); \
		else $(WORKBENCH) run $(PROFILE) $(ARGS); fi

skeleton: setup ## Make ./skeleton, the guide's name for `arena-workbench run`
	$(Q)$(AS_OWNER) scripts/shortcut $@ run

arena_list: setup ## Make ./arena_list, the guide's name for `arena-workbench example arena_list`
	$(Q)$(AS_OWNER) scripts/shortcut $@ example arena_list

##@ Test
test: setup-test ## Set up, and run the tests; FAST=1 leaves out the slow ones, ARGS="-k name" picks some
	$(Q)$(PYTEST) $(ARGS)

test-stress: setup ## Run profiles/stress.toml: all lanes, long and hard
	$(Q)$(WORKBENCH) run profiles/stress.toml $(ARGS)

test-verify: setup ## Run profiles/verify.toml: every check, from both sides
	$(Q)$(WORKBENCH) run profiles/verify.toml $(ARGS)

bench: setup-test ## Run the benchmarks: ratios against hand-written C, measured side by side
	$(Q)scripts/keep-owner $(VENV)/python -m benchmarks $(ARGS)

##@ Develop
setup: ## Set up and do nothing more; again, it does nothing
	$(Q)scripts/setup run

setup-test:
	$(Q)scripts/setup test

setup-lint:
	$(Q)scripts/setup lint

lint: lint-python lint-imports lint-format lint-tidy ## Check the code: ruff, mypy, import contracts, clang-format, clang-tidy

lint-python: setup-lint
	$(Q)$(AS_OWNER) $(VENV)/ruff check
	$(Q)$(AS_OWNER) $(VENV)/ruff format --check
	$(Q)$(AS_OWNER) $(VENV)/mypy

lint-imports: setup-lint
	$(Q)$(AS_OWNER) $(VENV)/lint-imports --no-cache --no-logo

lint-format: setup-lint
	$(Q)$(AS_OWNER) $(VENV)/clang-format --dry-run -Werror $(C_FILES)

lint-tidy: setup-lint
	$(Q)$(AS_OWNER) $(VENV)/python scripts/tidy.py

screens: setup-test ## Draw the screens of the docs anew, into docs/screens
	$(Q)$(AS_OWNER) $(VENV)/python tests/tui/pictures.py docs/screens run-empty run-running run-running-80x24 \
		run-crashed run-latency run-report pages-running pages-inspect links-running links-tree \
		kernel-running

format: setup-lint ## Format the Python and the C
	$(Q)$(AS_OWNER) $(VENV)/ruff check --fix-only --quiet
	$(Q)$(AS_OWNER) $(VENV)/ruff format --quiet
	$(Q)$(AS_OWNER) $(VENV)/clang-format -i $(C_FILES)

pin: ## Write constraints.txt anew: the newest versions that pyproject.toml admits
	$(Q)$(AS_OWNER) scripts/pin

dist: setup-test ## Make the sdist and the wheel in dist/
	$(Q)$(AS_OWNER) $(VENV)/python -m hatchling build

clean: ## Remove what was made here, but for .venv
	$(Q)rm -rf dist build skeleton arena_list .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	$(Q)find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## Remove .venv too
	$(Q)rm -rf .venv

##@ Install
install: setup-test ## Install arena-workbench for every user, below PREFIX (/usr/local)
	$(Q)scripts/install

uninstall: ## Remove what `make install` installed
	$(Q)scripts/install --remove

help: ## Show this
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z_-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all run skeleton arena_list test test-stress test-verify bench setup setup-test setup-lint lint lint-python \
	lint-imports lint-format lint-tidy format pin dist clean distclean install uninstall help
