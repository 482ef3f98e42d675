"""How fast a network learns at each step: warm-up, cosine, and an early end that still anneals."""

from __future__ import annotations

import math

from ysmean.networks.learner import Fitting

WARM_UP = 0.05  # of all steps
LEAST = 0.02  # of the peak
MEAN = 0.51  # of the peak, over a whole schedule
COOLING = 0.4  # of the steps before it


class Rate:
    """A linear warm-up, then a cosine to 2% of the peak; or, from a step on, a line to there.

    What a network gains while its rate falls is much of what it gains at all. One that starts to
    fit its training events too well is therefore not just stopped: it goes back to its best step
    and anneals from there, as it would have done with a budget that ends there (Hägele et al.,
    2024, cooling down from a constant rate).

    Attributes:
        last: the step that training ends with.
    """

    def __init__(self, settings: Fitting, total: int) -> None:
        """Make the schedule of `total` steps."""
        self.peak, self.total, self.last = settings.learning_rate, total, total
        self.warm_up = max(1, int(WARM_UP * total))
        self.decay = settings.weight_decay / max(MEAN * self.peak * total, 1e-12)
        self._cooled: tuple[int, float] | None = None

    def __call__(self, step: int) -> float:
        """Return the rate of a step, from 1 on."""
        if self._cooled is not None:
            since, start = self._cooled
            left = (self.last - step + 1) / (self.last - since)
            return max(start * left, LEAST * self.peak)
        if step <= self.warm_up:
            return self.peak * (0.05 + 0.95 * step / self.warm_up)
        done = (step - self.warm_up) / max(1, self.total - self.warm_up)
        return self.peak * (LEAST + (1 - LEAST) * (1 + math.cos(math.pi * done)) / 2)

    @property
    def cooling(self) -> bool:
        """Whether `cool` was called."""
        return self._cooled is not None

    def cool(self, step: int, best: int) -> None:
        """Anneal after `step`, beginning with the rate of the best step so far."""
        self._cooled = step, self(best)
        self.last = min(self.total, step + max(1, round(COOLING * best)))
