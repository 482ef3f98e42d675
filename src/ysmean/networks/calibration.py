"""From the scores of a closed form to probabilities, by events that it did not learn from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from ysmean.data.batch import ranges
from ysmean.data.histories import Histories
from ysmean.networks.network import BoolArray, FloatArray
from ysmean.networks.ridge import left_out

EXAMPLES = 1024  # users whose last event is asked


def calibrate(
    histories: Histories,
    fade: FloatArray,
    factor: FloatArray,
    weights: FloatArray,
    size: int,
    seed: int,
) -> tuple[float, float]:
    """Return ε and s of p(i) ∝ (max(score, 0) + ε)^s that make last events likeliest.

    A user's last training event is asked as if it alone had not been learned from, with the items
    before it out of the question.

    Args:
        histories: the training events, of M classes.
        fade: float32 (L,), see `ridge.fading`.
        factor: float32 (M, M), see `ridge.solve`.
        weights: likewise.
        size: the first `size` classes can be answered with.
        seed: of the choice of users.
    """
    last = _askable(histories, size, seed)
    if not len(last):
        return 1.0 / size, 1.0
    begins = histories.offsets[histories.users[last]]
    targets = histories.classes[last]
    shape = (len(last), len(weights))
    owner, flat = ranges(np.maximum(begins, last - len(fade)), last)
    x = (fade[last[owner] - flat - 1], (owner, histories.classes[flat]))
    scores = left_out(
        factor, weights, sparse.csr_array(x, shape=shape), targets, histories.weights[last]
    )
    np.maximum(scores, 0, out=scores)
    allowed = np.ones(shape, bool)
    allowed[:, size:] = False
    owner, flat = ranges(begins, last)
    allowed[owner, histories.classes[flat]] = False
    return most_likely(scores, allowed, targets)


def most_likely(
    scores: FloatArray,
    allowed: BoolArray,
    targets: npt.NDArray[np.integer],
) -> tuple[float, float]:
    """Return ε and s that minimise the mean of -log p(target), where p ∝ (score + ε)^s.

    Args:
        scores: float32 (n, M), none below 0.
        allowed: bool (n, M), classes that p is normalised over; the targets are among them.
        targets: int (n,).
    """
    asked = np.arange(len(targets))

    def loss(at: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        """Return the loss and its gradient, in log ε and log s."""
        floor, sharpness = np.exp(at)
        total = scores.astype(np.float64) + floor
        z = sharpness * np.log(total)
        top = z.max(1, keepdims=True)
        p = np.exp(z - top) * allowed
        mass = p.sum(1, keepdims=True)
        p /= mass
        rising = sharpness * floor / total  # dz / d log ε
        own = z[asked, targets]
        slopes = (
            ((p * rising).sum(1) - rising[asked, targets]).mean(),
            ((p * z).sum(1) - own).mean(),
        )
        return float((np.log(mass) + top)[:, 0].mean() - own.mean()), np.array(slopes)

    even = -np.log(scores.shape[1])
    bounds = [(even - 7, even + 7), (-2, 2)]
    found = optimize.minimize(loss, (even, 0.0), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(np.exp(found.x[0])), float(np.exp(found.x[1]))


def _askable(histories: Histories, size: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the last events of some users with more than one, where they repeat none before."""
    last = histories.offsets[1:][histories.lengths > 1] - 1
    last = last[histories.classes[last] < size]
    last = np.sort(np.random.default_rng([seed, 19]).permutation(last)[:EXAMPLES])
    owner, flat = ranges(histories.offsets[histories.users[last]], last)
    again = histories.classes[flat] == histories.classes[last[owner]]
    fresh: BoolArray = np.bincount(owner[again], minlength=len(last)) == 0
    return np.asarray(last[fresh])
