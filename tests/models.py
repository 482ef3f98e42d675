"""One small trained recommender, shared by the tests that only ask it."""

from dataclasses import replace
from functools import cache

import ysmean as ym

QUICK = ym.Fitting(batch=64, max_steps=60, max_epochs=30)


def specs():
    return [
        ym.Collaborative(embedding=8, hidden=(16,), fitting=QUICK),
        ym.Transition(),
        ym.Content(width=8, hidden=8, fitting=QUICK),
        ym.Knowledge(width=8, hidden=8, fitting=QUICK),
        ym.Popularity(),
    ]


@cache
def service():
    return ym.simulate(seed=1, users=150, items=80, events=3000, new_items=8)


@cache
def report(split="leave-last-out"):
    s = service()
    return ym.evaluate(
        s.events, s.items, s.users, networks=specs(), candidates="events", split=split
    )


@cache
def recommender():
    s = service()
    return ym.train(s.events, s.items, s.users, networks=specs(), seed=1)


def hotter(trained):
    """Return a model with other temperatures: another id, other answers."""
    p = trained.parts.proportions
    return ym.Recommender(
        replace(trained.parts, proportions=replace(p, temperatures=1.5 * p.temperatures))
    )
