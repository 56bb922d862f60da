"""What Prometheus asks for. No label takes a value that a caller, a script or a person makes up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from trainstop import __version__
from trainstop.protocol import PROTOCOL_VERSION
from trainstop.rundir.clock import unix_seconds
from trainstop.server.jobs.observer import Observer
from trainstop.server.jobs.states import STATUSES
from trainstop.server.store.records import CommandRecord

OTHER = "other"
STOP_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
STORE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
JOBS_ARE_COUNTED_AGAIN_AFTER_SECONDS = 15.0

ACTIONS = frozenset({"cancel", "pause", "resume"})
MODES = frozenset({"graceful", "checkpoint", "epoch", "force"})
OUTCOMES = frozenset({"accepted", "no_op", "refused"})
ENDS = frozenset({"succeeded", "failed", "superseded", "expired"})
STAGES = frozenset({"delivered", "acknowledged", "checkpoint_saved", "process_exited", "resources_released"})
METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS"})
SUPERVISED = frozenset(
    {"launched", "launch_failed", "unsupervised", "exited", "gone", "expired", "shim_killed"}
)


class Streams(Protocol):
    readers: int
    delivered: int
    resets: int


def known(value: str | None, values: frozenset[str]) -> str:
    """The value, if it is one of those; anything else is one value too."""
    return "none" if value is None else value if value in values else OTHER


class Metrics(Observer):
    """One server's. Every method is quick and callable from any thread."""

    def __init__(self, streams: Streams, count_jobs: Callable[[], Mapping[str, int]]) -> None:
        """`count_jobs`: status → how many; may block, and raise while the store is away."""
        self.registry = registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        Info("trainstop_build", "What runs here.", registry=registry).info(
            {"version": __version__, "protocol": str(PROTOCOL_VERSION)}
        )
        self._asked = Counter(
            "trainstop_commands",
            "Stops, pauses and resumes that were asked for.",
            ("action", "mode", "outcome"),
            registry=registry,
        )
        self._ended = Counter(
            "trainstop_commands_ended",
            "Commands that have ended, and how.",
            ("action", "mode", "status"),
            registry=registry,
        )
        self._stop_seconds = Histogram(
            "trainstop_stop_seconds",
            "From the acceptance of a stop to each of its receipts; process_exited: its tree is gone.",
            ("mode", "stage"),
            buckets=STOP_SECONDS,
            registry=registry,
        )
        self._supervised = Counter(
            "trainstop_supervision",
            "What supervision did and found: launches, lost shims, ends.",
            ("event",),
            registry=registry,
        )
        self._store_seconds = Histogram(
            "trainstop_store_seconds",
            "Transactions, with their waiting for each other.",
            ("kind",),
            buckets=STORE_SECONDS,
            registry=registry,
        )
        self._store_errors = Counter(
            "trainstop_store_errors", "Transactions that the store failed.", ("kind",), registry=registry
        )
        self._requests = Histogram(
            "trainstop_http_request_seconds",
            "Requests by the route's template; of streams, how long they were open.",
            ("route", "method", "status"),
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        # What is known beforehand is there from the start: a rate over something that appears is none.
        for event in SUPERVISED:
            self._supervised.labels(event)
        for kind in ("read", "write"):
            self._store_seconds.labels(kind)
            self._store_errors.labels(kind)
        registry.register(_StreamCollector(streams))
        registry.register(_JobCollector(count_jobs))

    def text(self) -> bytes:
        """In Prometheus' text format. Blocks while jobs are counted."""
        return generate_latest(self.registry)

    def asked(self, action: str, mode: str | None, outcome: str) -> None:
        self._asked.labels(known(action, ACTIONS), known(mode, MODES), known(outcome, OUTCOMES)).inc()

    def command_ended(self, command: CommandRecord) -> None:
        mode = known(command.mode, MODES)
        self._ended.labels(known(command.action, ACTIONS), mode, known(command.status, ENDS)).inc()
        if command.action != "cancel" or command.status != "succeeded":
            return
        accepted = unix_seconds(command.created_at)
        for receipt in command.receipts:
            if receipt["stage"] in STAGES and receipt["state"] == "done":
                seconds = max(0.0, unix_seconds(receipt["at"]) - accepted)
                self._stop_seconds.labels(mode, receipt["stage"]).observe(seconds)

    def supervised(self, type_: str) -> None:
        self._supervised.labels(known(type_, SUPERVISED)).inc()

    def transaction(self, kind: str, seconds: float, *, failed: bool) -> None:
        """`kind`: read or write."""
        self._store_seconds.labels(kind).observe(seconds)
        if failed:
            self._store_errors.labels(kind).inc()

    def request(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """`route`: the template; None where no route was reached."""
        self._requests.labels(route or "none", known(method, METHODS), str(status)).observe(seconds)


class _StreamCollector(Collector):
    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        streams = self._streams
        yield GaugeMetricFamily("trainstop_stream_readers", "Open event streams.", streams.readers)
        yield _counter("trainstop_events_delivered", "Events sent to readers.", streams.delivered)
        yield _counter("trainstop_stream_resets", "Readers that had to begin anew.", streams.resets)


class _JobCollector(Collector):
    def __init__(self, count_jobs: Callable[[], Mapping[str, int]]) -> None:
        self._count_jobs = count_jobs
        self._lock = threading.Lock()
        self._counted: Mapping[str, int] = {}
        self._counted_at = float("-inf")

    def describe(self) -> Iterable[Metric]:
        return []  # asked at registration, when the store need not be there yet

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily("trainstop_jobs", "Jobs by status.", labels=("status",))
        try:
            counted = self._counts()
        except Exception:
            yield gauge  # without samples: better than yesterday's
            return
        for status in STATUSES:
            gauge.add_metric((status,), counted.get(status, 0))
        yield gauge

    def _counts(self) -> Mapping[str, int]:
        with self._lock:
            if time.monotonic() - self._counted_at >= JOBS_ARE_COUNTED_AGAIN_AFTER_SECONDS:
                self._counted = self._count_jobs()
                self._counted_at = time.monotonic()
            return self._counted


def _counter(name: str, documentation: str, value: int) -> Metric:
    metric = Metric(name, documentation, "counter")
    metric.add_sample(f"{name}_total", {}, value)
    return metric
