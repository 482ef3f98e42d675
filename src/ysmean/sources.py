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
    logs: list[Events] = []
    read, weights = Watermark("", 0), event_weights
    for bundle in bundles:
        catalogue, histories, manifest = read_histories(Path(bundle))
        read = Watermark.from_json(manifest.get("watermark"))
        weights = manifest.get("event_weights") if event_weights is None else event_weights
        logs.append(Events(_log_of(histories, catalogue)))
    files = [s for s in given if s not in bundles and not s.startswith(STORE)]
    logs += [read_events(file, columns, weights, rating_weights) for file in files]
    for url in stores:
        with closing(open_store(url, create=False)) as store:
            log = store.log(read.after(store.id))
        read = Watermark(store.id, log.last)
        logs = _with_log(logs, log, weights)
    if not any(map(len, logs)):
        raise DataError(f"{' and '.join(given) or 'Nothing'} holds no event to train on.")
    whole = logs[0] if len(logs) == 1 else Events.together(logs)
    return replace(whole, event_weights=weights, watermark=read if read.store else None)


def _with_log(logs: Sequence[Events], log: Log, weights: EventWeights | None) -> list[Events]:
    """Return logs without forgotten users, and then what a store has beyond them."""
    kept, notes = [], []
    for one in logs:
        gone = one.frame.get_column("user_id").is_in(list(log.forgotten))
        kept.append(replace(one, frame=one.frame.filter(~gone)))
    if log.forgotten:
        notes.append(f"the store: {len(log.forgotten):,} users were forgotten")
    # An explicit mapping need not name what has no type: something taken.
    mapping = None if weights is None else {"": 1.0, **weights}
    means = pl.Series([code_of(kind, mapping) for kind in log.frame["event"]], dtype=pl.Float64)
    frame = log.frame.filter(means != CODES[IGNORE])
    if not len(frame):
        return [*(replace(one, notes=(*one.notes, *notes)) for one in kept[:1]), *kept[1:]]
    live = Events.from_frame(frame, None, mapping)
    before = len(live)
    key = ["user_id", "item_id", "timestamp", "excludes"]
    for one in kept:
        if one.has_time:
            new = live.frame.join(one.frame, on=key, how="anti", maintain_order="left")
            live = replace(live, frame=new)
    said = f"the store: {before:,} events" + (
        f", {before - len(live):,} of them in another log, too" if len(live) < before else ""
    )
    return [*kept, replace(live, notes=(*live.notes, *notes, said))]


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
