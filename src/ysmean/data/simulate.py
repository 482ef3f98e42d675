"""A small made-up streaming service, seeded, in which every network has something to learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.events import Events
from ysmean.data.items import Items
from ysmean.data.users import Users
from ysmean.errors import DataError

DAY = 86_400
START = 1_735_689_600  # 2025-01-01 00:00 UTC
YEAR = 365

WORDS = {
    "Comedy": "wedding flatmate mix-up landlord quiz neighbour prank holiday cousin disaster",
    "Crime": "detective heist informant alibi precinct witness syndicate ledger verdict clue",
    "Documentary": "glacier archive satellite expedition interview river century engineer voice",
    "Drama": "daughter inheritance secret farewell letter village hospital promise brother winter",
    "Fantasy": "dragon oath kingdom lantern prophecy forest exile crown riddle enchanter",
    "Horror": "cellar whisper asylum shadow ritual curse scream attic doll midnight",
    "Romance": "letter lighthouse summer violinist dance train rainstorm cafe proposal goodbye",
    "Science Fiction": "orbit android signal colony reactor paradox starship memory drone comet",
    "Thriller": "hostage deadline cipher border pursuit agent blackout mole tunnel sniper",
    "Western": "frontier saloon sheriff drought ranch outlaw canyon railway stagecoach goldmine",
}
GENRES = tuple(WORDS)
FIRST = (
    *("Glass", "Silent", "Paper", "Crimson", "Borrowed", "Distant", "Hollow", "Northern", "Quiet"),
    *("Second", "Velvet", "Iron", "Painted", "Forgotten", "Winter", "Golden", "Restless", "Salt"),
    *("Broken", "Electric", "Midnight"),
)
SECOND = (
    *("Harbour", "Orchard", "Arithmetic", "Meridian", "Season", "Empire", "Garden", "Passenger"),
    *("Cathedral", "Horizon", "Letters", "Machine", "River", "Witness", "Carnival", "Daughter"),
    *("Promise", "Station", "Kingdom", "Tide"),
)
NUMERALS = ("", " II", " III", " IV")
AGES = ("under 25", "25-39", "40-59", "60+")
REGIONS = ("north", "south", "east", "west", "islands")
LANGUAGES = ("English", "French", "Japanese", "Spanish", "Korean")


@dataclass(frozen=True)
class Simulation:
    """A simulated service.

    Attributes:
        events: views over a year, with timestamps.
        items: titles with synopsis, genres, language, year and the time they became available;
            the last few have never been watched.
        users: viewers with age group and region.
    """

    events: Events
    items: Items
    users: Users


def simulate(
    seed: int = 0, users: int = 800, items: int = 300, events: int = 24_000, new_items: int = 20
) -> Simulation:
    """Simulate a small streaming service.

    A view is the next part of a series that the viewer has begun (one in four), stays with the
    genre of the last view (one in two), or follows the viewer's taste, which depends on age;
    within that, popular titles are watched more. Nobody watches a title twice, before it is
    available, or before the part that comes before it.

    Args:
        seed: the same one gives the same service.
        users: viewers.
        items: titles, new ones included.
        events: views, about.
        new_items: titles that nobody has watched yet.

    Raises:
        DataError: for more items than there are names.
    """
    rng = np.random.default_rng(seed)
    table = _titles(rng, items, new_items)
    ages = rng.integers(len(AGES), size=users)
    base = rng.dirichlet(np.full(len(GENRES), 0.6), size=len(AGES))  # each age group's taste
    taste = np.stack([rng.dirichlet(8 * base[age] + 0.05) for age in ages])
    log = _views(rng, table, taste, events, items - new_items)
    frame = pl.DataFrame(
        {
            "item_id": table.ids,
            "title": table.titles,
            "synopsis": table.synopses,
            "genres": [[GENRES[g] for g in listed] for listed in table.genres],
            "language": rng.choice(LANGUAGES, items, p=[0.5, 0.15, 0.15, 0.1, 0.1]),
            "year": table.years,
            "available_from": table.available,
        }
    )
    people = pl.DataFrame(
        {
            "user_id": [f"u{n:04d}" for n in range(users)],
            "age_group": [AGES[a] for a in ages],
            "region": rng.choice(REGIONS, users),
        }
    )
    return Simulation(Events.from_frame(log), Items.from_frame(frame), Users.from_frame(people))


@dataclass(frozen=True)
class _Titles:
    ids: list[str]
    titles: list[str]
    synopses: list[str]
    genres: list[list[int]]
    years: npt.NDArray[np.int64]
    series: npt.NDArray[np.int64]  # titles of one series follow each other
    popularity: npt.NDArray[np.float64]
    available: npt.NDArray[np.int64]  # seconds since the epoch


def _titles(rng: np.random.Generator, items: int, new_items: int) -> _Titles:
    names = _names(rng)
    titles: list[str] = []
    series: list[int] = []
    genres: list[list[int]] = []
    for number, name in enumerate(names):
        parts = min(int(rng.choice([1, 1, 1, 2, 3, 4])), items - len(titles))
        listed = rng.choice(len(GENRES), size=int(rng.integers(1, 3)), replace=False)
        titles += [name + NUMERALS[part] for part in range(parts)]
        series += [number] * parts
        genres += [sorted(listed.tolist())] * parts
    if len(titles) < items:
        raise DataError(f"Cannot name {items:,} items; expected at most {len(titles):,}.")
    order = np.array(series)
    fame = rng.pareto(1.3, size=order.max() + 1) + 0.1
    years, available = _dates(rng, order, new_items)
    return _Titles(
        [f"t{n:03d}" for n in range(items)],
        titles,
        [_synopsis(rng, listed) for listed in genres],
        genres,
        years,
        order,
        np.minimum(fame, 20)[order],
        available,
    )


def _names(rng: np.random.Generator) -> list[str]:
    plain = [f"{a} {b}" for a in FIRST for b in SECOND]
    longer = [f"{b} of the {c}" for b in SECOND for c in SECOND if b != c]
    rng.shuffle(plain)
    rng.shuffle(longer)
    return [f"The {n}" if rng.random() < 0.5 else n for n in plain] + [f"The {n}" for n in longer]


def _dates(
    rng: np.random.Generator, series: npt.NDArray[np.int64], new_items: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return years and times of availability; later parts of a series never come earlier."""
    items = len(series)
    first = np.searchsorted(series, series)  # each title's first part
    years = np.minimum(
        rng.integers(1970, 2025, items)[first] + 2 * (np.arange(items) - first), 2024
    )
    arrives = rng.random(items) < 0.2  # during the simulated year; the others are there already
    day = np.where(arrives, rng.integers(1, YEAR - 60, items), -rng.integers(30, 900, items))
    day[items - new_items :] = YEAR - rng.integers(1, 14, new_items)
    for item in np.flatnonzero(first < np.arange(items)):
        day[item] = max(day[item], day[item - 1])
    years[day > 0] = 2025
    return years, START + day * DAY


def _synopsis(rng: np.random.Generator, listed: list[int]) -> str:
    words = [w for g in listed for w in rng.choice(WORDS[GENRES[g]].split(), 3, replace=False)]
    first, second, third, *rest = [("an " if w[0] in "aeiou" else "a ") + w for w in words]
    ending = f"; then comes {rest[0]}." if rest else "."
    return f"{first.capitalize()}, {second} and {third} that change everything{ending}"


def _views(
    rng: np.random.Generator,
    table: _Titles,
    taste: npt.NDArray[np.float64],
    events: int,
    watched: int,
) -> pl.DataFrame:
    users = len(taste)
    of_genre = np.zeros((len(GENRES), watched))
    for item, listed in enumerate(table.genres[:watched]):
        of_genre[listed, item] = table.popularity[item]
    lengths = np.clip(rng.geometric(min(1.0, users / events), users), 3, max(3, watched // 3))
    rows: list[tuple[str, str, int]] = []
    for user in range(users):
        moments = np.sort(rng.integers(START, START + YEAR * DAY, lengths[user]))
        for item, moment in _history(rng, table, of_genre, taste[user], moments):
            rows.append((f"u{user:04d}", table.ids[item], moment))
    rows.sort(key=lambda row: row[2])
    return pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")


def _history(
    rng: np.random.Generator,
    table: _Titles,
    of_genre: npt.NDArray[np.float64],
    taste: npt.NDArray[np.float64],
    moments: npt.NDArray[np.int64],
) -> list[tuple[int, int]]:
    """Return one viewer's (item, time) in time order."""
    watched = of_genre.shape[1]
    series = table.series[:watched]
    sequel = np.append(False, series[1:] == series[:-1])
    unseen, ready = np.ones(watched, bool), ~sequel
    history: list[tuple[int, int]] = []
    for moment in moments:
        offered = unseen & ready & (table.available[:watched] <= moment)
        if not offered.any():
            continue
        last = history[-1][0] if history else -1
        item = _next_view(rng, table, of_genre, taste, offered, last)
        history.append((item, int(moment)))
        unseen[item] = False
        ready[item + 1 : item + 2] = True  # its sequel; a first part always was
    return history


def _next_view(
    rng: np.random.Generator,
    table: _Titles,
    of_genre: npt.NDArray[np.float64],
    taste: npt.NDArray[np.float64],
    offered: npt.NDArray[np.bool_],
    last: int,
) -> int:
    draw = rng.random()
    following = last + 1
    continues = last >= 0 and following < len(offered) and offered[following]
    if continues and draw < 0.25 and table.series[following] == table.series[last]:
        return following
    genre = int(rng.choice(len(GENRES), p=taste))
    if last >= 0 and 0.25 <= draw < 0.75:
        genre = int(rng.choice(table.genres[last]))
    weights = of_genre[genre] * offered
    if not weights.any():
        weights = table.popularity[: len(offered)] * offered
    return int(rng.choice(len(offered), p=weights / weights.sum()))
