# Two commands set everything up from a bare clone: `make eyes`, `make test`.
# `make signs GTSRB=DIR` needs a public data set: docs/signs.md.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: eyes signs test test-beam check api clean

$(VENV)/installed: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

eyes: $(VENV)/installed
	$(BIN)/python train.py --config=configs/eyes.py
	$(BIN)/python eval.py --workdir=runs/eyes

signs: $(VENV)/installed
	test -d "$(GTSRB)/Final_Training/Images" || { echo 'give GTSRB=DIR, see docs/signs.md'; exit 2; }
	$(BIN)/python examples/signs/render.py --output=data/signs_rendered
	$(BIN)/python train.py --config=configs/signs.py:gtsrb --config.data.real.path="$(GTSRB)/Final_Training/Images" \
		--config.data.test.path="$(GTSRB)/Final_Test/Images"
	$(BIN)/python eval.py --workdir=runs/signs

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Apart: Apache Beam wants older versions of what others need.
test-beam: $(VENV)/installed-dev
	$(BIN)/python -m pip install --quiet apache-beam
	$(BIN)/python -m pytest -k beam tests/data/test_beam.py tests/house/test_api.py

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/pyink --check .
	$(BIN)/pyrefly check --python-interpreter-path $(BIN)/python

# The reference of all public functions, docs/api.md.
api:
	$(PYTHON) docs/make_api.py

clean:
	rm -rf $(VENV)
