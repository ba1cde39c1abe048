# Everything a newcomer needs: make demo, make test. Neither asks a question; both set up .venv on their first run.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete
EXTRAS := onnx,tensorboard,faces,video

.PHONY: setup demo test check format typecheck imports clean

setup: $(STAMP)

# Debian ships python3 without ensurepip unless python3-venv is installed; virtualenv from pip fills in where it is not.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Ganvas needs Python 3.11 or later: install it, or say which with make PYTHON=python3.12" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "error: this Python cannot make virtual environments: apt-get install python3-venv" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' -c constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable '.[$(EXTRAS)]' --group dev
	@touch $@

demo: setup
	@$(BIN)/ganvas demo

test: setup check
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

check: setup format typecheck imports

format: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

typecheck: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports --no-cache

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
