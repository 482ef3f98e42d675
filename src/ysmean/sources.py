"""Read the events that training is given: files, bundles and a store, each event once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from ysmean.bundle import read_histories
from ysmean.data.catalogue import Catalogue
from ysmean.data.events import Events, read_events
from ysmean.data.histories import Histories
from ysmean.data.live import Log
from ysmean.data.signals import CODES, IGNORE, EventWeights, RatingWeights, code_of
from ysmean.data.store import open_store
from ysmean.data.watermark import Watermark
from ysmean.errors import ConfigError, DataError

STORE = "store:"


def read_logs(
    sources: Sequence[str | Path],
    columns: Mapping[str, str] | None = None,
    event_weights: EventWeights | None = None,
    rating_weights: RatingWeights | None = None,
) -> Events:
    """Read events from one or several places.

    What a store holds counts from the watermark of the bundle on, so that no event counts twice;
    what stands in a file with the same user, item and time counts once. Users who were forgotten
    since are left out of everything but what they did afterwards.

    Args:
        sources: files, at most one bundle (a folder of `ysmean train`) and at most one store
            (`store:` and what `ysmean serve --events-db` is given).
        columns: our names -> the files'.
        event_weights: as of `read_events`; those of the bundle for None.
        rating_weights: as of `read_events`, for files.

    Raises:
        DataError: names file, column and row, or says that there is nothing.
        BundleError: for a bundle that is altered.
        ConfigError: for two bundles or two stores.
    """
    given = [str(source) for source in sources]
    stores = [s.removeprefix(STORE) for s in given if s.startswith(STORE)]
    bundles = [s for s in given if not s.startswith(STORE) and (Path(s) / "CURRENT").is_file()]
    for what, found in (("bundles", bundles), ("stores", stores)):
        if len(found) > 1:
            raise ConfigError(f"{' and '.join(found)} are {len(found)} {what}; expected one.")
    known: list[Events] = []
    read, weights = Watermark("", 0), event_weights
    for bundle in bundles:
        catalogue, histories, manifest = read_histories(Path(bundle))
        read = Watermark.from_json(manifest.get("watermark"))
        weights = manifest.get("event_weights") if event_weights is None else event_weights
        known.append(Events(_log_of(histories, catalogue)))
    files = [s for s in given if s not in bundles and not s.startswith(STORE)]
    logs = [read_events(file, columns, weights, rating_weights) for file in files]
    for url in stores:
        with closing(open_store(url, create=False)) as store:
            log = store.log(after := read.after(store.id))
            # A bundle knows of the deletions up to its watermark, a file of none.
            ever = store.log(0).forgotten if files and after else log.forgotten
        read = Watermark(store.id, log.last)
        known = [_without(one, log.forgotten) for one in known]
        logs = [*(_without(one, ever) for one in logs), *_live(log, weights)]
    whole = _each_once([*known, *logs])
    if not len(whole):
        raise DataError(f"{' and '.join(given) or 'Nothing'} holds no event to train on.")
    return replace(whole, event_weights=weights, watermark=read if read.store else None)


def _without(events: Events, forgotten: frozenset[str]) -> Events:
    """Return events without those of some users."""
    gone = events.frame.get_column("user_id").is_in(list(forgotten))
    if not gone.any():
        return events
    users = events.frame.filter(gone).get_column("user_id").n_unique()
    note = f"{users:,} users were forgotten: {int(gone.sum()):,} events left out"
    return replace(events, frame=events.frame.filter(~gone), notes=(*events.notes, note))


def _live(log: Log, weights: EventWeights | None) -> list[Events]:
    """Return what a store holds as events of training; none if there is none."""
    # An explicit mapping need not name what has no type: something taken.
    mapping = None if weights is None else {"": 1.0, **weights}
    means = pl.Series([code_of(kind, mapping) for kind in log.frame["event"]], dtype=pl.Float64)
    frame = log.frame.filter(means != CODES[IGNORE])
    return [Events.from_frame(frame, None, mapping)] if len(frame) else []


def _each_once(logs: Sequence[Events]) -> Events:
    """Join logs; of an event that two of them hold, with the same time, the first one counts.

    An item is hidden from a user once, whatever the time: a bundle does not know when.
    """
    if not logs:
        return Events(pl.DataFrame())
    kept, key = [logs[0]], ["user_id", "item_id", "excludes"]
    for log in logs[1:]:
        frame = log.frame
        for one in kept:
            hides = one.frame.filter("excludes")
            frame = frame.join(hides, on=key, how="anti", maintain_order="left")
            if log.has_time and one.has_time:
                same = [*key, "timestamp"]
                frame = frame.join(one.frame, on=same, how="anti", maintain_order="left")
        note = f"{len(log) - len(frame):,} events are in another log, too: they count once"
        notes = (*log.notes, note) if len(frame) < len(log) else log.notes
        kept.append(replace(log, frame=frame, notes=notes))
    return kept[0] if len(kept) == 1 else Events.together(kept)


def _log_of(histories: Histories, catalogue: Catalogue) -> pl.DataFrame:
    """Return the events of histories as a table, users contiguous and in order of time.

    When an item was hidden is only known by the events around it, so it gets the time of the one
    before, or else of the one after.
    """
    owners = np.repeat(np.arange(len(histories)), np.diff(histories.hidden_offsets))
    place = np.arange(len(histories.classes)) - histories.offsets[histories.users]
    users = np.concatenate([histories.users, owners])
    hides = np.arange(len(users)) >= len(place)
    places = np.concatenate([place, histories.hidden_after])
    order = np.lexsort((~hides, places, users))
    classes = np.concatenate([histories.classes, histories.hidden])
    weights = np.concatenate([histories.weights, np.ones(len(owners), np.float32)])
    ids = catalogue.frame.get_column("item_id")
    frame = pl.DataFrame(
        {
            "user_id": histories.user_ids.gather(users[order].astype(np.uint32)),
            "item_id": ids.gather(classes[order].astype(np.uint32)),
            "weight": weights[order].astype(np.float32),
            "excludes": hides[order],
        }
    )
    if histories.times is None:
        return frame
    times = np.concatenate([histories.times, np.full(len(owners), np.nan)])[order]
    moments = pl.Series("timestamp", times).fill_nan(None).to_frame().with_columns(frame["user_id"])
    filled = moments.select(
        pl.col("timestamp").forward_fill().backward_fill().over("user_id").fill_null(0.0)
    )
    return frame.insert_column(2, filled.get_column("timestamp"))
