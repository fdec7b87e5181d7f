# `make book` and `make test` do all the set-up they need; the rest builds on them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: book cold test bench bench-store tail tail-store verify lint notebooks pdf epub slides release lock \
  clean

book: $(READY)
	$(BIN)/collapse build

# As a machine would that has never built the book.
cold: $(READY)
	rm -rf _build
	$(BIN)/collapse build

# The build executes every chapter and evaluates the ledger; pytest looks at all the rest.
test: book
	$(BIN)/python -m pytest -n 2

bench: $(READY)
	$(BIN)/python benchmarks/run.py

# Measures anew what the benchmarks page shows: on a machine that does nothing else, please.
bench-store: $(READY)
	$(BIN)/python benchmarks/run.py --json collapse/data/benchmarks.json

# The tail of 10^8 Gaussian replications: about two minutes on two cores, flat memory.
tail: $(READY)
	$(BIN)/python benchmarks/tail.py

tail-store: $(READY)
	$(BIN)/python benchmarks/tail.py --json collapse/data/tail.json

verify: $(READY)
	$(BIN)/python -m pytest -m slow -n 2

# Given as files: ruff passes over folders named _build, and over MyST Markdown without a word.
lint: $(READY)
	$(BIN)/ruff check collapse tests benchmarks
	rm -rf _build/lint
	$(BIN)/collapse notebooks --out _build/lint
	find _build/lint -name '*.ipynb' -exec $(BIN)/ruff check {} +

notebooks: $(READY)
	$(BIN)/collapse notebooks --out out/notebooks

# These need Chromium; they build the pages first where these are not current.
pdf: $(READY)
	$(BIN)/collapse pdf

epub: $(READY)
	$(BIN)/collapse epub

slides: $(READY)
	$(BIN)/collapse slides --out out/slides

release: $(READY)
	$(BIN)/collapse release

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "The book needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is not one of them: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up .venv with the locked packages; this takes about two minutes."
	@$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# One lock for Python 3.11 to 3.13. Without uv, it is installed into an environment thrown away after.
lock:
	@set -e; uv=$$(command -v uv || true); \
	if [ -z "$$uv" ]; then \
	  tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; \
	  $(PYTHON) -m venv "$$tmp"; "$$tmp/bin/python" -m pip install --quiet uv; uv="$$tmp/bin/uv"; \
	fi; \
	"$$uv" pip compile pyproject.toml --extra book --extra test --universal \
	  --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header \
	  -o requirements.lock

clean:
	rm -rf _build out dist
