"""Ys-Mean: a hybrid recommender whose answer is a weighted mean of softmaxes.

Public names are imported on first use, so `import ysmean` is instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ysmean._backend import choose_backend

if TYPE_CHECKING:
    from ysmean.answer import Reason, Recommendation, Recommendations
    from ysmean.data.catalogue import Catalogue
    from ysmean.data.events import Events, read_events
    from ysmean.data.items import Items, read_items
    from ysmean.data.relations import Relations, read_relations
    from ysmean.data.requests import Request
    from ysmean.data.simulate import simulate
    from ysmean.data.users import Users, read_users
    from ysmean.errors import YsMeanError
    from ysmean.evaluation.evaluate import evaluate
    from ysmean.evaluation.report import Report
    from ysmean.mean.layer import YsMean
    from ysmean.networks.collaborative import Collaborative
    from ysmean.networks.content import Content
    from ysmean.networks.knowledge import Knowledge
    from ysmean.networks.learner import Fitting
    from ysmean.networks.linear import Linear
    from ysmean.networks.popularity import Popularity
    from ysmean.networks.recurrent import Recurrent
    from ysmean.networks.sequential import Sequential
    from ysmean.networks.transition import Transition
    from ysmean.recommender import Recommender
    from ysmean.training.train import train

__version__ = "0.1.0"

_HOMES = {
    "Catalogue": "data.catalogue",
    "Collaborative": "networks.collaborative",
    "Content": "networks.content",
    "Events": "data.events",
    "Fitting": "networks.learner",
    "Items": "data.items",
    "Knowledge": "networks.knowledge",
    "Linear": "networks.linear",
    "Popularity": "networks.popularity",
    "Reason": "answer",
    "Recommendation": "answer",
    "Recommendations": "answer",
    "Recommender": "recommender",
    "Relations": "data.relations",
    "Report": "evaluation.report",
    "Request": "data.requests",
    "Recurrent": "networks.recurrent",
    "Sequential": "networks.sequential",
    "Transition": "networks.transition",
    "Users": "data.users",
    "YsMean": "mean.layer",
    "YsMeanError": "errors",
    "evaluate": "evaluation.evaluate",
    "read_events": "data.events",
    "read_items": "data.items",
    "read_relations": "data.relations",
    "read_users": "data.users",
    "simulate": "data.simulate",
    "train": "training.train",
}

__all__ = [
    "Catalogue",
    "Collaborative",
    "Content",
    "Events",
    "Fitting",
    "Items",
    "Knowledge",
    "Linear",
    "Popularity",
    "Reason",
    "Recommendation",
    "Recommendations",
    "Recommender",
    "Recurrent",
    "Relations",
    "Report",
    "Request",
    "Sequential",
    "Transition",
    "Users",
    "YsMean",
    "YsMeanError",
    "evaluate",
    "read_events",
    "read_items",
    "read_relations",
    "read_users",
    "simulate",
    "train",
]

choose_backend()


# Hidden from type checkers: they would take every unknown name for one of Any type.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Import a public name from its module (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module 'ysmean' has no attribute {name!r}")
        value = getattr(import_module(f"ysmean.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__, "__version__"]
