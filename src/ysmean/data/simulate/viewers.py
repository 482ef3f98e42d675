"""The simulated service's viewers: who they are, what they like, when they watch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ysmean.data.simulate.titles import (
    DAY,
    LANGUAGES,
    MATURITY,
    MOODS,
    START,
    YEAR,
    FloatArray,
    IntArray,
    stories,
    theme_names,
)

AGES = ("13-17", "18-24", "25-39", "40-59", "60+")
REGIONS = ("north", "south", "east", "west", "islands")
AGE_ODDS = (0.1, 0.18, 0.3, 0.26, 0.16)
REGION_ODDS = (0.3, 0.25, 0.2, 0.15, 0.1)
WEEKDAYS = (0.8, 0.8, 0.85, 0.9, 1.2, 1.5, 1.4)  # Monday to Sunday
JOINS_LATE = 0.3
FOLLOWS_ON = 0.35  # share of views that follow another one in the same sitting

# What the hour does to genres: night owls want horror, mornings are for cartoons.
DAYPARTS = {
    "morning": (range(6, 12), {"Animation": 1.3, "Documentary": 0.8, "Horror": -1.5}),
    "afternoon": (range(12, 18), {"Romance": 0.8, "Western": 0.8, "Animation": 0.4}),
    "evening": (range(18, 22), {"Comedy": 0.6, "Drama": 0.6, "Crime": 0.4}),
    "night": ((22, 23, 0, 1, 2, 3, 4, 5), {"Horror": 1.5, "Thriller": 0.9, "Animation": -1.5}),
}
HOURS = {  # odds of the four dayparts by age group
    "13-17": (1.0, 3.0, 4.0, 1.5),
    "18-24": (0.5, 1.5, 3.5, 4.0),
    "25-39": (0.7, 1.0, 5.0, 2.5),
    "40-59": (0.8, 1.2, 5.0, 1.0),
    "60+": (2.0, 3.0, 4.0, 0.4),
}


@dataclass(frozen=True)
class Viewers:
    """U viewers.

    Attributes:
        frame: user_id, age_group, region.
        ages, regions: int (U,), indices.
        before, after: float (U, D), a person's own taste at the start and the end of the year, in
            the columns of `taste_columns`.
        groups: float (A, R, D), the taste that an age group in a region shares.
        joined: int (U,), day of the year on which they joined.
    """

    frame: pl.DataFrame
    ages: IntArray
    regions: IntArray
    before: FloatArray
    after: FloatArray
    groups: FloatArray
    joined: IntArray

    def own(self, users: IntArray, at: FloatArray) -> FloatArray:
        """Return personal tastes at a time (B, D): they drift through the year."""
        late = np.clip((at - START) / (YEAR * DAY), 0, 1)[:, None]
        return (1 - late) * self.before[users] + late * self.after[users]

    def shared(self, users: IntArray, at: FloatArray) -> FloatArray:
        """Return what a viewer's group wants at that hour (B, D)."""
        hours = (at // 3600 % 24).astype(np.int64)
        return self.groups[self.ages[users], self.regions[users]] + _HOURLY[hours]


def taste_columns() -> dict[str, slice]:
    """Return the columns of a taste: genres, themes, moods, languages, maturity."""
    sizes = {
        "genres": len(stories()),
        "themes": len(theme_names()),
        "moods": MOODS,
        "languages": len(LANGUAGES),
        "maturity": len(MATURITY),
    }
    ends = np.cumsum(list(sizes.values())).tolist()
    return {n: slice(end - sizes[n], end) for n, end in zip(sizes, ends, strict=True)}


def _hourly() -> FloatArray:
    names = list(stories())
    table = np.zeros((24, taste_columns()["maturity"].stop))
    for hours, wishes in DAYPARTS.values():
        for name, wish in wishes.items():
            table[list(hours), names.index(name)] = wish
    return table


_HOURLY = _hourly()


def make_viewers(rng: np.random.Generator, users: int) -> Viewers:
    """Make viewers; their groups differ in genres, languages and what is fit for their age."""
    ages = rng.choice(len(AGES), users, p=AGE_ODDS)
    regions = rng.choice(len(REGIONS), users, p=REGION_ODDS)
    late = rng.random(users) < JOINS_LATE
    joined = np.where(late, rng.integers(0, YEAR - 10, users), 0)
    columns = taste_columns()
    before = _personal(rng, users, columns)
    drift = _personal(rng, users, columns)
    groups = np.zeros((len(AGES), len(REGIONS), columns["maturity"].stop))
    groups[:, :, columns["genres"]] = rng.normal(0, 2.0, (len(AGES), 1, len(stories())))
    groups[:, :, columns["languages"].start] = 1.0  # English
    for region in range(1, len(REGIONS)):
        groups[:, region, columns["languages"].start + region] = 1.8
    groups[0, :, columns["maturity"]] = [0.5, 0.5, 0.3, -1.5, -4.0]
    groups[4, :, columns["maturity"]] = [0.2, 0.2, 0.2, -0.2, -1.0]
    frame = pl.DataFrame(
        {
            "user_id": [f"u{user:04d}" for user in range(users)],
            "age_group": [AGES[a] for a in ages],
            "region": [REGIONS[r] for r in regions],
        }
    )
    after = 0.6 * before + 0.8 * drift
    return Viewers(frame, ages, regions, before, after, groups, joined)


def _personal(rng: np.random.Generator, users: int, columns: dict[str, slice]) -> FloatArray:
    taste = np.zeros((users, columns["maturity"].stop))
    for name, spread in (("genres", 1.0), ("themes", 1.5), ("moods", 0.5), ("languages", 0.4)):
        where = columns[name]
        taste[:, where] = rng.normal(0, spread, (users, where.stop - where.start))
    return taste


def make_times(
    rng: np.random.Generator, viewers: Viewers, events: int
) -> tuple[IntArray, FloatArray]:
    """Return (users, times) of about `events` views, each viewer's in time order.

    Few viewers watch much and many watch little; evenings and weekends are busy, and one view in
    three follows another in the same sitting.
    """
    users = len(viewers.frame)
    pace = rng.lognormal(0, 1.0, users) * (YEAR - viewers.joined) / YEAR
    counts = np.clip(np.round(pace / pace.sum() * events), 1, 0.3 * events).astype(np.int64)
    sittings = np.ceil(counts * (1 - FOLLOWS_ON)).astype(np.int64)
    owner = np.repeat(np.arange(users), sittings)
    starts = _sittings(rng, viewers, owner)
    more = np.repeat(np.arange(users), counts - sittings)
    offsets = np.concatenate([[0], np.cumsum(sittings)])
    chosen = offsets[more] + np.floor(rng.random(len(more)) * sittings[more]).astype(np.int64)
    later = starts[chosen] + rng.uniform(1.2, 2.6, len(more)) * 3600
    who, when = np.concatenate([owner, more]), np.floor(np.concatenate([starts, later]))
    when = np.minimum(when, START + YEAR * DAY - 1)
    order = np.lexsort((when, who))
    return who[order], when[order]


def _sittings(rng: np.random.Generator, viewers: Viewers, owner: IntArray) -> FloatArray:
    """Return when each sitting starts: a day by weekday, then an hour by age group."""
    weekday = (START // DAY + 3 + np.arange(YEAR)) % 7
    busy = np.concatenate([[0.0], np.cumsum(np.array(WEEKDAYS)[weekday])])
    busy /= busy[-1]
    earliest = busy[viewers.joined[owner]]
    day = np.searchsorted(busy, earliest + (1 - earliest) * rng.random(len(owner)), "right") - 1
    odds = np.array([HOURS[age] for age in AGES])
    bounds = np.cumsum(odds / odds.sum(1, keepdims=True), axis=1)
    part = (rng.random(len(owner))[:, None] > bounds[viewers.ages[owner]]).sum(1)
    hours = [np.array(list(hours)) for hours, _ in DAYPARTS.values()]
    first, count = np.array([6, 12, 18, 22]), np.array([len(h) for h in hours])
    hour = (first[part] + rng.random(len(owner)) * count[part]) % 24
    return np.asarray(START + np.minimum(day, YEAR - 1) * float(DAY) + hour * 3600)
