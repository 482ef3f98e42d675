"""Train on a split and ask its test events: every network, the plain and the fitted mean."""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from ysmean.data.batch import Questions
from ysmean.data.corrupt import shuffle_features
from ysmean.data.events import Events
from ysmean.data.items import Items
from ysmean.data.joined import Data
from ysmean.data.splits import make_split
from ysmean.data.users import Users
from ysmean.errors import ConfigError, DataError
from ysmean.evaluation.answers import Answers, Found
from ysmean.evaluation.facts import facts
from ysmean.evaluation.means import answer, means
from ysmean.evaluation.report import Report
from ysmean.evaluation.rows import popularity_of
from ysmean.evaluation.samples import samples
from ysmean.evaluation.suspicious import suspicious
from ysmean.mean.held import chunk_of
from ysmean.networks.registry import Spec
from ysmean.parts import Parts
from ysmean.recommender import Recommender
from ysmean.training.progress import Progress
from ysmean.training.train import learn


def evaluate(
    events: Events,
    items: Items | None = None,
    users: Users | None = None,
    *,
    split: str = "leave-last-out",
    networks: Sequence[Spec | str] | Mapping[str, Spec] | None = None,
    candidates: str = "all",
    seen: str = "exclude",
    seed: int = 0,
    preset: str = "default",
    unknown_items: str = "keep",
    consensus: bool = True,
    corrupt: float = 0.0,
    progress: Progress | None = None,
) -> Report:
    """Measure every network and their means on events that nothing was fitted on.

    Each target is ranked against the whole catalogue, never against sampled negatives.

    Args:
        events: who took what, in order.
        items: what the items are.
        users: who the users are.
        split: `"leave-last-out"`, `"time:DATE"`, `"cold-users:SHARE"` or `"cold-items:SHARE"`.
        networks: specs or names in order, or specs by name; the default ones for None.
        candidates: `"all"` items, or those with `"events"` anywhere in the events.
        seen: `"exclude"` leaves the items of the history out of the ranking; `"allow"`.
        seed: of everything random.
        preset: how long networks are trained.
        unknown_items: `"keep"` or `"drop"` events on items that `items` lacks.
        consensus: whether the product of the networks is one more member of the mean.
        corrupt: share of the items with features that get those of one another before training:
            how much does the mean suffer where metadata is wrong?
        progress: is told what happens; silent for None.

    Raises:
        ConfigError: for a bad setting.
        DataError: if the data cannot be split.
    """
    for name, value, known in (
        ("candidates", candidates, ("all", "events")),
        ("seen", seen, ("exclude", "allow")),
    ):
        if value not in known:
            raise ConfigError(f"{name}={value!r}; expected {known[0]!r} or {known[1]!r}.")
    began = time.perf_counter()
    progress = progress or Progress()
    items, shuffled = shuffle_features(items, corrupt, seed)
    data = Data.join(events, items, users, unknown_items=unknown_items)
    parts_of = make_split(split, data.histories, len(data.catalogue), seed)
    base = data.catalogue.warm if candidates == "events" else np.ones(len(data.catalogue), bool)
    parts = learn(data, parts_of, networks, base, seed, preset, progress, consensus)
    trained = time.perf_counter()
    questions = data.questions(parts_of.test)
    answers = ask(parts, questions, base, seen, progress)
    apart: list[Answers] = []
    if parts_of.withheld is not None:
        answers, apart = tell_items_apart(answers, parts, questions, base, seen, progress)
    training = data.histories.only(parts_of.train)
    counts = training.counts(len(data.catalogue))
    about = {
        "split": split,
        "candidates": candidates,
        "seen": seen,
        "corrupt": {"share": float(corrupt), "items": len(shuffled)},
        "catalogue": int(base.sum()),
        "seconds": {
            "train": {name: log["seconds"] for name, log in parts.manifest["training"].items()},
            "evaluate": time.perf_counter() - trained,
            "total": time.perf_counter() - began,
        },
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "python": platform.python_version(),
        "data": facts(parts, parts_of),
        "samples": samples(Recommender(parts), answers, base, seen, seed),
        "suspicious_items": suspicious(training, parts.catalogue, shuffled, seed),
    }
    return Report.of(answers, apart, parts, popularity_of(counts, base), about)


def ask(
    parts: Parts,
    questions: Questions,
    base: npt.NDArray[np.bool_],
    seen: str,
    progress: Progress,
) -> Answers:
    """Ask questions of every network, of the plain mean and of the fitted one.

    Args:
        parts: a trained recommender's.
        questions: n of them; those whose target may not be answered are counted, not asked.
        base: bool (N,), classes that may be answered with.
        seen: `"exclude"` or `"allow"`.
        progress: is told what happens.
    """
    recommender = Recommender(parts)
    catalogue = parts.catalogue
    available = catalogue.available
    found: list[Found] = []
    kept: list[npt.NDArray[np.bool_]] = []
    size = chunk_of(len(catalogue))
    task = progress.start("evaluate", -(-len(questions) // size))
    with threadpool_limits(1, user_api="blas"):  # threads wait for each other on small products
        for part in questions.chunks(size):
            inside = part.allowed(base, seen=seen, available=available).contains(part.targets)
            kept.append(inside)
            part = part[inside]
            if len(part):
                networks = recommender.stream(
                    part.batch(), part.allowed(base, seen=seen, available=available)
                )
                cohorts = part.batch(1).cohorts
                found.append(answer(parts.proportions, networks, cohorts, part.targets))
            progress.advance(task)
    progress.stop(task)
    if not found:
        raise DataError(
            "No test event can be answered: every target lies outside the allowed sets."
        )
    names = [*parts.proportions.names, *means(parts.proportions)]
    chosen = np.concatenate(kept)
    return Answers.join(names, found, questions[chosen], outside=int((~chosen).sum()))


def tell_items_apart(
    answers: Answers,
    parts: Parts,
    questions: Questions,
    base: npt.NDArray[np.bool_],
    seen: str,
    progress: Progress,
) -> tuple[Answers, list[Answers]]:
    """Name cohorts by the target's segment, and ask cold targets among cold items as well.

    Returns:
        The answers with cohorts "warm" and "cold-among-all", and those of cohort "cold".
    """
    warm = parts.catalogue.warm
    names = np.where(warm[answers.targets], "warm", "cold-among-all")
    told = replace(answers, cohorts=names)
    cold = questions[~warm[questions.targets] & base[questions.targets]]
    if not len(cold):
        return told, []
    among_cold = ask(parts, cold, base & ~warm, seen, progress)
    named = np.full(len(among_cold.targets), "cold")
    return told, [replace(among_cold, cohorts=named)]
