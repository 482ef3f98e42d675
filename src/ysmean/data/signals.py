"""What events say of interest: a weight, an exclusion, or nothing.

Types and ratings of events are mapped to a weight above 0, to `"exclude"` (the item is hidden from
that user) or to `"ignore"` (the event is dropped). There are no negative weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from ysmean.errors import DataError, nearest

EXCLUDE, IGNORE = "exclude", "ignore"
CODES = {EXCLUDE: -1.0, IGNORE: 0.0}  # no weight has these numbers
NEGATIVE = {"dislike": EXCLUDE, "hide": EXCLUDE}

EventWeights = Mapping[str, float | str]
RatingWeights = Mapping[float | str, float | str]


def read_signals(
    frame: pl.DataFrame,
    name: str,
    by_type: EventWeights | None,
    by_rating: RatingWeights | None,
    notes: list[str],
) -> pl.DataFrame:
    """Add the columns `weight` and `excludes`, and drop events that are ignored.

    Args:
        frame: events, with `weight`, `excludes`, `event` and `rating` where given.
        name: of the table, for messages.
        by_type: what each event type stands for; None for the default.
        by_rating: what ratings stand for, by the lowest of them; None leaves them out.
        notes: takes what was found.

    Raises:
        DataError: names the row of a value without a meaning, or the bad entry of a mapping.
    """
    weight, excludes = _weight(frame, name), _excludes(frame, name)
    ignored = pl.Series([False]).new_from_index(0, len(frame))
    for meanings in (
        _of_types(frame, name, by_type, notes),
        _of_ratings(frame, name, by_rating, notes),
    ):
        if meanings is not None:
            excludes = excludes | (meanings == CODES[EXCLUDE])
            ignored = ignored | (meanings == CODES[IGNORE])
            weight = weight * meanings.set(meanings <= 0, 1.0)
    frame = frame.with_columns(weight.rename("weight"), excludes.rename("excludes"))
    if not ignored.any():
        return frame
    if ignored.all():
        raise DataError(f"{name}: every event is one to ignore; none is left.")
    return frame.filter(~ignored)


def _of_types(
    frame: pl.DataFrame, name: str, mapping: EventWeights | None, notes: list[str]
) -> pl.Series | None:
    """Return the weight or the code of each event's type; None where events have none."""
    if "event" not in frame.columns:
        if mapping is not None:
            notes.append(f"{name}: event weights have no effect, there is no column 'event'")
        return None
    types = frame.get_column("event").cast(pl.String).fill_null("")
    counts = types.value_counts(sort=True)
    seen = counts.get_column("event")
    known = dict(mapping) if mapping is not None else dict.fromkeys(seen, 1.0) | NEGATIVE
    for kind in seen:
        if kind not in known:
            row = int((types == kind).arg_max() or 0)
            raise DataError(
                f"{name}, row {row + 1}: event type {kind!r} has no weight." + nearest(kind, known)
            )
    for kind, meaning in known.items():
        _check(f"Event type {kind!r}", meaning)
    said = ", ".join(f"{c:,} {t or '(none)'} ({known[t]})" for t, c in counts.iter_rows())
    notes.append(f"{name}: event types {said}")
    numbers = {kind: _code(meaning) for kind, meaning in known.items()}
    return types.replace_strict(numbers, return_dtype=pl.Float32)


def _of_ratings(
    frame: pl.DataFrame, name: str, mapping: RatingWeights | None, notes: list[str]
) -> pl.Series | None:
    """Return the weight or the code of each event's rating, 1 where it has none."""
    if "rating" not in frame.columns:
        if mapping is not None:
            notes.append(f"{name}: rating weights have no effect, there is no column 'rating'")
        return None
    if mapping is None:
        notes.append(f"{name}: ratings count for nothing; rating weights would make them count")
        return None
    known = _thresholds(mapping)
    given = frame.get_column("rating")
    ratings = given.cast(pl.Float64, strict=False)
    unread = ratings.is_null() & given.is_not_null()
    ratings = ratings.fill_nan(None)  # NaN is what pandas calls empty
    bad = unread | (ratings < min(known)).fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            f"{name}, row {row + 1}: rating is {given[row]!r}; expected a number from "
            f"{min(known):g}, the lowest of the rating weights. Correct it or add a lower one."
        )
    rated = ratings.is_not_null().to_numpy()
    place = np.searchsorted(list(known), ratings.drop_nulls().to_numpy(), side="right") - 1
    counts = np.bincount(place, minlength=len(known)).tolist()
    said = [f"{c:,} from {t:g} ({known[t]})" for t, c in zip(known, counts, strict=True)]
    said += [f"{ratings.null_count():,} without one"] if ratings.null_count() else []
    notes.append(f"{name}: ratings {', '.join(said)}")
    found = np.ones(len(frame), np.float32)
    found[rated] = np.array([_code(m) for m in known.values()], np.float32)[place]
    return pl.Series(found)


def _thresholds(mapping: RatingWeights) -> dict[float, float | str]:
    """Return the meanings by lowest rating, in ascending order."""
    found: dict[float, float | str] = {}
    for key, meaning in mapping.items():
        if isinstance(meaning, Mapping):
            raise DataError(
                f"Rating weight {key} is a table; in TOML a number with a point stands in quotes: "
                f'"{key}.5" = ...'
            )
        try:
            threshold = float(key)
        except (TypeError, ValueError):
            threshold = float("nan")
        if not np.isfinite(threshold):
            raise DataError(f"Rating weight {key!r}; expected the lowest rating it is for.")
        _check(f"Rating {key}", meaning)
        found[threshold] = meaning
    if not found:
        raise DataError("Rating weights are empty; expected weights by lowest rating.")
    return dict(sorted(found.items()))


def code_of(kind: str, by_type: EventWeights | None) -> float:
    """Return what one event's type stands for: its weight, or one of `CODES`.

    Args:
        kind: the type; without one, an event is something taken.
        by_type: as of `read_signals`; types that it lacks weigh 1.
    """
    return _code((NEGATIVE if by_type is None else by_type).get(kind, 1.0))


def _code(meaning: float | str) -> float:
    return CODES[meaning] if isinstance(meaning, str) else float(meaning)


def _check(what: str, meaning: float | str) -> None:
    if isinstance(meaning, int | float) and not isinstance(meaning, bool):
        good = 0 < meaning < float("inf")
    else:
        good = meaning in CODES
    if not good:
        raise DataError(
            f"{what} weighs {meaning!r}; expected a number above 0, 'exclude' or 'ignore'."
        )


def _weight(frame: pl.DataFrame, name: str) -> pl.Series:
    if "weight" not in frame.columns:
        return pl.Series("weight", [1.0], pl.Float32).new_from_index(0, len(frame))
    given = frame.get_column("weight")
    weight = given.cast(pl.Float32, strict=False)
    bad = ~(weight.is_finite() & (weight > 0)).fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise DataError(
            f"{name}, row {row + 1}: weight is {given[row]!r}; expected a finite number above "
            "0. For negative signals use an event type that maps to 'exclude'."
        )
    return weight


def _excludes(frame: pl.DataFrame, name: str) -> pl.Series:
    if "excludes" not in frame.columns:
        return pl.Series("excludes", [False]).new_from_index(0, len(frame))
    given = frame.get_column("excludes")
    if given.dtype != pl.Boolean:
        raise DataError(
            f"{name}: column 'excludes' is {given.dtype}; expected true or false (true hides the "
            "item from the user). Rename the column if it means something else."
        )
    return given.fill_null(False)
