"""The TOML file of settings: which networks with which settings, and how to read the data.

networks = ["collaborative", "content", "popularity"]   # which, in order
consensus = true                                        # their product as one more member

[network.collaborative]                                 # settings of one of them
history = 8
fitting = { max_steps = 8000 }

[network.content-2]                                     # a second of a kind
kind = "content"

[columns]                                               # our names -> the files'
user_id = "uid"

[event_weights]                                         # what an event of a type weighs
purchase = 3.0
dislike = "exclude"

[rating_weights]                                        # and of a rating, from the lowest
1 = "exclude"
3 = "ignore"
4 = 1.0
"4.5" = 2.0

[item_types]                                            # fix what was inferred wrongly
year = "category"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ysmean.data.events import COLUMNS, Events
from ysmean.data.items import Items, read_items
from ysmean.data.relations import COLUMNS as RELATION
from ysmean.data.relations import read_relations
from ysmean.data.users import Users, read_users
from ysmean.errors import ConfigError, nearest
from ysmean.networks.registry import REGISTRY, Spec, default_specs, spec_from_json
from ysmean.sources import read_logs

KEYS: dict[str, tuple[type, str]] = {
    "networks": (list, "a list of names"),
    "consensus": (bool, "true or false"),
}  # all others are tables


@dataclass(frozen=True)
class Config:
    """Settings of training and evaluation.

    Attributes:
        networks: names in order; the default ones for None.
        network: settings by name.
        columns: our column names -> the files'.
        event_weights: weight, `"exclude"` or `"ignore"` by event type; None for the default.
        rating_weights: the same by lowest rating; None leaves ratings out.
        item_types, user_types: feature types by column.
        consensus: whether the product of the networks is one more member of the mean.
    """

    networks: list[str] | None = None
    network: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    event_weights: Mapping[str, float | str] | None = None
    rating_weights: Mapping[float | str, float | str] | None = None
    item_types: Mapping[str, str] = field(default_factory=dict)
    user_types: Mapping[str, str] = field(default_factory=dict)
    consensus: bool = True

    def specs(self, preset: str = "default") -> dict[str, Spec]:
        """Return the networks' specs by name.

        Args:
            preset: which networks there are unless `networks` says so.

        Raises:
            ConfigError: for an unknown network or setting; suggests the nearest.
        """
        default = [spec.kind for spec in default_specs(preset)]
        extra = [name for name in self.network if name not in default]
        names = self.networks if self.networks is not None else [*default, *extra]
        for name in self.network:
            if name not in names:
                raise ConfigError(
                    f"[network.{name}] has settings, but networks = {names} leaves it out."
                )
        if not names or len(set(names)) < len(names):
            raise ConfigError(f"networks = {names}; expected at least one, each once.")
        return {name: self._spec(name) for name in names}

    def read(
        self,
        events: Path | Sequence[str | Path],
        items: Path | None,
        users: Path | None,
        columns: Mapping[str, str],
        relations: Path | None = None,
    ) -> tuple[Events, Items | None, Users | None]:
        """Read the tables.

        Args:
            events: a file, or several places as of `ysmean.sources`.
            items: a file, or None.
            users: a file, or None.
            columns: our names -> the files', besides those of the settings. Names of events' and
                relations' columns are looked up there, ids wherever they occur, others among the
                items.
            relations: a file, or None; they become features of the items.

        Raises:
            ConfigError: if `columns` names what no table has.
            DataError: names file, column and row.
        """
        names = {**self.columns, **columns}
        of_events = {ours: theirs for ours, theirs in names.items() if ours in COLUMNS}
        of_relations = {o: theirs for o, theirs in names.items() if relations and o in RELATION}
        elsewhere = {*COLUMNS, *of_relations}
        if items is None and (lost := [ours for ours in columns if ours not in elsewhere]):
            raise ConfigError(
                f"Column {lost[0]!r} is in no table that is read (no items are)."
                + nearest(lost[0], elsewhere)
            )
        of_items = {o: theirs for o, theirs in names.items() if o not in elsewhere - {"item_id"}}
        of_users = {ours: theirs for ours, theirs in names.items() if ours == "user_id"}
        places = [events] if isinstance(events, Path) else events
        log = read_logs(places, of_events, self.event_weights, self.rating_weights)
        things = None if items is None else read_items(items, of_items, self.item_types)
        people = None if users is None else read_users(users, of_users, self.user_types)
        if relations is not None:
            ids = log.frame.select("item_id").unique(maintain_order=True)
            known = Items(ids, {}) if things is None else things
            things = known.with_relations(read_relations(relations, of_relations))
        return log, things, people

    def _spec(self, name: str) -> Spec:
        settings = dict(self.network.get(name, {}))
        settings.setdefault("kind", name)
        if settings["kind"] not in REGISTRY:
            raise ConfigError(
                f"Unknown network {settings['kind']!r}." + nearest(str(settings["kind"]), REGISTRY)
            )
        return spec_from_json(settings)


def load_config(path: Path | None) -> Config:
    """Read a TOML file; the default settings for None.

    Raises:
        ConfigError: if the file is missing, is no TOML, or holds an unknown key.
    """
    if path is None:
        return Config()
    try:
        data = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"Config file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"Config file {path} is no valid TOML: {error}.") from error
    known = {f.name for f in fields(Config)}
    for key, value in data.items():
        if key not in known:
            raise ConfigError(f"{path}: unknown key {key!r}." + nearest(key, known))
        expected, what = KEYS.get(key, (dict, "a table"))
        if not isinstance(value, expected):
            raise ConfigError(f"{path}: {key} is {value!r}; expected {what}.")
    for name, settings in data.get("network", {}).items():
        if not isinstance(settings, dict):
            raise ConfigError(f"{path}: network.{name} is {settings!r}; expected a table.")
    return Config(**data)
