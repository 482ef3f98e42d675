"""What the service is told when it starts; its limits have sane defaults."""

from __future__ import annotations

import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from ysmean.recommender import CHUNK
from ysmean.service.experiment import Experiment


class Settings(BaseModel):
    """How to serve a model.

    Attributes:
        model: folder of the bundle.
        events_db: store of the live events: a file, or a URL as of `ysmean.data.store`; by default
            a file beside the model's folder, so that they outlive it.
        experiment: arms that users are parted among.
        gate: refuses a model that is worse than the current one on its held-out events, with this
            probability of refusing one that is as good; None asks no such thing.
        max_body: bytes in the body of a request.
        max_k: items in an answer.
        max_batch: requests in one call, and in one computation.
        max_history: items in a stated history, and in the list of items to exclude.
        max_values: stated preference values.
        max_events: events in one call.
        max_queued: requests that may wait for the computation; more are told to come back.
        timeout: seconds that a request may wait for its answer.
        threads: that share one matrix product. Products are small where catalogues are; threads
            that wait for each other then cost several times what they save.
        log_salt: what user ids are hashed with in the log; by default drawn at every start, so
            that a hash tells nobody apart from one start to the next.
        remembered: answers that later events may refer to.
        encodings: requests whose encodings are kept, for each network that has an encoder.
        apart: whether answers are computed in a process of their own, beside the one that speaks
            HTTP: more requests a second on two processors or more, for the memory of a second copy
            of the model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Path
    events_db: Path | str | None = None
    experiment: Experiment | None = None
    gate: float | None = Field(default=None, gt=0, lt=1)
    max_body: int = Field(default=1 << 20, ge=1024)
    max_k: int = Field(default=100, ge=1)
    max_batch: int = Field(default=64, ge=1, le=CHUNK)
    max_history: int = Field(default=1000, ge=1)
    max_values: int = Field(default=32, ge=0)
    max_events: int = Field(default=1000, ge=1)
    max_queued: int = Field(default=512, ge=1)
    timeout: float = Field(default=10.0, gt=0)
    threads: int = Field(default=1, ge=1)
    log_salt: SecretStr = Field(default_factory=lambda: SecretStr(secrets.token_hex(16)))
    remembered: int = Field(default=5000, ge=0)
    encodings: int = Field(default=20_000, ge=0)
    apart: bool = False

    @property
    def store(self) -> Path | str:
        """The store of the live events."""
        return self.events_db or self.model.with_name(f"{self.model.name}.events.db")

    @property
    def batch_sizes(self) -> list[int]:
        """The sizes that encoders are compiled for: powers of two that hold `max_batch`."""
        largest = max(8, 1 << (self.max_batch - 1).bit_length())
        return [size for size in (1 << n for n in range(3, 9)) if size <= largest]
