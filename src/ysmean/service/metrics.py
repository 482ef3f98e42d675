"""What the service measures of itself, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ysmean.service import compilations
from ysmean.service.served import Served

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        def histogram(name: str, text: str, *labels: str, buckets: Iterable[float]) -> Histogram:
            full = f"ysmean_{name}"
            return Histogram(full, text, labels, registry=registry, buckets=tuple(buckets))

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"ysmean_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"ysmean_{name}", text, labels, registry=registry)

        self.requests = histogram(
            "request_duration_seconds", "HTTP requests", "route", "status", buckets=SECONDS
        )
        sizes = [2**n for n in range(9)]
        self.batches = histogram("batch_size", "requests computed together", buckets=sizes)
        self.queueing = histogram("queue_seconds", "a call's wait to be computed", buckets=SECONDS)
        self.computing = histogram("compute_seconds", "a batch's computation", buckets=SECONDS)
        self.queued = gauge("queued_requests", "requests that wait")
        self.compilations = counter("compilations", "by warm-up, or under load", "when")
        self.encodings = counter("encodings", "by what became of them: kept, or made", "result")
        self.answers = counter("answers", "requests answered", "arm")
        self.cold = counter("cold_requests", "requests answered without any history")
        self.shares = counter("share_served", "answers, by networks' mean shares", "network", "arm")
        self.abstentions = counter("abstentions", "answers a network kept out of", "network")
        self.clicks = counter("clicks", "events on items of an answer they name", "arm")
        self.click_shares = counter("click_share", "clicks, by shares", "network", "arm")
        self.events = counter("events", "live events received", "result")
        self.swaps = counter("swaps", "models loaded or refused", "result")
        self.model = gauge("model_info", "1 for the model that answers", "model")
        self.age = gauge("model_age_seconds", "since the model was trained")
        for when in ("warm-up", "serving"):
            self.compilations.labels(when)
        compilations.tell(self)

    def batch(self, size: int, waits: list[float], took: float) -> None:
        """Count a computation: its requests, what each call waited, what it took in seconds."""
        self.batches.observe(size)
        self.computing.observe(took)
        for wait in waits:
            self.queueing.observe(wait)

    def encoded(self, kept: int, made: int) -> None:
        """Count the encodings of a batch by one network."""
        self.encodings.labels("kept").inc(kept)
        self.encodings.labels("made").inc(made)

    def compiled(self, when: str, count: int = 1) -> None:
        """Count compilations by warm-up, or under load."""
        self.compilations.labels(when).inc(count)

    def counted(self, by: Mapping[str, int]) -> None:
        """Count what a process that computes has counted, as of `computing.Counted`."""
        self.encoded(by.get("kept", 0), by.get("made", 0))
        for when in ("warm-up", "serving"):
            self.compiled(when, by.get(when, 0))

    def answered(self, answers: Sequence[Served], arms: Sequence[str | None] | None = None) -> None:
        """Count answers, by the arms of an experiment, and which networks they came from."""
        for answer, arm in zip(answers, arms or [None] * len(answers), strict=True):
            self.answers.labels(arm or "").inc()
            self.cold.inc(answer.cohort == "0")
            for name in answer.abstained:
                self.abstentions.labels(name).inc()
            self._credit(self.shares, answer.shares, arm)

    def clicked(self, shares: Mapping[str, float], arm: str | None = None) -> None:
        """Count an event on an item of an answer, with the item's shares and the arm there."""
        self.clicks.labels(arm or "").inc()
        self._credit(self.click_shares, shares, arm)

    def serve(self, model_id: str, created: float) -> None:
        """Say which model answers, and since when it is trained."""
        self.model.clear()
        self.model.labels(model_id).set(1)
        self.age.set_function(lambda: time.time() - created)

    @staticmethod
    def _credit(counter: Counter, shares: Mapping[str, float], arm: str | None) -> None:
        for name, share in shares.items():
            counter.labels(name, arm or "").inc(share)
