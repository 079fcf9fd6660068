"""Blocks computed on a Dask cluster. Every worker, one that comes later too, is given the scenario once."""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from typing import Any, Self

from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin

from .scenario import Scenario
from .sweep import Block, Numbers
from .workers import WorkersError, timed

LOCAL = "local"
SECONDS_TO_CONNECT = 10

_scenarios: dict[str, Scenario] = {}  # of a worker, by the name of the sweep


class _Scenario(WorkerPlugin):  # type: ignore[misc]
    def __init__(self, name: str, scenario: Scenario) -> None:
        self.name, self.scenario = name, scenario

    def setup(self, worker: Any) -> None:
        _scenarios[self.name] = self.scenario

    def teardown(self, worker: Any) -> None:
        _scenarios.pop(self.name, None)


def _on_worker(name: str, numbers: Numbers) -> tuple[Block, float]:
    return timed(_scenarios[name], numbers)


class Cluster:
    """The workers of a scheduler's address, or of a cluster on this machine for ``local``.

    Dask itself tries a block again on other workers when one dies, and gives it up after some deaths.
    """

    lost: tuple[type[BaseException], ...] = (KilledWorker,)

    def __init__(self, scenario: Scenario, address: str, size: int) -> None:
        self._name = f"immunesim-{uuid.uuid4().hex[:12]}"
        self._local = None
        if address == LOCAL:
            self._local = LocalCluster(n_workers=size, threads_per_worker=1, dashboard_address=None)
        try:
            self._client = Client(self._local or address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkersError(f"no Dask scheduler at {address}: {error}") from None
        self._client.register_plugin(_Scenario(self._name, scenario), name=self._name)
        self._executor = self._client.get_executor(pure=False)

    @property
    def size(self) -> int:
        """Threads of all workers as they are now, which may come and go."""
        return max(1, int(sum(self._client.nthreads().values())))

    def submit(self, numbers: Numbers) -> Future[tuple[Block, float]]:
        future: Future[tuple[Block, float]] = self._executor.submit(_on_worker, self._name, numbers)
        return future

    def renew(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=False)
        if self._local is None:
            self._client.unregister_worker_plugin(self._name)
        self._client.close()
        if self._local is not None:
            self._local.close()
