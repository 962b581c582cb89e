"""Workers of this machine or of others, and whether they can do the work."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Client, LocalCluster, Security
from distributed.core import rpc
from distributed.utils import silence_logging_cmgr

from registry.errors import BadParameterError, ClusterError, UnreadableFileError
from registry.services import geodesy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from registry.partitioned.dataset import Dataset

LOCAL = "local"
ANSWER_S = 10.0
"""How long a scheduler may take to answer."""
WORKER_S = 30.0
"""How long its first worker may take to come."""

_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+:\d{1,5}")
# What a result can depend on, besides what Dask itself needs to be alike.
_PACKAGES = ("tailings-registry", "dask", "distributed", "numpy", "pandas", "geopandas", "shapely", "pyproj", "scipy", "numba")  # fmt: skip
_MOST_NAMED = 3


@contextmanager
def connected(
    address: str, *, workers: int | None = None, memory: str = "auto", answer_s: float = ANSWER_S,
    worker_s: float = WORKER_S,
) -> Iterator[Client]:  # fmt: skip
    """A client of the workers at an address, which can do the work; closed at the end.

    Parameters
    ----------
    address : ``local`` starts workers on this machine, one a core with one thread each and its share of the memory, that
        listen to nobody else, and ends them; ``tcp://host:port`` or ``tls://host:port`` is a scheduler that runs already
        (certificates for tls: Dask's configuration)
    workers, memory : how many to start on this machine, and how much each may use, as ``4GB``
    answer_s, worker_s : how long a scheduler may take to answer, and its first worker to come

    Raises
    ------
    BadParameterError : the address is none of these.
    ClusterError : nobody answers, there is no worker, or versions of packages differ.
    """
    if address == LOCAL:
        with (
            LocalCluster(
                n_workers=workers or geodesy.threads(),
                threads_per_worker=1,
                memory_limit=memory,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                # Dask's web server runs even without a dashboard, on a port that the next run would want too.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                # What goes wrong is told in one line (`work`); what Dask logs of it is for its developers.
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client
        return
    if not _ADDRESS.fullmatch(address):
        raise BadParameterError(f"--dask {address}: give local, tcp://host:port or tls://host:port.")
    with silence_logging_cmgr(logging.CRITICAL):
        client = _client(address, answer_s)
        try:
            _wait_for_a_worker(client, address, worker_s)
            check_versions(client)
            yield client
        finally:
            client.close()


def check_versions(client: Client) -> None:
    """See to it that all workers compute with the packages that the client has.

    Raises
    ------
    ClusterError : a worker has not the registry installed, or another version of it or of what it computes with.
    """
    try:
        found: dict[str, Mapping[str, str]] = {
            "the scheduler": client.run_on_scheduler(versions),
            **client.run(versions),
        }
    except ImportError as error:
        raise ClusterError(
            f"the scheduler or a worker cannot import {error.name or error}. "
            "Install tailings-registry[dask] in this version for all of them."
        ) from error
    if odd := differences(versions(), found):
        more = f", and {len(odd) - _MOST_NAMED} more" if len(odd) > _MOST_NAMED else ""
        raise ClusterError(
            f"workers have other versions than this machine: {', '.join(odd[:_MOST_NAMED])}{more}. "
            "Install the same ones everywhere."
        )


def versions() -> dict[str, str]:
    """Version of Python and of every package that a result can depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def differences(own: Mapping[str, str], theirs: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What workers, by address, have in another version; a text each, of the minor version of Python only."""
    odd = []
    for address, found in sorted(theirs.items()):
        for name, wanted in own.items():
            got = found.get(name, "none")
            if (_minor(got) != _minor(wanted)) if name == "python" else (got != wanted):
                odd.append(f"{name} {got} at {address} and {wanted} here")
    return odd


def check_sight(client: Client, dataset: Dataset, out: Path | None = None) -> None:
    """See to it that all workers see the dataset, and can write where the result goes.

    Raises
    ------
    UnreadableFileError, ClusterError : a worker does not; the message says which.
    """
    blind = [where for where, sees in client.run(_sees, str(dataset.sites[0])).items() if not sees]
    if blind:
        raise UnreadableFileError(
            f"{dataset.folder}: the worker at {blind[0]} does not see it. Put it where all workers see it under this path."
        )
    if out is not None:
        shut = [where for where, writes in client.run(_writes, str(out)).items() if not writes]
        if shut:
            raise ClusterError(
                f"{out}: the worker at {shut[0]} cannot write there. Name a folder that all workers see under this path."
            )


# ------------------------------------------------------------------------------------------------ inside


def _client(address: str, timeout_s: float) -> Client:
    # Without certificates Dask would fail too late to clean up behind itself.
    if address.startswith("tls") and _security().get("ssl_context") is None:
        raise ClusterError(
            f"{address}: no certificates for tls. Name them in Dask's configuration (distributed.comm.tls.ca-file, "
            ".client.cert and .client.key), or in DASK_DISTRIBUTED__COMM__TLS__CA_FILE and so on."
        )
    try:
        # A client would wait for ever for what listens there and is no scheduler, so it is asked who it is first.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, _identity(address, timeout_s)).result()
        return Client(address, timeout=timeout_s, set_as_default=False)
    except Exception as error:
        # Anything can listen at an address: what Dask raises then is of many kinds.
        said = " ".join(str(error).split())[:200] or f"waited {timeout_s:g} s"
        raise ClusterError(
            f"{address}: no Dask scheduler answers there ({said}). Start one with `dask scheduler`, or say --dask local."
        ) from error


async def _identity(address: str, timeout_s: float) -> object:
    asked = rpc(address, timeout=timeout_s, deserialize=False, connection_args=_security())
    try:
        return await asyncio.wait_for(asked.identity(), timeout_s)
    finally:
        await asked.close_rpc()


def _security() -> dict[str, Any]:
    found: dict[str, Any] = Security().get_connection_args("client")
    return found


def _wait_for_a_worker(client: Client, address: str, timeout_s: float) -> None:
    try:
        client.wait_for_workers(1, timeout=timeout_s)
    except TimeoutError:
        raise ClusterError(
            f"{address}: the scheduler has no worker. Start some with `dask worker {address}`, and see that the firewall "
            "lets them through."
        ) from None


def _minor(text: str) -> str:
    return ".".join(text.split(".")[:2])


def _sees(path: str) -> bool:
    return Path(path).is_file()


def _writes(path: str) -> bool:
    return os.access(path, os.W_OK | os.X_OK)
