"""The simulated service's catalogue: what titles are called, what they are, what draws viewers."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ysmean.errors import DataError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DAY = 86_400
START = 1_735_689_600  # 2025-01-01 00:00 UTC
YEAR = 365
END = START + YEAR * DAY
MOST = 20_000  # titles that there are names for

MATURITY = ("All", "7+", "12+", "16+", "18+")
LANGUAGES = ("English", "Spanish", "French", "Japanese", "Korean", "German")
SPOKEN = (0.5, 0.14, 0.12, 0.1, 0.08, 0.06)
PLACES = (
    *("Altmere", "Bellhaven", "Cormorant Bay", "Dunmarrow", "Eastwick", "Fennimore", "Grayling"),
    *("Hollin", "Isla Verde", "Juniper", "Kestrel Point", "Larkhill", "Mirador", "Northgate"),
    *("Orsova", "Port Salvo", "Quillon", "Ravensholm", "San Telmo", "Tamarind", "Ulverton"),
    *("Valdoro", "Westering", "Yarrow", "Zelenka"),
)
GIVEN = (
    *("Ada", "Bruno", "Carla", "Dario", "Elin", "Farid", "Greta", "Hugo", "Ines", "Jonas"),
    *("Kaya", "Luca", "Mina", "Nils", "Olga", "Pavel", "Rosa", "Samir", "Tilda", "Viktor"),
)
FAMILY = (
    *("Abara", "Bellini", "Castellan", "Dray", "Ekström", "Fontaine", "Grauer", "Halloran"),
    *("Ishida", "Jansky", "Kerr", "Lindqvist", "Moreau", "Nakagawa", "Okafor", "Petrov"),
    *("Quist", "Rossi", "Santoro", "Tanaka", "Unger", "Varga", "Winther", "Yoon"),
)
ACTORS, DIRECTORS, STARRING = 160, 60, 3
MOODS = 5
ALONE = ("Animation", "Documentary")  # genres that no other one is mixed with


@dataclass(frozen=True)
class Titles:
    """N titles.

    Attributes:
        frame: what the service shows of them, one row a title; of `wrong` ones it is another's.
        genres: float (N, G), a title's genres, rows sum to 1.
        themes: int (N,), one of the themes of its first genre.
        moods: float (N, M), hidden: no feature tells them, only behaviour does.
        languages, maturity: int (N,), indices.
        appeal: float (N,), log of how much a title draws everybody.
        previous: int (N,), the part that comes before it in its series, -1 = none.
        up_next: int (N, 3), what plays when it ends, best first; decided by mood.
        since, until: float (N,), seconds since the epoch between which it can be watched.
        wrong: bool (N,), whose metadata is another title's.
    """

    frame: pl.DataFrame
    genres: FloatArray
    themes: IntArray
    moods: FloatArray
    languages: IntArray
    maturity: IntArray
    appeal: FloatArray
    previous: IntArray
    up_next: IntArray
    since: FloatArray
    until: FloatArray
    wrong: npt.NDArray[np.bool_]


@cache
def stories() -> dict[str, Any]:
    """Return genres, their themes, and the words they are told with."""
    text = files(__package__).joinpath("stories.toml").read_text(encoding="utf-8")
    return {name.replace("_", " "): genre for name, genre in tomllib.loads(text).items()}


def theme_names() -> list[tuple[int, str]]:
    """Return (genre, name) of every theme."""
    return [(g, name) for g, genre in enumerate(stories().values()) for name in genre["themes"]]


def make_titles(rng: np.random.Generator, items: int, new_items: int, wrong_share: float) -> Titles:
    """Make a catalogue; the last `new_items` become available when the simulated year ends."""
    if not 0 <= new_items < items <= MOST:
        raise DataError(
            f"Cannot simulate {items:,} items of which {new_items:,} are new; expected at most "
            f"{MOST:,} items, and fewer new ones."
        )
    cast = _Cast(rng)
    shows = _Shows(rng, cast)
    parts = [part for _, part in zip(range(items), shows, strict=False)]
    table = {name: np.array([part[name] for part in parts]) for name in ("theme", "number")}
    genres = np.zeros((items, len(stories())))
    for row, part in enumerate(parts):
        genres[row, part["genres"]] = [0.65, 0.35] if len(part["genres"]) == 2 else [1.0]
    previous = np.where(table["number"] > 1, np.arange(items) - 1, -1)
    since, until = _windows(rng, previous, new_items)
    moods = np.stack([part["mood"] for part in parts])
    frame = pl.DataFrame(
        {
            "item_id": [f"t{row:04d}" for row in range(items)],
            **{
                name: [part[name] for part in parts]
                for name in ("title", "kind", "synopsis", "cast", "director", "minutes")
            },
            "genres": [[list(stories())[g] for g in part["genres"]] for part in parts],
            "language": [LANGUAGES[part["language"]] for part in parts],
            "maturity": [MATURITY[part["maturity"]] for part in parts],
            "year": _years(parts, previous, since),
            "available_from": since,
            "available_until": np.where(np.isfinite(until), until, np.nan),
        }
    ).with_columns(pl.col("available_until").fill_nan(None))
    wrong = _drawn(rng, items - new_items, wrong_share, items)
    return Titles(
        _misplace(rng, frame, table["theme"], wrong),
        genres,
        table["theme"],
        moods,
        np.array([part["language"] for part in parts]),
        np.array([part["maturity"] for part in parts]),
        np.array([part["appeal"] for part in parts]),
        previous,
        _up_next(rng, moods, previous, items - new_items),
        since,
        until,
        wrong,
    )


class _Cast:
    """Actors and directors with the genres they work in."""

    def __init__(self, rng: np.random.Generator) -> None:
        names = rng.permutation([f"{given} {family}" for given in GIVEN for family in FAMILY])
        self.actors, self.directors = names[:ACTORS], names[ACTORS : ACTORS + DIRECTORS]
        self.fame = rng.gamma(1.0, 0.25, ACTORS)
        self.homes = {
            role: [rng.permutation(count)[: count // 6] for _ in stories()]
            for role, count in (("actors", ACTORS), ("directors", DIRECTORS))
        }


class _Shows:
    """Films and series, part by part, without end."""

    def __init__(self, rng: np.random.Generator, cast: _Cast) -> None:
        self.rng, self.cast, self.taken = rng, cast, set[str]()
        self.themes = theme_names()
        self.joining = [g for g, name in enumerate(stories()) if name not in ALONE]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            yield from self._show()

    def _show(self) -> Iterator[dict[str, Any]]:
        rng = self.rng
        theme = int(rng.integers(len(self.themes)))
        first, theme_name = self.themes[theme]
        words = list(stories().values())[first]
        told = words["themes"][theme_name]
        second = int(rng.choice(self.joining))
        genres = [first] if rng.random() < 0.55 or second == first else [first, second]
        series = rng.random() < 0.4
        count = int(rng.integers(1, 6)) if series else int(rng.choice([1, 1, 1, 2, 3]))
        place = PLACES[rng.integers(len(PLACES))]
        name = self._name(words["adjectives"], told["nouns"], place)
        players = self._people("actors", first, STARRING)
        draw = rng.normal(0, 0.9) + float(self.cast.fame[players].sum())
        odds = np.array(words["maturity"], float)
        shared = {
            "theme": theme,
            "genres": genres,
            "kind": "series" if series else "film",
            "cast": self.cast.actors[players].tolist(),
            "director": str(self.cast.directors[self._people("directors", first, 1)[0]]),
            "language": int(rng.choice(len(LANGUAGES), p=SPOKEN)),
            "maturity": int(rng.choice(len(MATURITY), p=odds / odds.sum())),
            "mood": rng.normal(size=MOODS),
            "year": int(2025 - rng.geometric(0.08)),
        }
        hero, twists = rng.choice(told["heroes"]), rng.permutation(words["twists"])
        for number in range(1, count + 1):
            ending = f": Season {number}" if series else f" {number}" if number > 1 else ""
            yield {
                **shared,
                "number": number,
                "title": name + ending,
                "minutes": int(rng.integers(240, 640) if series else rng.integers(78, 165)),
                "appeal": draw - 0.15 * (number - 1),
                "synopsis": f"{hero} in {place} "
                f"{rng.choice(told['troubles'])}{twists[number % len(twists)]}.",
            }

    def _people(self, role: str, genre: int, count: int) -> IntArray:
        home = self.cast.homes[role][genre]
        everybody = len(self.cast.actors if role == "actors" else self.cast.directors)
        chosen = self.rng.permutation(home)[:count]
        guest = self.rng.random() < 0.3
        if guest:
            chosen[-1] = self.rng.choice(np.setdiff1d(np.arange(everybody), chosen[:-1]))
        return np.asarray(chosen)

    def _name(self, adjectives: list[str], nouns: list[str], place: str) -> str:
        rng = self.rng
        while True:
            adjective, noun, other = rng.choice(adjectives), *rng.permutation(nouns)[:2]
            name = str(
                rng.choice(
                    [
                        f"The {adjective} {noun}",
                        f"{adjective} {noun}",
                        f"The {noun} of {place}",
                        f"{rng.choice(GIVEN)}'s {noun}",
                        f"{noun} and {other}",
                        f"The {adjective} {noun} of {place}",
                    ]
                )
            )
            if name not in self.taken:
                self.taken.add(name)
                return name
            place = str(rng.choice(PLACES))


def _windows(
    rng: np.random.Generator, previous: IntArray, new_items: int
) -> tuple[FloatArray, FloatArray]:
    """Return when titles come and go; a later part never comes before an earlier one."""
    items = len(previous)
    arrives = rng.random(items) < 0.3
    day = np.where(arrives, rng.integers(1, YEAR - 20, items), -rng.integers(30, 2000, items))
    day[items - new_items :] = YEAR
    for item in np.flatnonzero(previous >= 0):
        day[item] = max(day[item], day[previous[item]])
    leaves = (rng.random(items) < 0.06) & (day < YEAR - 120)
    gone = np.maximum(day, 0) + 60 + rng.integers(0, YEAR, items)
    until = np.where(leaves & (gone < YEAR), START + gone * float(DAY), np.inf)
    return START + day * float(DAY), until


def _years(parts: list[dict[str, Any]], previous: IntArray, since: FloatArray) -> list[int]:
    """Return the years of release: what arrives in the simulated year is from that year."""
    years: list[int] = []
    for row, part in enumerate(parts):
        year = part["year"] if previous[row] < 0 else min(years[-1] + 1, 2025)
        years.append(2025 if since[row] > START else year)
    return years


def _drawn(rng: np.random.Generator, among: int, share: float, items: int) -> npt.NDArray[np.bool_]:
    chosen = np.zeros(items, bool)
    chosen[rng.permutation(among)[: round(share * among)]] = True
    return chosen


def _misplace(
    rng: np.random.Generator, frame: pl.DataFrame, themes: IntArray, wrong: npt.NDArray[np.bool_]
) -> pl.DataFrame:
    """Give wrong titles the metadata of titles with another theme; name and dates stay."""
    rows = np.arange(len(frame))
    for row in np.flatnonzero(wrong):
        others = np.flatnonzero(themes != themes[row])
        rows[row] = rng.choice(others) if len(others) else row
    told = ["synopsis", "cast", "director", "genres", "language", "maturity"]
    return frame.with_columns(frame.select(told)[rows]).select(frame.columns)


def _up_next(rng: np.random.Generator, moods: FloatArray, previous: IntArray, old: int) -> IntArray:
    """Return three first parts of the nearest moods, some luck included."""
    near = moods @ moods.T + rng.gumbel(0, 1.5, (len(moods), len(moods)))
    np.fill_diagonal(near, -np.inf)
    near[:, previous >= 0] = -np.inf  # a later part is nobody's start
    near[:, old:] = -np.inf
    return np.argsort(-near, axis=1, kind="stable")[:, :3]
