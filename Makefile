# Everything a newcomer needs: `make demo` and `make test`. Each makes its own virtual environment first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test prove prove-impact prove-flux servers lint types layers check bench clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,helm,postgresql]'
	touch $@

demo: $(STAMP)
	$(BIN)/python fixtures/demo.py $(BIN)/fluxidx

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal

# The proof of provenance in its long form: 3,500 leaves, some minutes.
prove: $(STAMP)
	FLUXIDX_PROVE=3500 $(BIN)/python -m pytest -n 2 --dist worksteal tests/provenance/test_proof.py

# What real Flux deploys from three real repositories, object by object: some minutes more than `make test` takes for two.
prove-flux: $(STAMP)
	FLUXIDX_PROVE_FLUX=1 $(BIN)/python -m pytest tests/flux/test_real_flux_corpus.py tests/flux/test_real_flux.py

# The programs that tests start, built into a cache outside the checkout where they are not installed (25 minutes, once).
servers:
	$(PYTHON) tests/servers/binaries.py

# What impact says of fifty scripted changes of each corpus repository, against the real flux: most of an hour.
prove-impact: $(STAMP)
	FLUXIDX_IMPACT=50 $(BIN)/python -m pytest -n 2 --dist worksteal -rP tests/corpus/test_corpus_impact.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

check: lint types layers test

bench: $(STAMP)
	$(BIN)/python benchmarks/run

clean:
	rm -rf $(VENV) build dist *.egg-info demo
