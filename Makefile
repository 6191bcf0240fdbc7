# `make book` and `make test` are all that a fresh clone needs; `make help` lists
# the rest. Everything is installed into .venv, once, and nothing outside it.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEACH := $(VENV)/.teach
WALK := $(VENV)/.walk
FORMS := $(VENV)/.forms
CANARY := .venv-canary
# Where a teacher's course lies: see book/teaching/grading.md.
COURSE ?= course
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))
CHAPTERS_THERE := tests/test_chapters_there.py
# What is tested once more with all that tests make on a pretended second device.
CORE := losses gates experts encoders models metrics distances routes frozen identity
CORE += course augment training scaling trained rivals
CORE_TESTS := $(CORE:%=tests/test_%.py) \
  'tests/test_reproduce.py::test_every_recipe_runs_from_end_to_end[table3-mnist-rs]'

# Seconds that one cell may take under the smoke profile.
CELL_TIMEOUT ?= 300

# The ends of what pyproject.toml allows.
LOWEST_PYTHON ?= 3.10
NEWEST_PYTHON ?= 3.14

# Progress bars belong on a screen, not in a page or a log. A back end named in the
# environment would keep the figures out of the notebooks.
export TQDM_DISABLE := 1
unexport MPLBACKEND

# Networks this small gain little from a second thread, and on a busy machine threads
# that wait for one another cost far more than they bring.
OMP_NUM_THREADS ?= 1
export OMP_NUM_THREADS

# A notebook runs in its own folder, so a relative path must become absolute first.
absolute_paths = \
	case "$$THIN_MINI_DATA" in ""|stand-in|/*) ;; \
	  *) export THIN_MINI_DATA="$(CURDIR)/$$THIN_MINI_DATA" ;; esac; \
	case "$$THIN_MINI_CACHE" in ""|/*) ;; \
	  *) export THIN_MINI_CACHE="$(CURDIR)/$$THIN_MINI_CACHE" ;; esac

.DEFAULT_GOAL := help
.PHONY: help book slides epub pdf check-book check-forms canary walk test test-lowest test-newest lint lab picture bench
.PHONY: reproduce outputs student grade clean distclean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s%s\n", $$1, $$2 }' Makefile

# Outputs of the chapters: only those that need it are run, side by side.
chapters_run = \
	THIN_MINI_DATA="$$($(BIN)/thin-mini data)"; export THIN_MINI_DATA; \
	echo "profile $${THIN_MINI_PROFILE:-lecture}, data $$THIN_MINI_DATA"; \
	$(BIN)/python book/execute.py

# A build always starts without HTML and doctrees: pages taken out of _toc.yml must
# not survive, and an incremental build can pass right after a failed one.
book: $(STAMP) ## Build the book into _build/html
	@set -e; $(absolute_paths); rm -rf _build/html _build/.doctrees; $(chapters_run); \
	{ $(BIN)/jupyter-book build . -W -n --keep-going && $(BIN)/python book/slides.py; } || { \
	  rm -rf _build/html _build/.doctrees; \
	  echo "The book was not built: see the messages above." >&2; exit 1; }; \
	echo "The book: $$(pwd)/_build/html/index.html"

slides: $(STAMP) ## Make the slides of the sessions into _build/html/slides
	@set -e; $(absolute_paths); $(chapters_run); $(BIN)/python book/slides.py

epub: $(FORMS) ## Pack the built book into an e-book, by way of Chromium
	@$(BIN)/python book/forms/epub.py

pdf: $(FORMS) ## Print the built book into a PDF, by way of Chromium
	@$(BIN)/python book/forms/pdf.py

check-book: $(STAMP) ## Check that the built book is whole and can be read offline
	@$(BIN)/python tests/check_pages.py
	@$(BIN)/python tests/check_slides.py

# Without a Chromium nothing is collected, which is pytest's 5.
check-forms: $(FORMS) ## Check e-book and PDF of a few pages, where there is a Chromium
	@$(BIN)/python -m pytest -q tests/test_forms.py || test $$? -eq 5

# Always of the newest versions, whatever is in the environment.
canary: ## Build the pages, chapters not run, without jupyter-book (see CONTRIBUTING)
	@set -e; test -x $(CANARY)/bin/python || $(PYTHON) -m venv $(CANARY); \
	$(CANARY)/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager \
	  --editable '.[canary]'; rm -rf _build/canary; \
	$(CANARY)/bin/python -m sphinx -b html -E -W -n --keep-going -q -c book/canary \
	  . _build/canary; $(CANARY)/bin/python tests/check_pages.py _build/canary

walk: $(WALK) ## Walk the built book in Chromium, and in playwright's Firefox if there
	@$(BIN)/python -m pytest -q tests/test_walk.py
	@$(BIN)/python tests/walk_book.py

# By files: some tests stop a loop in their process, or set how many threads it has.
SHARED := -n 2 --dist loadfile

test: $(TEACH) ## Test the library, then run every notebook and compare its outputs
	@set -e; $(absolute_paths); export MPLBACKEND=Agg; \
	export THIN_MINI_PROFILE="$${THIN_MINI_PROFILE:-smoke}"; \
	export THIN_MINI_DATA="$${THIN_MINI_DATA:-stand-in}"; \
	$(BIN)/python -m pytest -q $(SHARED) --ignore=$(CHAPTERS_THERE) tests; \
	echo "The core, on a pretended second device"; \
	$(BIN)/python -m pytest -q $(SHARED) --second-device $(CORE_TESTS); \
	echo "Notebooks, on a pretended second device, data: $$THIN_MINI_DATA"; \
	$(BIN)/python -m pytest -q $(SHARED) $(CHAPTERS_THERE); \
	echo "Notebooks, data: stand-in"; unset MPLBACKEND; THIN_MINI_DATA=stand-in \
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --nbval-lax --nbval-current-env \
	  --nbval-cell-timeout=$(CELL_TIMEOUT) $(NOTEBOOKS)

# Versions by uv's resolution $(1) under Python $(2), in the new environment $(3).
unit_tests = set -e; export MPLBACKEND=Agg THIN_MINI_DATA=stand-in; \
	command -v uv >/dev/null || { \
	  echo "make $@ needs uv: python3 -m pip install uv" >&2; exit 1; }; \
	rm -rf $(3); uv venv --quiet --python $(2) $(3); \
	uv pip install --quiet --compile-bytecode --python $(3)/bin/python \
	  --resolution $(1) --editable '.[book,test,scale,onnx]'; \
	$(3)/bin/python -m pytest -q $(SHARED) --ignore=$(CHAPTERS_THERE) tests

test-lowest: ## Test the library with the lowest versions that are allowed (uv)
	@$(call unit_tests,lowest-direct,$(LOWEST_PYTHON),.venv-lowest)

test-newest: ## Test library and chapters with the newest versions there are (uv)
	@$(call unit_tests,highest,$(NEWEST_PYTHON),.venv-newest); \
	THIN_MINI_PROFILE=smoke .venv-newest/bin/python -m pytest -q -n 2 \
	  --dist loadfile --nbval-lax --nbval-current-env \
	  --nbval-cell-timeout=$(CELL_TIMEOUT) $(NOTEBOOKS)

lint: $(STAMP) ## Check style and types, in code and in notebooks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

lab: $(STAMP) ## Open the chapters in JupyterLab
	TQDM_DISABLE= $(BIN)/jupyter lab notebooks

picture: $(STAMP) ## Draw the picture of the front page anew
	$(BIN)/python book/picture.py

# Stripped even where a chapter fails, so that no half-run one is left with outputs.
bench: $(STAMP) ## Time the library against the alternatives, into results/
	$(BIN)/python benchmarks/run.py

reproduce: $(STAMP) ## Make what is missing of every table of the paper, for hours
	@$(absolute_paths); TQDM_DISABLE= $(BIN)/thin-mini reproduce --every

outputs: $(STAMP) ## Run the chapters in place and keep the outputs that are checked
	@status=0; THIN_MINI_PROFILE=smoke THIN_MINI_DATA=stand-in \
	  $(BIN)/jupyter nbconvert --to notebook --execute --inplace --log-level=WARN \
	  --ExecutePreprocessor.timeout=$(CELL_TIMEOUT) $(NOTEBOOKS) || status=$$?; \
	$(BIN)/nbstripout --keep-id --keep-count \
	  --extra-keys metadata.language_info.version $(NOTEBOOKS); exit $$status

student: $(TEACH) ## Write the folder that a class gets, into course/student
	@$(needs_nbgrader); $(BIN)/python book/teaching/assignments/student.py "$(COURSE)"

grade: $(TEACH) ## Grade what lies in course/submitted: points, feedback, gradebook
	@$(needs_nbgrader); $(absolute_paths); \
	$(BIN)/python book/teaching/assignments/grade.py "$(COURSE)" $(ASSIGNMENT) $(LIMITS)

needs_nbgrader = $(BIN)/python -c 'import nbgrader' 2>/dev/null || { \
	echo "make $@ needs nbgrader, and that Python 3.11: make PYTHON=python3.12" >&2; \
	exit 1; }

clean: ## Remove the built book and the tools' caches
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean ## Remove .venv as well
	rm -rf $(VENV) .venv-lowest .venv-newest $(CANARY)

# Behind a stamp, so that a second run installs nothing and needs no network.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' \
	  2>/dev/null || { \
	  found="$$(command -v $(PYTHON) >/dev/null && $(PYTHON) --version 2>&1)"; \
	  echo "THIN-mini needs Python 3.10 to 3.14; $(PYTHON) is $${found:-missing}." \
	    "Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@set -e; echo "Installing into $(VENV): once, several minutes, about 6 GB."; \
	if command -v uv >/dev/null; then \
	  test -x $(BIN)/python || uv venv --quiet --python \
	    "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV); \
	  uv pip install --quiet --compile-bytecode --python $(BIN)/python \
	    --constraint constraints.txt --editable '.[book,test]'; \
	else \
	  $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || { \
	    rm -rf $(VENV); \
	    echo "$(PYTHON) cannot make a virtual environment: see above." >&2; exit 1; }; \
	  $(BIN)/python -m pip install --quiet --constraint constraints.txt \
	    --editable '.[book,test]'; \
	fi; \
	touch $@

# What only teachers need, and the tests of it; nothing on Python 3.10. And what drives
# a browser through the book, or makes other forms of it.
$(TEACH): EXTRA = teach
$(WALK): EXTRA = walk
$(FORMS): EXTRA = forms
$(TEACH) $(WALK) $(FORMS): $(STAMP)
	@set -e; if command -v uv >/dev/null; then \
	  uv pip install --quiet --python $(BIN)/python --constraint constraints.txt \
	    --editable '.[book,test,$(EXTRA)]'; \
	else \
	  $(BIN)/python -m pip install --quiet --constraint constraints.txt \
	    --editable '.[book,test,$(EXTRA)]'; \
	fi; \
	touch $@
