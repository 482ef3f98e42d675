"""Users' features and the request's context as small integer tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.schema import FeatureType
from ysmean.data.users import Users
from ysmean.errors import RequestError, nearest

BINS = 8
MIN_USERS = 5
MAX_VALUES = 200
MAX_LISTED = 4
CONTEXT = {"hour": 24, "weekday": 7}


@dataclass(frozen=True)
class UserFields:
    """The vocabulary that turns a user's features into tokens; 0 = unknown.

    Categories become one token a value that at least `MIN_USERS` users share, numbers one token
    a quantile bin, lists up to `MAX_LISTED` tokens. Text and vectors are left out.

    Attributes:
        values: token of each (feature, value).
        edges: the inner bin edges of each number feature.
        columns: (feature, token slots) in order; their sum is the width F.
    """

    values: Mapping[str, Mapping[str, int]]
    edges: Mapping[str, Sequence[float]]
    columns: tuple[tuple[str, int], ...]

    @classmethod
    def fit(cls, users: Users | None) -> UserFields:
        """Learn the vocabulary of a table of users; empty for None."""
        values: dict[str, dict[str, int]] = {}
        edges: dict[str, list[float]] = {}
        columns: list[tuple[str, int]] = []
        used = 0
        for name, kind in users.schema.items() if users else ():
            assert users is not None
            column = users.frame.get_column(name).drop_nulls()
            if kind in (FeatureType.NUMBER, FeatureType.DATETIME):
                edges[name] = _inner_edges(column.to_numpy())
                names = [str(b) for b in range(len(edges[name]) + 1)]
            elif kind in (FeatureType.CATEGORY, FeatureType.CATEGORIES):
                flat = column.explode() if kind is FeatureType.CATEGORIES else column
                names = _frequent(flat)
            else:
                continue
            if len(names) < 2:
                continue
            values[name] = {value: used + 1 + i for i, value in enumerate(names)}
            columns.append((name, MAX_LISTED if kind is FeatureType.CATEGORIES else 1))
            used += len(names)
        return cls(values, edges, tuple(columns))

    @property
    def width(self) -> int:
        """Tokens a user, F; one that is always unknown where there are no features."""
        return max(1, sum(slots for _, slots in self.columns))

    @property
    def size(self) -> int:
        """Tokens in the vocabulary, the unknown one included."""
        return 1 + sum(len(names) for names in self.values.values())

    def tokens(self, users: Users | None, user_ids: pl.Series) -> npt.NDArray[np.int32]:
        """Return the tokens of users as int32 (U, F); users without a row get 0s."""
        out = np.zeros((len(user_ids), self.width), np.int32)
        if users is None or not self.columns:
            return out
        rows = pl.DataFrame({"user_id": user_ids}).join(
            users.frame, on="user_id", how="left", maintain_order="left"
        )
        start = 0
        for name, slots in self.columns:
            column = rows.get_column(name)
            out[:, start : start + slots] = self._column(name, column, slots)
            start += slots
        return out

    def named(self, token: int) -> tuple[str, str]:
        """Return the feature and the value that a token > 0 stands for; bins as ranges."""
        feature, names = next((f, n) for f, n in self.values.items() if token in n.values())
        value = next(value for value, number in names.items() if number == token)
        if feature not in self.edges:
            return feature, value
        edges, place = [f"{e:g}" for e in self.edges[feature]], int(value)
        if 0 < place < len(edges):
            return feature, f"{edges[place - 1]} to {edges[place]}"
        return feature, f"over {edges[-1]}" if place else f"up to {edges[0]}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> UserFields:
        """Rebuild from `to_json`."""
        columns = tuple((str(name), int(slots)) for name, slots in data["columns"])
        return cls(dict(data["values"]), dict(data["edges"]), columns)

    def _column(self, name: str, column: pl.Series, slots: int) -> npt.NDArray[np.int32]:
        names = self.values[name]
        if name in self.edges:
            bins = np.searchsorted(np.array(self.edges[name]), column.fill_null(0.0).to_numpy())
            found = np.array([names[str(b)] for b in range(len(names))], np.int32)[bins]
            return np.where(column.is_null().to_numpy(), 0, found)[:, None]
        if column.dtype == pl.List:
            table = np.zeros((len(column), slots), np.int32)
            for row, listed in enumerate(column.to_list()):
                known = [names[v] for v in listed or () if v in names][:slots]
                table[row, : len(known)] = known
            return table
        return np.array([[names.get(v, 0)] for v in column.to_list()], np.int32).reshape(-1, 1)


def _inner_edges(values: npt.NDArray[np.float64]) -> list[float]:
    """Return the edges between quantile bins; none without values."""
    if not len(values):
        return []
    return [float(e) for e in np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))]


def _frequent(values: pl.Series) -> list[str]:
    counts = values.drop_nulls().alias("value").value_counts(sort=True, name="users")
    kept = counts.filter(pl.col("users") >= MIN_USERS).head(MAX_VALUES)
    return sorted(kept.get_column("value").to_list())


def context_tokens(
    at: npt.NDArray[np.float64], stated: Sequence[Mapping[str, float] | None] | None = None
) -> npt.NDArray[np.int32]:
    """Return hour and weekday as tokens, int32 (B, 2): value + 1, 0 = unknown.

    Args:
        at: float64 (B,), seconds since the epoch (UTC); NaN where time is unknown.
        stated: per request, values that replace those of `at`: hour 0-23, weekday 0 (Monday)-6.

    Raises:
        RequestError: for an unknown key or a value out of range.
    """
    known = np.isfinite(at)
    seconds = np.where(known, at, 0.0)
    hour = np.floor(seconds / 3600) % 24
    weekday = (np.floor(seconds / 86400) + 3) % 7  # 1970-01-01 was a Thursday
    tokens = np.where(known[:, None], np.stack([hour, weekday], 1) + 1, 0).astype(np.int32)
    for row, values in enumerate(stated or ()):
        for key, value in (values or {}).items():
            if key not in CONTEXT:
                raise RequestError(f"Unknown context {key!r}." + nearest(key, CONTEXT), "context")
            number = isinstance(value, int | float) and float(value).is_integer()
            if not (number and 0 <= value < CONTEXT[key]):
                raise RequestError(
                    f"Context {key}={value!r}; expected a whole number from 0 to "
                    f"{CONTEXT[key] - 1}.",
                    "context",
                )
            tokens[row, list(CONTEXT).index(key)] = int(value) + 1
    return tokens
