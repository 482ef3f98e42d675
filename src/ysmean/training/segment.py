"""One segment's members, asked held-out events: its temperatures, consensus and weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Questions
from ysmean.data.catalogue import Catalogue
from ysmean.data.histories import COHORTS
from ysmean.mean.fitting import FLOOR, fit_cohorts, fit_temperatures
from ysmean.mean.held import Centred, Held, chunk_of, combined, hold, log_probability
from ysmean.mean.stream import Stream
from ysmean.mean.tile import BoolArray, DoubleArray
from ysmean.networks.network import Network
from ysmean.training import lean
from ysmean.training.asked import Asked
from ysmean.training.consensus import FOLDS, CrossFitted, cross_fit, drawn
from ysmean.training.remembered import Answered, Remembered

HEATED = 1500
RANKED = 1500  # questions of a cohort


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

    def temperatures(self, rng: np.random.Generator) -> DoubleArray:
        """Fit the networks' temperatures, (K,); `rng` chooses the questions."""
        asked = self.asked
        some = asked.whole if asked.whole.any() else ~asked.whole
        # Networks that need no history matter most to users without one; there they are fitted.
        from_history = [network.from_history for network in self.networks.values()]
        return np.where(
            from_history,
            self._temperatures(some, rng),
            self._temperatures(asked.newest, rng),
        )

    def consensus(self, rng: np.random.Generator) -> CrossFitted:
        """Fit the consensus; `rng` draws the folds and chooses the questions."""
        asked, count = self.asked, len(self.networks)
        users = np.concatenate([part.users for part in asked.parts])
        folds = rng.permutation(users.max(initial=0) + 1)[users] % FOLDS
        return cross_fit(
            lambda sample: self._answers(np.ones(count), sample),
            asked.whole,
            asked.cut,
            folds,
            asked.cohorts,
            count,
            int(self.base.sum()),
            rng,
        )

    def weights(
        self, heat: DoubleArray, consensus: CrossFitted | None, rng: np.random.Generator
    ) -> tuple[Fitted, ...]:
        """Fit the weights of the networks alone and, where there is a consensus, of all members.

        The weights see each user's events answered by a consensus that did not learn from that
        user; a consensus that did would look better than it is.

        Args:
            heat: (K,), the networks' temperatures.
            consensus: of the networks.
            rng: chooses the questions that tell how far weights lean to one member.
        """
        networks = len(self.networks)
        logs = self._log_probabilities(heat, consensus)
        pure = self._weights(heat, logs[:, :networks], np.zeros((0, 0)))
        if consensus is None:
            return (pure,)
        joined = self._weights(heat, logs, consensus.served)
        return pure, replace(joined, weights=self._lean(joined.weights, heat, consensus, rng))

    def _lean(
        self,
        weights: DoubleArray,
        heat: DoubleArray,
        consensus: CrossFitted,
        rng: np.random.Generator,
    ) -> DoubleArray:
        """Return weights (C, M) that lean to one member where held-out events rank better."""
        asked = self.asked
        leaning = lean.leaning(weights, FLOOR)  # (C, L, M)
        real = [~asked.cut & (asked.cohorts == c) for c in range(len(weights))]
        sample = np.logical_or.reduce([drawn(some, RANKED, rng) for some in real])
        gains, logs = np.full((2, len(sample), leaning.shape[1]), np.nan)
        for rows, columns, held in self._answers(heat, sample):
            z, a = held.logits.copy(), heat * consensus.product(rows, held.answering)
            own = combined(Centred.of(held), a)  # (B, n)
            for b, row in enumerate(rows):
                gains[row], logs[row] = lean.ask(
                    z[b], own[b], leaning[asked.cohorts[row]], columns[b]
                )
        found = lean.Asked(gains, logs)
        return np.stack(
            [rows[found.choose(some)] for rows, some in zip(leaning, real, strict=True)]
        )

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
        plain = np.ones(count)  # what rows sum up to does not depend on heat
        again = Remembered(lambda missing: self._answers(plain, missing), sample)

        def log_probabilities(heat: DoubleArray) -> DoubleArray:
            cool = (1 / heat).astype(np.float32)[:, None]
            logs = np.full((len(sample), count), -np.inf)
            for rows, columns, held in again:
                for row, column, z in zip(rows, columns, held.logits, strict=True):
                    logs[row] = log_probability(z * cool, column)
            return logs[sample]

        return fit_temperatures(log_probabilities, count)

    def _log_probabilities(self, heat: DoubleArray, consensus: CrossFitted | None) -> DoubleArray:
        """Return each member's log p of each question's target, (n, M)."""
        asked, networks = self.asked, len(self.networks)
        logs = np.full((len(asked.whole), networks + (consensus is not None)), -np.inf)
        for rows, columns, held in self._answers(heat, np.ones(len(asked.whole), bool)):
            for row, column, z in zip(rows, columns, held.logits, strict=True):
                logs[row, :networks] = log_probability(z, column)
            if consensus is not None:
                a = heat * consensus.product(rows, held.answering)
                own = combined(Centred.of(held), a)  # (B, n)
                for row, column, z in zip(rows, columns, own, strict=True):
                    logs[row, networks] = log_probability(z[None], column)[0]
        return logs

    def _answers(self, heat: DoubleArray, sample: BoolArray) -> Iterator[Answered[Held]]:
        """Yield the networks' answers to sampled questions on the segment's classes, in order."""
        first, size = 0, chunk_of(len(self.base))
        segment = int(self.cold.any())
        for part in self.asked.parts:
            rows = np.flatnonzero(sample[first : first + len(part)] & self.base[part.targets])
            for lo in range(0, len(rows), size):
                questions = part[rows[lo : lo + size]]
                held = hold(self._stream(questions, np.repeat(heat[:, None], 2, axis=1)))[segment]
                yield first + rows[lo : lo + size], held.columns(questions.targets), held
            first += len(part)

    def _stream(self, questions: Questions, heat: DoubleArray) -> Stream:
        batch = questions.batch()
        networks = self.networks.values()
        if self.cold.any():
            heads = [network.head_as_new(batch, self.cold) for network in networks]
        else:
            heads = [network.head(batch) for network in networks]
        allowed = questions.allowed(self.base, available=self.catalogue.available)
        return Stream(heads, self.cold, heat, allowed)
