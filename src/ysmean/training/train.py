"""Train all networks, then the proportions of their mean."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ysmean import __version__
from ysmean.data.batch import Questions
from ysmean.data.beginnings import beginnings
from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events
from ysmean.data.items import Items
from ysmean.data.joined import Data
from ysmean.data.splits import Split, production
from ysmean.data.users import Users
from ysmean.errors import ConfigError, NothingToLearn
from ysmean.mean.consensus import CONSENSUS
from ysmean.networks.learner import Learner
from ysmean.networks.network import Network, TrainingData
from ysmean.networks.registry import Spec, default_specs, named
from ysmean.parts import Parts
from ysmean.recommender import Recommender
from ysmean.training.fit import fit
from ysmean.training.presets import with_preset
from ysmean.training.progress import Progress
from ysmean.training.proportions import COLD, fit_proportions

PSEUDO_COLD = 0.05


def train(
    events: Events,
    items: Items | None = None,
    users: Users | None = None,
    *,
    networks: Sequence[Spec | str] | Mapping[str, Spec] | None = None,
    seed: int = 0,
    preset: str = "default",
    unknown_items: str = "keep",
    consensus: bool = True,
    progress: Progress | None = None,
) -> Recommender:
    """Train a recommender.

    The last event of max(10% of the users, 1,000), at most half of those with 3 or more events,
    is held out to decide when to stop and to fit the proportions; answers use whole histories.

    Args:
        events: who took what, in order.
        items: what the items are; without it, networks that need it are left out.
        users: who the users are.
        networks: specs or names in order, or specs by name; the default ones for None.
        seed: the same seed on the same machine gives the same model.
        preset: `"fast"`, `"default"` or `"best"`: how long the networks are trained; with
            `"best"`, `Sequential` joins the default ones.
        unknown_items: `"keep"` or `"drop"` events on items that `items` lacks.
        consensus: whether the product of the networks is one more member of the mean.
        progress: is told what happens; silent for None.

    Returns:
        The recommender.

    Raises:
        DataError: if the data cannot be trained on.
        ConfigError: for a bad setting.
        TrainingError: if a network's loss is not finite.
    """
    data = Data.join(events, items, users, unknown_items=unknown_items)
    split = production(data.histories, seed)
    base = np.ones(len(data.catalogue), bool)
    parts = learn(data, split, networks, base, seed, preset, progress or Progress(), consensus)
    origin = {
        "event_weights": None if events.event_weights is None else dict(events.event_weights),
        "watermark": None if events.watermark is None else events.watermark.to_json(),
    }
    return Recommender(replace(parts, manifest={**parts.manifest, **origin}))


def learn(
    data: Data,
    split: Split,
    networks: Sequence[Spec | str] | Mapping[str, Spec] | None,
    base: npt.NDArray[np.bool_],
    seed: int,
    preset: str,
    progress: Progress,
    consensus: bool = True,
) -> Parts:
    """Fit networks on a split's training events and proportions on its validation events.

    Args:
        data: everything read.
        split: which events train.
        networks: specs, as of `train`.
        base: bool (N,), classes that may be answered with when proportions are fitted.
        seed: of everything random.
        preset: how long networks are trained.
        progress: is told what happens.
        consensus: whether it takes part in the mean.

    Returns:
        Parts with the whole histories, and a catalogue that is warm by training events alone.
    """
    specs, notes = _specs(networks, data.catalogue, preset)
    for note in (*data.joining, *notes):
        progress.say(note)
    begun = beginnings(data.histories, split.train, seed)
    split = replace(split, train=split.train & ~begun)
    training = data.histories.only(split.train)
    catalogue = replace(data.catalogue, warm=training.counts(len(data.catalogue)) > 0)
    pseudo_cold = draw_pseudo_cold(catalogue, seed)
    newcomers = np.zeros(len(data.histories), bool)
    newcomers[data.histories.users[begun]] = True  # who they are is not learned, either
    user_fields = np.where(newcomers[:, None], 0, data.user_fields).astype(np.int32)
    material = TrainingData(catalogue, training, data.fields, user_fields, pseudo_cold, seed)
    held_out = data.questions(split.validation)
    fitted: dict[str, Network] = {}
    logs: dict[str, dict[str, Any]] = {}
    for number, (name, spec) in enumerate(specs.items()):
        try:
            fitted[name], logs[name] = _fit_one(
                name, spec, material, held_out, seed + number, progress
            )
        except NothingToLearn as why:
            notes.append(f"{name} left out: {why}")
            progress.say(notes[-1])
            continue
        covered = int((fitted[name].coverage & catalogue.warm).sum())
        if covered < (warm := int(catalogue.warm.sum())):
            notes.append(f"{name} covers {covered:,} of {warm:,} items with events")
            progress.say(notes[-1])
    specs = {name: spec for name, spec in specs.items() if name in fitted}
    if not fitted:
        raise ConfigError("No network can be fitted: " + "; ".join(notes))
    began = time.perf_counter()
    pseudo = pseudo_questions(data, split, pseudo_cold, seed)
    proportions, measured = fit_proportions(
        fitted,
        catalogue,
        pseudo_cold,
        held_out,
        pseudo,
        data.questions(np.flatnonzero(begun)),
        base,
        seed,
        split.withheld,
        consensus,
    )
    logs["proportions"] = {"seconds": time.perf_counter() - began}
    return Parts(
        catalogue=catalogue,
        histories=data.histories,
        users=data.users,
        fields=data.fields,
        specs=specs,
        networks=fitted,
        proportions=proportions,
        manifest={
            "ysmean": __version__,
            "keras": keras.version(),
            "backend": keras.backend.backend(),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seed": seed,
            "preset": preset,
            "split": split.name,
            "held_out": len(held_out),
            "pseudo_cold": int(pseudo_cold.sum()),
            "training": logs,
            "held_out_nll": measured.losses,
            "held_out_gain": measured.gain,
            "notes": [*data.notes, *notes],
        },
        encoder=vars(material).get("encoder"),  # none where no network asked for features
    )


def _specs(
    networks: Sequence[Spec | str] | Mapping[str, Spec] | None, catalogue: Catalogue, preset: str
) -> tuple[dict[str, Spec], list[str]]:
    """Return the specs that can be built, by name, and why others cannot."""
    given = default_specs(preset) if networks is None else networks
    by_name = dict(given) if isinstance(given, Mapping) else named(given)
    if CONSENSUS in by_name:
        raise ConfigError(
            "A network is named 'consensus', which the product of the networks is called. Rename "
            "it; the product itself takes part unless consensus=False."
        )
    reasons = {name: spec.missing(catalogue) for name, spec in by_name.items()}
    kept = {n: with_preset(spec, preset) for n, spec in by_name.items() if reasons[n] is None}
    if not kept:
        raise ConfigError("No network can be built: " + "; ".join(map(str, reasons.values())))
    return kept, [f"{name} left out: {why}" for name, why in reasons.items() if why]


def _fit_one(
    name: str,
    spec: Spec,
    material: TrainingData,
    held_out: Questions,
    seed: int,
    progress: Progress,
) -> tuple[Network, dict[str, Any]]:
    began = time.perf_counter()
    begun = spec.begin(material, seed)
    if not isinstance(begun, Learner):
        return begun, {"seconds": time.perf_counter() - began}
    network, log = fit(name, begun, material.histories, held_out, seed, progress)
    return network, {**asdict(log), "seconds": time.perf_counter() - began}


def draw_pseudo_cold(catalogue: Catalogue, seed: int) -> npt.NDArray[np.bool_]:
    """Return 5% of the warm items with features, bool (N,), to stand in for cold ones."""
    able = np.flatnonzero(catalogue.warm & catalogue.has_features)
    drawn = np.random.default_rng([seed, 5]).permutation(able)[: int(PSEUDO_COLD * len(able))]
    return np.isin(np.arange(len(catalogue)), drawn)


def pseudo_questions(
    data: Data, split: Split, pseudo_cold: npt.NDArray[np.bool_], seed: int
) -> Questions:
    """Return held-out events on pseudo-cold items, then training events on them.

    Networks that know items by what they are learned from neither; the others abstain there.
    """
    histories = data.histories
    held_out = split.validation[pseudo_cold[histories.classes[split.validation]]]
    training = split.train & pseudo_cold[histories.classes]
    more = np.random.default_rng([seed, 11]).permutation(np.flatnonzero(training))
    chosen = np.concatenate([held_out, more[: max(0, COLD - len(held_out))]])
    return data.questions(np.sort(chosen))
