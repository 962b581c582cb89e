# The registry's image: docker build --tag tailings-registry .
#
# Two stages, so that npm, the build tools and what pip downloads are no part of what runs. Only instructions that the
# old builder of docker-compose 1.29 knows as well.

# The Python that the tests run on. The Debian release is named, because the shorter tag moves to the next one by itself.
FROM python:3.11-slim-bookworm AS builder

# Mirrors for those whose line to the public indexes is slow; what a mirror serves must have the hashes of the lock files.
# docker build --build-arg PIP_INDEX_URL=… --build-arg NPM_CONFIG_REGISTRY=… .
ARG PIP_INDEX_URL
ARG NPM_CONFIG_REGISTRY
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# What runs stands in a lock file of its own, without the tools of the tests. Wheels only: there is no compiler here.
# pip also compiles the bytecode, which a read-only container could not. This layer is the largest and changes least.
COPY requirements-run.txt ./
RUN python -m venv --without-pip /opt/registry \
    && python -m pip --python /opt/registry/bin/python install --quiet \
        --require-hashes --only-binary :all: --requirement requirements-run.txt

# What builds the wheel: hatchling, and the npm that bundles the map scripts.
COPY requirements-build.txt ./
RUN python -m pip install --quiet --require-hashes --only-binary :all: --requirement requirements-build.txt

COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY gis_data gis_data
COPY registry registry
# No isolation and no index: a build environment of pip's own would bring tools that no lock file names.
RUN python -m pip wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir /wheels . \
    && python -m pip --python /opt/registry/bin/python install --quiet --no-deps --no-index /wheels/*.whl


FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="tailings-registry" org.opencontainers.image.licenses="Apache-2.0"

# A number far from those that hosts give to people, so that a file it leaves on a host belongs to nobody else.
RUN groupadd --gid 10001 registry \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin registry \
    && install --directory --owner 10001 --group 10001 /work

COPY --from=builder /opt/registry /opt/registry
COPY docker/entrypoint.sh /usr/local/bin/registry-entrypoint
# A checkout on a file system without rights does not say that the script is a program.
RUN chmod 0755 /usr/local/bin/registry-entrypoint

# HOME is where libraries keep their caches. /tmp can be written whichever user the container is started with.
ENV PATH=/opt/registry/bin:$PATH HOME=/tmp
# In numbers: only so can a platform see that it is not root.
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/registry-entrypoint"]
