"""Train one neural network: steps, early stopping on held-out events, the best weights kept."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import keras
import numpy as np
import numpy.typing as npt

from ysmean.data.batch import Questions
from ysmean.data.histories import Histories
from ysmean.errors import NothingToLearn, TrainingError
from ysmean.networks.learner import Learner
from ysmean.networks.network import Network
from ysmean.training.progress import Progress
from ysmean.training.rate import Rate

HELD_OUT = 2048
ANNEALED = 0.02  # nats that annealed weights may lose: they rank better at the same likelihood


@dataclass
class FitLog:
    """What happened while one network was trained.

    Attributes:
        steps: taken.
        best_step: the step whose weights were kept.
        kept_loss: the held-out loss of those.
        train_loss, held_out_loss: mean cross-entropy in nats, one value an evaluation.
        seconds: wall time.
        waited: seconds of it in which steps waited for their data.
        stopped: why it ended.
    """

    steps: int = 0
    best_step: int = 0
    kept_loss: float = math.inf
    train_loss: list[float] = field(default_factory=list)
    held_out_loss: list[float] = field(default_factory=list)
    seconds: float = 0.0
    waited: float = 0.0
    stopped: str = "budget of steps used up"


def fit(
    name: str,
    learner: Learner,
    histories: Histories,
    held_out: Questions,
    seed: int,
    progress: Progress,
) -> tuple[Network, FitLog]:
    """Train a learner on the events of histories.

    Args:
        name: of the network, for messages.
        learner: model, inputs and settings.
        histories: the training events.
        held_out: events never trained on; at most 2,048 of them decide when to stop.
        seed: of the order of events.
        progress: is told of every step.

    Returns:
        The network with its best weights, or the last unless they are clearly worse, and what
        happened.

    Raises:
        NothingToLearn: if no event can be a target.
        TrainingError: if the loss is not finite.
    """
    settings, model = learner.settings, learner.model
    groups = learner.groups(histories)
    examples = sum(len(chosen) for chosen, _ in groups)
    if not examples:
        raise NothingToLearn("no training event has a history and an item to learn from")
    epoch_steps = sum(math.ceil(len(chosen) / size) for chosen, size in groups)
    total = min(settings.max_steps, settings.max_epochs * epoch_steps)
    every = min(settings.evaluate_every or epoch_steps, total)
    rate = Rate(settings, total)
    optimizer = keras.optimizers.AdamW(rate(1), rate.decay, global_clipnorm=5.0)
    model.compile(optimizer, learner.loss())
    log, best, began = FitLog(), _Best(), time.perf_counter()
    rng = np.random.default_rng([seed, examples])
    task = progress.start(name, total)
    since: list[float] = []  # losses of the steps after the last evaluation
    try:
        for step, chosen in enumerate(_batches(groups, total, rng), 1):
            started = time.perf_counter()
            inputs, targets, weights = learner.batch(histories, chosen, rng)
            log.waited += time.perf_counter() - started
            optimizer.learning_rate.assign(rate(step))
            loss = float(model.train_on_batch(inputs, targets, weights))
            if not math.isfinite(loss):
                raise TrainingError(
                    f"{name}: the loss became {loss} in epoch {1 + (step - 1) // epoch_steps}, "
                    f"step {step}, at learning rate {rate(step):.2e}. "
                    "Lower fitting.learning_rate, or check the features for extreme values."
                )
            log.steps = step
            since.append(loss)
            progress.advance(task, loss)
            if step % every == 0 or step == rate.last:
                log.train_loss.append(float(np.mean(since)))
                since = []
                log.held_out_loss.append(_evaluate(learner, held_out, log.train_loss[-1]))
                allowed = ANNEALED if step == rate.last else 0.0
                best.see(model, step, log.held_out_loss[-1], allowed)
                progress.note(task, log.held_out_loss[-1])
                if best.age >= settings.patience and step < rate.last and not rate.cooling:
                    log.stopped = f"no gain in {best.age} evaluations after step {best.step}"
                    best.restore(model)
                    rate.cool(step, best.step)
            if step == rate.last:
                break
    except KeyboardInterrupt:
        log.stopped = "interrupted"
        if best.weights is None:
            raise
        progress.interrupted(name, best.step)
    finally:
        progress.stop(task)
    best.restore(model)
    log.best_step, log.seconds = best.step, time.perf_counter() - began
    log.kept_loss = best.loss
    return learner.finish(), log


class _Best:
    """The weights with the lowest held-out loss so far, or others that are allowed to be worse."""

    def __init__(self) -> None:
        self.loss, self.step, self.age = math.inf, 0, 0
        self.weights: list[npt.NDArray[np.float32]] | None = None

    def see(self, model: keras.Model, step: int, loss: float, allowed: float) -> None:
        self.age += 1
        if loss < self.loss + allowed or self.weights is None:
            self.loss, self.step, self.age = loss, step, 0
            self.weights = model.get_weights()

    def restore(self, model: keras.Model) -> None:
        if self.weights is not None:
            model.set_weights(self.weights)


def _batches(
    groups: list[tuple[npt.NDArray[np.int64], int]], steps: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield `steps` batches, each from one group and every example once a pass.

    The short rest of a group's pass is filled up.
    """
    done = 0
    while done < steps:
        batches: list[npt.NDArray[np.int64]] = []
        for examples, size in groups:
            order, size = rng.permutation(examples), min(size, len(examples))
            order = np.concatenate([order, order[: -len(order) % size]])
            batches.extend(order.reshape(-1, size))
        for number in rng.permutation(len(batches))[: steps - done]:
            done += 1
            yield batches[number]


def _evaluate(learner: Learner, held_out: Questions, otherwise: float) -> float:
    """Return the mean held-out loss; the training loss where nothing can be held out."""
    usable = learner.learnable[held_out.targets]
    if learner.needs_history:
        usable = usable & (held_out.ends > held_out.starts)
    rows = np.flatnonzero(usable)
    if not len(rows):
        return otherwise
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), HELD_OUT)).astype(int)]
    total = 0.0
    for part in held_out[chosen].chunks(512):  # Keras tells the mean of each
        total += len(part) * float(learner.model.test_on_batch(*learner.ask(part)))
    return total / len(chosen)
