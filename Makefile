# `make` lists the targets. `make demo` and `make test` need only Python 3.10 or later and Rust 1.92 or
# later; they set up everything else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := $(shell find rust -name '*.rs') $(wildcard rust/*/Cargo.toml) Cargo.toml Cargo.lock

.DEFAULT_GOAL := help
.PHONY: help demo test test-rust test-python test-robustness test-browser test-compat test-vllm test-wheel
.PHONY: test-checked
.PHONY: fuzz leaks valgrind audit lint format bench bench-record wheel clean docs docs-tables
.PHONY: docs-charts screenshots

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	touch $@

# The package as users get it, in release mode, but editable.
$(VENV)/.built: $(VENV)/.created pyproject.toml $(RUST_SOURCES)
	@echo 'Building, and installing dependencies (torch has a few GB, so the first time takes minutes) ...'
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.test-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group test
	touch $@

$(VENV)/.browser-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group browser
	touch $@

$(VENV)/.lint-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group lint
	touch $@

$(VENV)/.docs-tools: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

demo: $(VENV)/.built ## Set up an environment, build, preprocess a bundled clip, and report on its frames
	$(BIN)/keye-vl-rs preprocess tests/media/bunny_360p.mp4 --fps 4 --output demo-out
	$(BIN)/keye-vl-rs demo --output demo-out/report.html

# Hosts that cannot be installed side by side have environments of their own. Each is layered on the
# usual environment and sees its packages, except those that it replaces.
COMPAT := build/compat
VLLM := 0.33.0
OPENAI := 3.57.0
# The release for Keye-VL-8B-Preview.
PREVIEW_UTILS := 1.0.0
# SGLang is installed without its serving dependencies: only with what its loading of plugins and
# processors imports, and with the transformers that it requires.
SGLANG := 0.5.23
SGLANG_NEEDS := aiohttp dill ipython msgspec orjson psutil pybase64 pyzmq sentencepiece starlette
SGLANG_TRANSFORMERS := 5.19.0
COMPAT_TRANSFORMERS := 4.52.4 4.57.6 5.0.0
COMPAT_TESTS := $(addprefix tests/python/, chat/test_prompt.py chat/test_tokenization.py hosts \
	patches/test_fused_operator.py patches/test_images.py preview processors \
	test_preprocess_media.py util/test_tested_hosts.py)

test: test-rust test-python ## Run cargo test and pytest (kernels at every SIMD level of this CPU)

test-rust:
	cargo test --workspace
	cargo test --manifest-path rust/fuzz/Cargo.toml

# Runs all tests at the best SIMD level, and those of kernels at every other level. Files run in
# parallel, one per core, in the order of tests/conftest.py. Bytecode is cached, because one run
# starts many processes.
SIDE_BY_SIDE := --numprocesses auto --dist loadfile --no-loadscope-reorder
test-python: export PYTHONDONTWRITEBYTECODE :=
test-python: $(VENV)/.built $(VENV)/.test-tools
	set -e; set -- $$($(BIN)/python -c 'from keye_vl_rs import _core; print(*_core.simd_levels()[::-1])'); \
	export KEYE_VL_RS_SIMD=$$1; shift; echo "KEYE_VL_RS_SIMD=$$KEYE_VL_RS_SIMD: all"; \
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/python tests/robustness; \
	for KEYE_VL_RS_SIMD; do echo "KEYE_VL_RS_SIMD=$$KEYE_VL_RS_SIMD: kernels"; \
		$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m 'not one_level' tests/python; done

test-robustness: $(VENV)/.built $(VENV)/.test-tools ## Run short tests of damaged media, forks, threads, signals, kills and leaks
	$(BIN)/python -m pytest tests/robustness

# The tests drive a Chromium that is there already: playwright's own would be downloaded from elsewhere.
test-browser: export NO_MKDOCS_2_WARNING := 1
test-browser: $(VENV)/.built $(VENV)/.test-tools $(VENV)/.browser-tools $(VENV)/.docs-tools ## Test reports and the manual in headless Chromium
	@for name in "$$CHROMIUM" chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v "$$name" > /dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; \
	else echo 'no Chromium found: install it (on Debian: apt-get install chromium), or set CHROMIUM to its path' >&2; \
		exit 1; fi
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/browser

# $(call layered,folder) creates an environment layered on the usual one.
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
test-compat: $(COMPAT_MADE) ## Test hosts in environments of their own: older transformers, openai, keye-vl-utils 1.0.0, SGLang
	set -e; for version in $(COMPAT_TRANSFORMERS); do \
		echo "transformers $$version"; \
		$(COMPAT)/transformers-$$version/bin/python -m pytest -q -p no:cacheprovider $(COMPAT_TESTS); \
	done
	$(COMPAT)/openai-$(OPENAI)/bin/python -m pytest -q -p no:cacheprovider tests/compat/openai
	$(COMPAT)/keye-vl-utils-$(PREVIEW_UTILS)/bin/python -m pytest -q -p no:cacheprovider tests/compat/preview
	$(COMPAT)/sglang-$(SGLANG)/bin/python -m pytest -q -p no:cacheprovider tests/compat/sglang

# vLLM installs its own torch, transformers and CUDA libraries.
$(COMPAT)/vllm-$(VLLM)/.made: $(RUST_SOURCES) pyproject.toml
	$(PYTHON) -m venv --clear $(@D)
	@echo 'Installing vLLM (9 GB: minutes) ...'
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check 'vllm==$(VLLM)' pytest .
	touch $@

test-vllm: $(COMPAT)/vllm-$(VLLM)/.made ## Test vLLM's multi-modal processing with and without the plugin (9 GB)
	$(<D)/bin/python -m pip install --quiet --no-deps --force-reinstall .
	$(<D)/bin/python -m pytest -q -p no:cacheprovider tests/compat/vllm

# PATH excludes Rust here, because installing the wheel must not need it.
WHEEL_ENV := build/wheel
WHEEL_TESTS := $(addprefix tests/python/, core/test_layouts.py inspection/test_report.py \
	patches/test_fused_operator.py processors/test_image_processor.py processors/test_processor.py \
	test_preprocess_media.py test_preprocess_parity.py vision_process/test_files.py)
test-wheel: $(VENV)/.created ## Build a wheel, check its code, and run the parity tests on it without Rust
	rm -rf build/wheelhouse
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheelhouse .
	$(BIN)/python tests/wheel/check_code.py build/wheelhouse/*.whl
	test -d $(WHEEL_ENV) || $(PYTHON) -m venv $(WHEEL_ENV)
	PATH=/usr/bin:/bin $(WHEEL_ENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	PATH=/usr/bin:/bin $(WHEEL_ENV)/bin/python -m pip install --quiet --group test
	PATH=/usr/bin:/bin $(WHEEL_ENV)/bin/python -m pip install --quiet build/wheelhouse/*.whl
	PATH=/usr/bin:/bin $(WHEEL_ENV)/bin/python -m pip install --quiet --no-deps --force-reinstall build/wheelhouse/*.whl
	PATH=/usr/bin:/bin $(WHEEL_ENV)/bin/python -c 'import keye_vl_rs as k; assert "build/wheel" in k.__file__, k.__file__'
	PATH=/usr/bin:/bin $(WHEEL_ENV)/bin/python -m pytest -q -p no:cacheprovider $(WHEEL_TESTS)

# A build with debug assertions and overflow checks, which `cargo test` has by default.
CHECKED := build/checked
test-checked: $(VENV)/.built $(VENV)/.test-tools ## Run the tests on a build with debug assertions and overflow checks
	$(call layered,$(CHECKED))
	MATURIN_PEP517_ARGS='--profile checked' $(CHECKED)/bin/python -m pip install --quiet --no-deps --force-reinstall .
	$(CHECKED)/bin/python -c 'import keye_vl_rs as k; assert "$(CHECKED)" in k.__file__, k.__file__'
	$(CHECKED)/bin/python -m pytest -q -p no:cacheprovider $(CHECKED_TESTS)
CHECKED_TESTS ?= tests/python

# Seconds for each fuzz target and for each of the two Python fuzzers.
SECONDS ?= 60
FUZZ_TARGETS := kernels packets patches resample sizes slow_fast
FUZZ := nice cargo +nightly fuzz run --fuzz-dir rust/fuzz --features libfuzzer
fuzz: $(VENV)/.built $(VENV)/.test-tools ## Fuzz everything, SECONDS=60 per target (needs nightly Rust; installs cargo-fuzz)
	cargo fuzz --version || cargo install --locked cargo-fuzz
	mkdir -p $(addprefix build/fuzz/, $(FUZZ_TARGETS))
	$(BIN)/python rust/fuzz/seeds.py build/fuzz/packets
	set -e; for target in $(FUZZ_TARGETS); do \
		$(FUZZ) $$target build/fuzz/$$target rust/fuzz/corpus/$$target -- \
			-max_total_time=$(SECONDS) -timeout=60 -rss_limit_mb=3000 -print_final_stats=1; \
	done
	PYTHONPATH=tests/python $(BIN)/python tests/robustness/odd_messages.py --seconds $(SECONDS) --first $$(date +%s)
	PYTHONPATH=tests/python $(BIN)/python tests/robustness/damaged_media.py --seconds $(SECONDS) \
		--first $$(date +%s) --keep build/fuzz/faults

leaks: $(VENV)/.built $(VENV)/.test-tools ## Run 2,000 videos, then 2,000 failing calls, through one process each
	PYTHONPATH=tests/python $(BIN)/python tests/robustness/leaks.py --items 2000
	PYTHONPATH=tests/python $(BIN)/python tests/robustness/leaks.py --items 2000 --failing

# Valgrind does not support AVX-512 and hides it from programs, which then use the lower levels. The
# skipped test of zeros fails only here: valgrind's fused multiply-add can return a zero of the wrong sign.
VALGRIND := valgrind --quiet --error-exitcode=9
VALGRIND_TESTS := core_api damaged_packets
VALGRIND_SKIPS := many_taps zeros_keep_their_sign
valgrind: ## Run the Rust tests under valgrind, at each level that it supports (three minutes)
	CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='$(VALGRIND)' \
		cargo test --workspace $(addprefix --test , $(VALGRIND_TESTS)) -- $(addprefix --skip , $(VALGRIND_SKIPS))

audit: $(VENV)/.built ## Check dependencies for known vulnerabilities (needs cargo-deny and the network)
	cargo deny check
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet pip-audit
	$(BIN)/python -m pip freeze --exclude-editable > build/audit/requirements.txt
	build/audit/bin/pip-audit --no-deps --disable-pip --requirement build/audit/requirements.txt

lint: $(VENV)/.built $(VENV)/.lint-tools ## Check formatting, clippy, ruff, mypy and the stub file
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo fmt --manifest-path rust/fuzz/Cargo.toml --check
	cargo clippy --manifest-path rust/fuzz/Cargo.toml --all-targets -- -D warnings
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest keye_vl_rs._core

format: $(VENV)/.lint-tools ## Format the sources
	cargo fmt --all
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/.built $(VENV)/.test-tools ## Benchmark against the published Python path (about 15 minutes; generates clips first)
	mkdir -p build
	$(BIN)/python -m pytest benches/python -p no:cacheprovider -q --benchmark-disable-gc --benchmark-json=build/bench.json
	$(BIN)/python benches/python/report.py build/bench.json

bench-record: ## Save the last run of make bench in benches/records
	$(BIN)/python benches/python/report.py build/bench.json --save
	$(BIN)/python docs/scripts/charts.py

# The theme announces its successor at every build, unless it is told not to.
docs: export NO_MKDOCS_2_WARNING := 1
docs: $(VENV)/.docs-tools ## Build the manual in build/site; a broken link or a missing docstring fails
	$(BIN)/mkdocs build --quiet
	@echo 'Open build/site/index.html'

docs-tables: $(VENV)/.built ## Measure the tables of docs/costs.md (five minutes; needs an idle machine)
	$(BIN)/python docs/scripts/cost_tables.py

docs-charts: $(VENV)/.created ## Draw the charts of the manual from benches/records
	$(BIN)/python docs/scripts/charts.py

screenshots: $(VENV)/.built $(VENV)/.browser-tools ## Make the screenshots of the manual (needs Chromium)
	$(BIN)/python docs/scripts/screenshots.py

wheel: $(VENV)/.created ## Build a wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean: ## Remove the environment and all build outputs
	rm -rf $(VENV) target build dist demo-out python/keye_vl_rs/_core*.so
