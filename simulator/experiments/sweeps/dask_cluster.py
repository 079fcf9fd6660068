"""Blocks computed on a Dask cluster. Each worker is given the scenario once, also one that joins later."""

from __future__ import annotations

import socket
import uuid
from concurrent.futures import Future
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin
from distributed.comm import get_address_host_port

from ..scenario import Scenario
from .compute import Block, Numbers, solver
from .workers import WorkersError, compute_timed

LOCAL = "local"
SECONDS_TO_CONNECT = 10
ANY_PORT = "127.0.0.1:0"  # for the dashboard, whose usual port may be taken

_scenarios: dict[str, Scenario] = {}  # in a worker, by the name of the sweep


class _ScenarioPlugin(WorkerPlugin):  # type: ignore[misc]
    def __init__(self, name: str, scenario: Scenario) -> None:
        self.name, self.scenario = name, scenario

    def setup(self, worker: Any) -> None:
        """Called by Dask on each worker that joins."""
        _scenarios[self.name] = self.scenario

    def teardown(self, worker: Any) -> None:
        """Called by Dask when the plugin is removed."""
        _scenarios.pop(self.name, None)


def _on_worker(name: str, engine: str, numbers: Numbers) -> tuple[Block, float]:
    if (own := _engine()) != engine:
        raise WorkersError(f"a Dask worker ({socket.gethostname()}) has {own}; this sweep is one of {engine}")
    return compute_timed(_scenarios[name], numbers)


def _engine() -> str:
    """What the numbers of a member depend on, apart from its scenario."""
    try:
        return f"immunesim {version('immunesim')}, {solver()}"
    except PackageNotFoundError:
        return f"immunesim (checkout), {solver()}"


class Cluster:
    """The workers of the scheduler at an address, or of a new cluster on this machine for ``local``.

    Dask itself runs a block again on other workers when one dies, and gives it up after several deaths.
    `WorkersError` if there is no scheduler at the address.
    """

    lost: tuple[type[BaseException], ...] = (KilledWorker,)

    def __init__(self, scenario: Scenario, address: str, size: int) -> None:
        self._name = f"immunesim-{uuid.uuid4().hex[:12]}"
        self._engine = _engine()
        self._local = None
        if address == LOCAL:
            self._local = LocalCluster(n_workers=size, threads_per_worker=1, dashboard_address=ANY_PORT)
        try:
            if self._local is None:
                get_address_host_port(address)  # refuses a bad address, which a Client would go on trying
            self._client = Client(self._local or address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkersError(f"no Dask scheduler at {address}: {error}") from None
        self._client.register_plugin(_ScenarioPlugin(self._name, scenario), name=self._name)
        self._executor = self._client.get_executor(pure=False)

    @property
    def size(self) -> int:
        """Threads of all workers at this moment; workers may join and leave."""
        return max(1, int(sum(self._client.nthreads().values())))

    def submit(self, numbers: Numbers) -> Future[tuple[Block, float]]:
        """The block of the members with these numbers, and the seconds that it took."""
        future: Future[tuple[Block, float]] = self._executor.submit(_on_worker, self._name, self._engine, numbers)
        return future

    def renew(self) -> None:
        """Nothing to do: Dask replaces its workers itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=False)
        if self._local is None:
            self._client.unregister_worker_plugin(self._name)
        self._client.close()
        if self._local is not None:
            with suppress(AssertionError):  # raised by distributed while it restarts a worker that died
                self._local.close()
