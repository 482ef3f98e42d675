# Each target sets up its own environment; only Python 3.11 or newer is needed beforehand.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
READY_TF := .venv-tensorflow/.ready

.PHONY: demo test test-tensorflow check bench clean

demo: $(READY)
	$(BIN)/ysmean demo --out demo

# Two processes; each file's tests stay together, as they share what they train. The longest files
# are first (tests/conftest.py), so that both end at about the same time.
IN_TWO := -n 2 --dist loadfile --no-loadscope-reorder

test: $(READY)
	$(BIN)/python -m pytest $(IN_TWO)

# The mean, the networks and the Keras model on the TensorFlow backend, in an environment of its own.
test-tensorflow: $(READY_TF)
	KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 .venv-tensorflow/bin/python -m pytest $(IN_TWO) \
		tests/networks tests/mean tests/contracts tests/test_tensorflow.py

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/speed.py

clean:
	rm -rf .venv .venv-tensorflow .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(READY): pyproject.toml
	$(call make-venv,.venv,dev)

$(READY_TF): pyproject.toml
	$(call make-venv,.venv-tensorflow,test$(comma)tensorflow)

comma := ,

define make-venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed; found $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
$(PYTHON) -m venv $(1)
$(1)/bin/python -m pip install --quiet --upgrade pip
$(1)/bin/python -m pip install --quiet -e '.[$(2)]'
@touch $(1)/.ready
endef
