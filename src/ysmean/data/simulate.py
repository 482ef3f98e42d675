"""A small made-up streaming service, seeded, in which every network has something to learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.data.events import Events
from ysmean.data.items import Items
from ysmean.data.users import Users

DAY = 86_400
START = 1_735_689_600  # 2025-01-01 00:00 UTC
YEAR = 365

WORDS = {
    "Comedy": "wedding flatmate mix-up landlord karaoke neighbour prank holiday cousin disaster",
    "Crime": "detective heist informant alibi precinct witness syndicate ledger verdict evidence",
    "Documentary": "glacier archive footage expedition interview river century engineers voices",
    "Drama": "daughter inheritance silence farewell letter village hospital promise brother winter",
    "Fantasy": "dragon oath kingdom lantern prophecy forest exile crown riddle enchanter",
    "Horror": "cellar whisper asylum shadow ritual fog scream attic doll midnight",
    "Romance": "letter lighthouse summer violinist dance train rain cafe proposal goodbye",
    "Science Fiction": "orbit android signal colony reactor paradox starship memory drone gravity",
    "Thriller": "hostage deadline cipher border pursuit agent blackout mole tunnel sniper",
    "Western": "frontier saloon sheriff drought ranch outlaw canyon railway gold dust",
}
GENRES = tuple(WORDS)
FIRST = (
    *("Glass", "Silent", "Paper", "Crimson", "Borrowed", "Distant", "Hollow", "Northern", "Quiet"),
    *("Second", "Velvet", "Iron", "Painted", "Forgotten", "Winter", "Golden", "Restless", "Salt"),
    *("Broken", "Electric"),
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
    within that, popular titles are watched more. Nobody watches a title twice.

    Args:
        seed: the same one gives the same service.
        users: viewers.
        items: titles, new ones included.
        events: views, about.
        new_items: titles that nobody has watched yet.
    """
    rng = np.random.default_rng(seed)
    table = _titles(rng, items)
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


def _titles(rng: np.random.Generator, items: int) -> _Titles:
    names = [f"The {a} {b}" for a in FIRST for b in SECOND]
    rng.shuffle(names)
    titles: list[str] = []
    series: list[int] = []
    genres: list[list[int]] = []
    while len(titles) < items:
        name = names[len(set(series))]
        parts = int(rng.choice([1, 1, 1, 2, 3, 4]))
        listed = sorted(
            rng.choice(len(GENRES), size=int(rng.integers(1, 3)), replace=False).tolist()
        )
        number = len(set(series))
        for part in range(min(parts, items - len(titles))):
            titles.append(name + NUMERALS[part])
            series.append(number)
            genres.append(listed)
    order = np.array(series)
    fame = rng.pareto(1.3, size=order.max() + 1) + 0.1
    return _Titles(
        [f"t{n:03d}" for n in range(items)],
        titles,
        [_synopsis(rng, listed) for listed in genres],
        genres,
        rng.integers(1970, 2026, items),
        order,
        np.minimum(fame, 20)[order],
    )


def _synopsis(rng: np.random.Generator, listed: list[int]) -> str:
    words = [w for g in listed for w in rng.choice(WORDS[GENRES[g]].split(), 3, replace=False)]
    return f"A {words[0]}, a {words[1]} and a {words[2]} that changes everything" + (
        f"; then comes the {words[3]}." if len(words) > 3 else "."
    )


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
    lengths = np.clip(rng.geometric(users / events, users), 3, watched // 3)
    rows: list[tuple[str, str, int]] = []
    for user in range(users):
        moments = np.sort(rng.integers(START, START + YEAR * DAY, lengths[user]))
        seen = np.zeros(watched, bool)
        last = -1
        for moment in moments:
            last = _next_view(rng, table, of_genre, taste[user], seen, last)
            seen[last] = True
            rows.append((f"u{user:04d}", table.ids[last], int(moment)))
    rows.sort(key=lambda row: row[2])
    return pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")


def _next_view(
    rng: np.random.Generator,
    table: _Titles,
    of_genre: npt.NDArray[np.float64],
    taste: npt.NDArray[np.float64],
    seen: npt.NDArray[np.bool_],
    last: int,
) -> int:
    draw = rng.random()
    following = last + 1
    unseen = last >= 0 and following < len(seen) and not seen[following]
    if unseen and draw < 0.25 and table.series[following] == table.series[last]:
        return following
    genre = int(rng.choice(len(GENRES), p=taste))
    if last >= 0 and 0.25 <= draw < 0.75:
        genre = int(rng.choice(table.genres[last]))
    weights = of_genre[genre] * ~seen
    if not weights.any():
        weights = table.popularity[: len(seen)] * ~seen
    return int(rng.choice(len(seen), p=weights / weights.sum()))
