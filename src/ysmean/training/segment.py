"""One segment's members, asked held-out events: its temperatures, consensus and weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Batch, Questions
from ysmean.data.catalogue import Catalogue
from ysmean.data.histories import COHORTS, cohort_of
from ysmean.mean.fitting import fit_cohorts, fit_temperatures
from ysmean.mean.ranks import target_log_probabilities
from ysmean.mean.stream import BoolArray, DoubleArray, Stream, Streamed
from ysmean.networks.dot import DotNetwork
from ysmean.networks.network import Head, Network
from ysmean.training.consensus import KEPT_BYTES, cross_fit, drawn

CUTS = (0, 1, 2, 3, 5, 8)
HEATED = 1500
CHUNK = 256
ENOUGH = 100  # first events, to do without cut histories


@dataclass(frozen=True)
class Asked:
    """Questions of one segment: last events, first ones, then last ones with cut histories.

    Attributes:
        parts: the questions, n in all.
        whole: bool (n,), last events with the whole history.
        cut: bool (n,), those with a cut one; it is no history that anybody had.
        cohorts: int64 (n,).
    """

    parts: list[Questions]
    whole: BoolArray
    cut: BoolArray
    cohorts: npt.NDArray[np.int64]

    @property
    def newest(self) -> BoolArray:
        """Questions without a history: those that users began with, where there are enough."""
        none = self.cohorts == 0
        begun = none & ~self.cut
        return np.asarray(begun if begun.sum() >= ENOUGH else none)


def choose(
    questions: Questions,
    whole: int,
    cut: int,
    rng: np.random.Generator,
    begun: Questions | None = None,
) -> Asked:
    """Choose questions.

    Args:
        questions: held-out events.
        whole: how many are asked with their whole histories at most.
        cut: how many for each cut at most.
        rng: of the choice.
        begun: the first events of users, all of which are asked.
    """
    order = rng.permutation(len(questions))
    last, few = (questions[np.sort(order[:most])] for most in (whole, cut))
    real = [last] if begun is None else [last, begun]
    parts = [*real, *(few.cut(shown) for shown in CUTS)]
    cohorts = np.concatenate([cohort_of(part.ends - part.starts) for part in parts])
    places = np.arange(len(cohorts))
    return Asked(parts, places < len(last), places >= sum(map(len, real)), cohorts)


@dataclass(frozen=True)
class Fitted:
    """One segment's proportions, and what they were fitted on.

    Attributes:
        weights: (C, M).
        temperatures: (K,).
        logs: (n, M), log p of the targets that were asked with whole histories.
        cohorts: (n,), theirs.
        exponents: (C, K) of the consensus; empty without one.
    """

    weights: DoubleArray
    temperatures: DoubleArray
    logs: DoubleArray
    cohorts: npt.NDArray[np.int64]
    exponents: DoubleArray

    def gain(self, candidates: int) -> dict[str, float] | None:
        """Return what the mean gains over guessing among so many items, in nats an event.

        Returns:
            The mean of log p + log candidates over held-out events, its standard error, and how
            many events; None with fewer than 2.
        """
        p = (np.exp(self.logs) * self.weights[self.cohorts]).sum(1)
        gains = np.log(p[p > 0]) + np.log(max(candidates, 1))
        if len(gains) < 2:
            return None
        error = gains.std(ddof=1) / np.sqrt(len(gains))
        return {"mean": float(gains.mean()), "error": float(error), "requests": len(gains)}

    def losses(self, names: tuple[str, ...]) -> dict[str, float]:
        """Return the mean -log p by member and of the mean; members that answer none left out."""
        mixed = (np.exp(self.logs) * self.weights[self.cohorts]).sum(1)
        columns = [*np.exp(self.logs).T, mixed]
        return {
            name: float(-np.log(p[p > 0]).mean())
            for name, p in zip((*names, "mean"), columns, strict=True)
            if (p > 0).any()
        }


@dataclass(frozen=True)
class Segment:
    """One segment's members and the questions they are fitted on.

    Attributes:
        networks: by name.
        catalogue: for when items are available.
        base: bool (N,), the classes of the segment.
        cold: bool (N,), classes to be treated as cold: without what their own events tell.
        asked: the questions.
    """

    networks: Mapping[str, Network]
    catalogue: Catalogue
    base: BoolArray
    cold: BoolArray
    asked: Asked
    _encoded: dict[tuple[str, bytes], Head] = field(default_factory=dict, repr=False)

    def fit(self, rng: np.random.Generator) -> Fitted:
        """Fit temperatures, then weights, of the networks alone."""
        asked = self.asked
        some = asked.whole if asked.whole.any() else ~asked.whole
        # Networks that need no history matter most to users without one; there they are fitted.
        from_history = [network.from_history for network in self.networks.values()]
        heat = np.where(
            from_history,
            self._temperatures(some, rng),
            self._temperatures(asked.newest, rng),
        )
        return self._weights(heat, self.log_probabilities(heat), np.zeros((0, 0)))

    def with_consensus(self, heat: DoubleArray, rng: np.random.Generator) -> Fitted:
        """Fit the consensus, then weights of all members.

        The weights see each user's events answered by a consensus that did not learn from that
        user; a consensus that did would look better than it is.

        Args:
            heat: (K,), the networks' temperatures.
            rng: of the folds and of the choice of questions.
        """
        asked, count = self.asked, len(self.networks)
        users = np.concatenate([part.users for part in asked.parts])
        folds = rng.permutation(users.max(initial=0) + 1)[users] % 2
        plain = np.ones((count, 2))
        fitted = cross_fit(
            lambda sample, size: self._streams(plain, sample, size),
            asked.whole,
            asked.cut,
            folds,
            asked.cohorts,
            count,
            len(self.base),
            rng,
        )
        logs = self.log_probabilities(
            heat, None, lambda rows, s: fitted.join(s, folds[rows], asked.cohorts[rows])
        )
        return self._weights(heat, logs, fitted.served)

    def _weights(self, heat: DoubleArray, logs: DoubleArray, exponents: DoubleArray) -> Fitted:
        asked = self.asked
        weights = fit_cohorts(np.exp(logs), asked.cohorts, asked.whole, asked.cut, len(COHORTS))
        return Fitted(weights, heat, logs[asked.whole], asked.cohorts[asked.whole], exponents)

    def _temperatures(self, asked: BoolArray, rng: np.random.Generator) -> DoubleArray:
        """Fit temperatures on some of the questions, at most `HEATED` of them."""
        sample = drawn(asked, HEATED, rng)
        count = len(self.networks)
        if not sample.any():
            return np.ones(count)
        asking = self._streams(np.ones((count, 2)), sample, CHUNK)
        small = int(sample.sum()) * count * len(self.base) * 4 <= KEPT_BYTES
        kept = list(asking) if small else None  # what rows sum up to does not depend on heat

        def log_probabilities(temperatures: DoubleArray) -> DoubleArray:
            if kept is None:
                return self.log_probabilities(temperatures, sample)
            heat = np.repeat(temperatures[:, None], 2, axis=1)
            streams = (replace(s, temperatures=heat, _kept=[]) for _, _, s in kept)
            logs = [
                target_log_probabilities(stream, targets)
                for stream, (_, targets, _) in zip(streams, kept, strict=True)
            ]
            return np.concatenate(logs)

        return fit_temperatures(log_probabilities, count)

    def log_probabilities(
        self,
        temperatures: DoubleArray,
        sample: BoolArray | None = None,
        join: Callable[[npt.NDArray[np.int64], Stream], Streamed] | None = None,
    ) -> DoubleArray:
        """Return each member's log p of each question's target, (n, M).

        Args:
            temperatures: (K,).
            sample: bool, which questions; all for None.
            join: adds the consensus to (rows, their networks' stream); None to go without.
        """
        heat = np.repeat(temperatures[:, None], 2, axis=1)
        chosen = np.ones(len(self.asked.whole), bool) if sample is None else sample
        logs = [np.zeros((0, len(self.networks) + (join is not None)))]
        for rows, targets, stream in self._streams(heat, chosen, CHUNK):
            whole = stream if join is None else join(rows, stream)
            logs.append(target_log_probabilities(whole, targets))
        return np.concatenate(logs)

    def _streams(
        self, heat: DoubleArray, sample: BoolArray, size: int
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], Stream]]:
        """Yield the rows, targets and networks' answers of the sampled questions, in order."""
        first = 0
        for part in self.asked.parts:
            rows = np.flatnonzero(sample[first : first + len(part)])
            for lo in range(0, len(rows), size):
                questions = part[rows[lo : lo + size]]
                stream = self._stream(questions, heat)
                yield first + rows[lo : lo + size], questions.targets, stream
            first += len(part)

    def _stream(self, questions: Questions, heat: DoubleArray) -> Stream:
        batch = questions.batch()
        key = questions.starts.tobytes() + questions.ends.tobytes()
        heads = [self._head(name, batch, key) for name in self.networks]
        if self.cold.any():  # those that know items by id do not cover cold ones
            heads = [
                head if network.knows_cold else replace(head, coverage=head.coverage & ~self.cold)
                for head, network in zip(heads, self.networks.values(), strict=True)
            ]
        allowed = questions.allowed(self.base, available=self.catalogue.available)
        return Stream(heads, self.cold, heat, allowed)

    def _head(self, name: str, batch: Batch, key: bytes) -> Head:
        """Return a network's answer to the batch of a key.

        Temperatures and exponents ask the same questions many times. What encoders make of them
        is slow to compute and small, so it is kept; rows that are summed are neither.
        """
        network = self.networks[name]
        if not isinstance(network, DotNetwork):
            return network.head(batch)
        if (name, key) not in self._encoded:
            self._encoded[name, key] = network.head(batch)
        return self._encoded[name, key]
