# The front door. `make` alone prints what each target does; `make demo` and `make test` do all the
# set-up on a machine with Python 3.10 or later and a stable Rust toolchain.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := $(shell find rust -name '*.rs') Cargo.toml Cargo.lock rust/py/Cargo.toml

.DEFAULT_GOAL := help
.PHONY: help demo test test-rust test-python test-compat test-vllm lint format bench bench-record wheel clean

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	touch $@

# The package as a user gets it, in release mode, with its sources in place.
$(VENV)/.built: $(VENV)/.created pyproject.toml $(RUST_SOURCES)
	@echo 'Building, and installing what it needs (torch is a few GB: minutes the first time) ...'
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.test-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group test
	touch $@

$(VENV)/.lint-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group lint
	touch $@

demo: $(VENV)/.built ## Make an environment, build, and preprocess a bundled clip
	$(BIN)/keye-vl-rs preprocess tests/media/bunny_360p.mp4 --fps 4 --output demo-out

# Hosts that cannot be installed beside each other have environments of their own, each on top of the
# usual one, whose packages it sees but for those that it has itself.
COMPAT := build/compat
VLLM := 0.33.0
OPENAI := 3.57.0
# Of Keye-VL-8B-Preview.
PREVIEW_UTILS := 1.0.0
# Without what it serves with: what its loading of plugins and processors imports, and the
# transformers that it wants.
SGLANG := 0.5.23
SGLANG_NEEDS := aiohttp dill ipython msgspec orjson psutil pybase64 pyzmq sentencepiece starlette
SGLANG_TRANSFORMERS := 5.19.0
COMPAT_TRANSFORMERS := 4.52.4 4.57.6 5.0.0
COMPAT_TESTS := $(addprefix tests/python/test_, chat.py fused_operator.py image_processing*.py \
	integrations_*.py preprocess_media.py preview_*.py processing*.py prompt.py tested_hosts.py tokenization.py \
	video_batch.py video_processing.py)

test: test-rust test-python ## Run cargo test, then pytest once per SIMD level of this CPU

test-rust:
	cargo test --workspace

test-python: $(VENV)/.built $(VENV)/.test-tools
	set -e; for level in $$($(BIN)/python -c 'from keye_vl_rs import _core; print(*_core.simd_levels())'); do \
		echo "KEYE_VL_RS_SIMD=$$level"; \
		KEYE_VL_RS_SIMD=$$level $(BIN)/python -m pytest; \
	done

# $(call layered,folder): an environment on top of the usual one.
define layered
	$(PYTHON) -m venv --clear $(1)
	$(BIN)/python -c 'import site; print(f"import site; site.addsitedir({site.getsitepackages()[0]!r})")' \
		> $$(echo $(1)/lib/python*/site-packages)/usual.pth
endef

$(COMPAT)/%/.made: $(VENV)/.built $(VENV)/.test-tools
	$(call layered,$(@D))
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
		"$$(echo '$*' | sed -E 's/-([0-9.]+)$$/==\1/')"
	$(@D)/bin/python -c 'import importlib.metadata as m; name, _, version = "$*".rpartition("-"); assert m.version(name) == version'
	touch $@

$(COMPAT)/sglang-$(SGLANG)/.made: $(VENV)/.built $(VENV)/.test-tools
	$(call layered,$(@D))
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps 'sglang==$(SGLANG)'
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
		'transformers==$(SGLANG_TRANSFORMERS)' $(SGLANG_NEEDS)
	touch $@

COMPAT_MADE := $(patsubst %, $(COMPAT)/%/.made, \
	$(COMPAT_TRANSFORMERS:%=transformers-%) openai-$(OPENAI) keye-vl-utils-$(PREVIEW_UTILS) \
	sglang-$(SGLANG))
test-compat: $(COMPAT_MADE) ## Run the hosts' tests with older transformers, and with hosts of their own
	set -e; for version in $(COMPAT_TRANSFORMERS); do \
		echo "transformers $$version"; \
		$(COMPAT)/transformers-$$version/bin/python -m pytest -q -p no:cacheprovider $(COMPAT_TESTS); \
	done
	$(COMPAT)/openai-$(OPENAI)/bin/python -m pytest -q -p no:cacheprovider tests/compat/openai
	$(COMPAT)/keye-vl-utils-$(PREVIEW_UTILS)/bin/python -m pytest -q -p no:cacheprovider tests/compat/preview
	$(COMPAT)/sglang-$(SGLANG)/bin/python -m pytest -q -p no:cacheprovider tests/compat/sglang

# vLLM brings a torch and a transformers of its own, and what it needs of CUDA.
$(COMPAT)/vllm-$(VLLM)/.made: $(RUST_SOURCES) pyproject.toml
	$(PYTHON) -m venv --clear $(@D)
	@echo 'Installing vLLM (9 GB: minutes) ...'
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check 'vllm==$(VLLM)' pytest .
	touch $@

test-vllm: $(COMPAT)/vllm-$(VLLM)/.made ## Run vLLM's multi-modal processing with and without the plugin (9 GB)
	$(<D)/bin/python -m pip install --quiet --no-deps --force-reinstall .
	$(<D)/bin/python -m pytest -q -p no:cacheprovider tests/compat/vllm

lint: $(VENV)/.built $(VENV)/.lint-tools ## Check formatting, clippy, ruff, mypy and the stub file
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest keye_vl_rs._core

format: $(VENV)/.lint-tools ## Format the sources
	cargo fmt --all
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/.built $(VENV)/.test-tools ## Compare with the published Python path (about 15 minutes; makes clips first)
	mkdir -p build
	$(BIN)/python -m pytest benches/python -p no:cacheprovider -q --benchmark-disable-gc --benchmark-json=build/bench.json
	$(BIN)/python benches/python/report.py build/bench.json

bench-record: ## Keep the last run of make bench in benches/records
	$(BIN)/python benches/python/report.py build/bench.json --save

wheel: $(VENV)/.created ## Build a wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean: ## Remove the environment and everything that was built
	rm -rf $(VENV) target build dist demo-out python/keye_vl_rs/_core*.so
