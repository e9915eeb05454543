# natc: `make demo` and `make test` work on a fresh machine and set up what they need.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
TOOLS  := iptables-nft-restore iptables-legacy-restore nft ip ipset conntrack
DEBIAN := iptables nftables iproute2 ipset conntrack
DAEMONS := docker.io busybox-static libvirt-daemon-system libvirt-clients dnsmasq-base systemd
COMPILER := gcc libc6-dev python3-dev
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup tools daemons libiptc bytecode demo test check golden docs kernel fuzz fuzz-lint fuzz-kernel bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(READY) tools libiptc  ## virtual environment, Python packages and, for root, Debian packages

$(READY): pyproject.toml hatch_build.py grammar/nat.lark
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

tools:
	@for tool in $(TOOLS); do \
	    PATH="$$PATH:/usr/sbin:/sbin" command -v $$tool >/dev/null || missing="$$missing $$tool"; \
	done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing $(DEBIAN)"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -qq --no-install-recommends $(DEBIAN) >/dev/null; \
	else \
	    echo "missing:$$missing; install the packages $(DEBIAN) for the kernel tests" >&2; \
	fi

# The daemons that natc lives beside: 70 MB, half a minute.  Only in CI, and told not to start, since
# they write rules of their own; where they are missing, their tests are skipped.
daemons:
	@for tool in dockerd busybox libvirtd virsh dnsmasq systemd-analyze; do \
	    PATH="$$PATH:/usr/sbin:/sbin" command -v $$tool >/dev/null || missing="$$missing $$tool"; \
	done; \
	if [ -n "$$missing" ] && [ -n "$(CI)" ] && [ "$$(id -u)" = 0 ] && \
	    command -v apt-get >/dev/null; then \
	    echo "installing $(DAEMONS)"; \
	    if [ ! -e /usr/sbin/policy-rc.d ]; then \
	        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; \
	        chmod +x /usr/sbin/policy-rc.d; ours=yes; \
	    fi; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -qq --no-install-recommends $(DAEMONS) >/dev/null; } || \
	        echo "no $(DAEMONS): the tests beside them are skipped" >&2; \
	    [ -z "$$ours" ] || rm -f /usr/sbin/policy-rc.d; \
	fi

# python-iptables comes as source alone, and natc goes without it: its tests are skipped then.
libiptc: $(READY)
	@if $(BIN)/python -c 'import importlib.util; exit(importlib.util.find_spec("iptc") is None)'; \
	then exit 0; fi; \
	header=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h; \
	if command -v gcc >/dev/null && [ -e "$$header" ] && [ -e /usr/include/errno.h ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo 'installing $(COMPILER)'; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -qq --no-install-recommends $(COMPILER) >/dev/null; \
	fi; \
	$(BIN)/pip install --quiet --disable-pip-version-check 'python-iptables>=1.2' \
	    >$(VENV)/libiptc.log 2>&1 || { \
	    echo "no python-iptables, whose tests are skipped: it needs gcc, the headers of C and" \
	        "$$header (Debian: $(COMPILER)); see $(VENV)/libiptc.log" >&2; }

# A rule that names a user loads only for root, so others watch a smaller gateway.
DEMO = policies/$(if $(filter 0,$(shell id -u)),office,company).nat

demo: setup  ## compile and lint the office gateway, and watch a real kernel obey it
	@$(BIN)/natc fmt --check $(DEMO)
	@$(BIN)/natc lint $(DEMO)
	@$(BIN)/natc compile $(DEMO) -o $(VENV)/demo/
	@printf '\n%s: %s statements become %s kernel rules.\n' $(DEMO) \
	    "$$(grep -c '^[a-z]' $(DEMO))" "$$(cat $(VENV)/demo/rules.* | grep -c '^-A')"
	@printf 'Its packets, by the model and by a real kernel with iptables-nft and -legacy:\n\n'
	@$(BIN)/natc test $(DEMO) --kernel both --packets

# The tests run natc hundreds of times, which should not compile it each time, whatever the
# environment says of writing bytecode.
bytecode: $(READY)
	@$(BIN)/python -m compileall -q natc

test: setup daemons bytecode  ## all tests, those in a real kernel included
	$(PYTEST) $(if $(CI),--require-kernel) -q -n auto

check: setup  ## formatting, lints, types, who imports whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy natc tests/oracle
	$(BIN)/lint-imports
	$(BIN)/natc fmt --check policies/*.nat policies/*/*.nat

golden: setup  ## rewrite the golden files; read `git diff` before you accept them
	$(PYTEST) tests/golden --update-golden -q

docs: setup  ## rewrite docs/rules.md from the pages of the lint rules
	$(BIN)/natc rules --format markdown >docs/rules.md.new
	mv docs/rules.md.new docs/rules.md

kernel: setup daemons bytecode  ## only the tests in a real kernel
	$(PYTEST) -m kernel --require-kernel -q -n auto

fuzz: setup  ## more random policies: make fuzz N=5000
	NATC_EXAMPLES=$(or $(N),2000) $(PYTEST) tests/laws tests/fuzz -q

BRUTE := $(addprefix tests/lint/test_,exemptions.py misfits.py no_ops.py pairs.py unreached.py)

fuzz-lint: setup  ## lint rules against every packet, on random rule sets: make fuzz-lint N=20000
	@count=$(or $(N),5000); first=$(or $(SEED),$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')); \
	echo "from seed $$first"; \
	NATC_RULE_SETS=$$count NATC_EXAMPLES=$$((count / 5)) NATC_RULE_SETS_FROM=$$first \
	    $(PYTEST) tests/lint/test_random_*.py $(BRUTE) -q -n auto --dist loadgroup && \
	echo "$$count lists of rules, $$count with chains and $$count policies from seed $$first:" \
	    "no disagreement with brute force"

fuzz-kernel: setup  ## random policies and rule sets in a real kernel: make fuzz-kernel N=5000
	$(BIN)/python -m tests.kernel_diff.fuzz --count $(or $(N),1000) $(if $(SEED),--seed $(SEED))

bench: setup  ## compile, lint and apply against ferm and other ways, as ratios of one run
	@command -v ferm >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get install -y -qq ferm >/dev/null; }
	$(BIN)/python benchmarks/compile.py
	$(BIN)/python benchmarks/lint.py
	$(BIN)/python benchmarks/apply.py

clean:  ## remove what the targets above made
	rm -rf $(VENV) build dist natc/dsl/nat.tables .pytest_cache .mypy_cache .ruff_cache .hypothesis
