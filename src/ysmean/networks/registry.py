"""Every kind of network by name: its spec and its fitted form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from ysmean.data.catalogue import Catalogue
from ysmean.errors import ConfigError, nearest
from ysmean.networks.collaborative import Collaborative, CollaborativeNetwork
from ysmean.networks.content import Content, ContentNetwork
from ysmean.networks.knowledge import Knowledge, KnowledgeNetwork
from ysmean.networks.learner import Fitting, Learner
from ysmean.networks.linear import Linear, LinearNetwork
from ysmean.networks.network import Network, TrainingData
from ysmean.networks.popularity import Popularity, PopularityNetwork
from ysmean.networks.recurrent import Recurrent, RecurrentNetwork
from ysmean.networks.sequential import Sequential, SequentialNetwork
from ysmean.networks.transition import Transition, TransitionNetwork


class Spec(Protocol):
    """The settings of a network, as `Collaborative(history=5)`."""

    @property
    def kind(self) -> str:
        """The registry's name."""

    def missing(self, catalogue: Catalogue) -> str | None:
        """Return why the network cannot be built on a catalogue; None if it can."""

    def begin(self, data: TrainingData, seed: int) -> Network | Learner:
        """Return the fitted network, or the learner that has to be trained."""


REGISTRY: dict[str, tuple[type[Any], type[Network]]] = {
    "collaborative": (Collaborative, CollaborativeNetwork),
    "transition": (Transition, TransitionNetwork),
    "linear": (Linear, LinearNetwork),
    "sequential": (Sequential, SequentialNetwork),
    "recurrent": (Recurrent, RecurrentNetwork),
    "content": (Content, ContentNetwork),
    "knowledge": (Knowledge, KnowledgeNetwork),
    "popularity": (Popularity, PopularityNetwork),
}
DEFAULT = ("recurrent", "transition", "linear", "content", "knowledge", "popularity")
MORE = {"best": ("sequential",)}  # by preset: those that add a little, at a price


def default_specs(preset: str = "default") -> list[Spec]:
    """Return the networks that are trained with a preset unless others are asked for."""
    return [REGISTRY[name][0]() for name in (*DEFAULT, *MORE.get(preset, ()))]


def named(specs: Sequence[Spec | str]) -> dict[str, Spec]:
    """Return specs by name; a second of a kind is called `content-2`.

    Args:
        specs: specs, or names of networks with their default settings.
    """
    names: dict[str, Spec] = {}
    for given in specs:
        spec = spec_from_json({"kind": given}) if isinstance(given, str) else given
        number = sum(other.kind == spec.kind for other in names.values())
        names[spec.kind if not number else f"{spec.kind}-{number + 1}"] = spec
    return names


def spec_to_json(spec: Spec) -> dict[str, Any]:
    """Return a spec as plain data."""
    settings: Any = spec
    return {"kind": spec.kind, **asdict(settings)}


def spec_from_json(data: Mapping[str, Any]) -> Spec:
    """Rebuild a spec from plain data, such as a table of a config file.

    Raises:
        ConfigError: for an unknown kind or setting; suggests the nearest.
    """
    settings = dict(data)
    kind = settings.pop("kind", None)
    if kind not in REGISTRY:
        raise ConfigError(f"Unknown network {kind!r}." + nearest(str(kind), REGISTRY))
    spec = REGISTRY[kind][0]
    if "fitting" in settings and not isinstance(settings["fitting"], Fitting):
        if not any(f.name == "fitting" for f in fields(spec)):
            raise ConfigError(f"{kind} is not trained by steps; it has no 'fitting'.")
        given = settings["fitting"]
        if not isinstance(given, Mapping):
            raise ConfigError(f"{kind}.fitting is {given!r}; expected a table of settings.")
        usual = asdict(spec().fitting)  # what is not given stays as the network has it
        settings["fitting"] = _make(Fitting, {**usual, **given}, f"{kind}.fitting")
    made: Spec = _make(spec, settings, kind)
    return made


def _make(type_: type[Any], settings: Mapping[str, Any], where: str) -> Any:
    assert is_dataclass(type_)
    known = {f.name for f in fields(type_)}
    for key in settings:
        if key not in known:
            raise ConfigError(f"Unknown setting {key!r} of {where}." + nearest(key, known))
    try:
        return TypeAdapter(type_).validate_python(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([where, *map(str, first["loc"])])
        raise ConfigError(f"{place} is {first['input']!r}: {first['msg']}.") from None
