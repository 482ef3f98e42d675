"""Wrong metadata on purpose: what is a recommender worth where what items are is not true?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from ysmean.data.items import Items
from ysmean.errors import ConfigError


def shuffle_features(
    items: Items | None, share: float, seed: int
) -> tuple[Items | None, list[str]]:
    """Give a share of the items that have features those of one another.

    Whole rows of features move, titles included; ids and availability stay. No chosen item keeps
    its own row.

    Args:
        items: what the items are.
        share: 0 to 1, of the items with features.
        seed: of the choice.

    Returns:
        The items, and the ids of those with another one's features.

    Raises:
        ConfigError: for a share out of range, or one of fewer than two items.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"corrupt={share}; expected a share of the items from 0 to 1, like 0.3.")
    if share == 0:
        return items, []
    if items is None or not items.schema:
        raise ConfigError(
            f"corrupt={share} shuffles the features of items, but there are none. Pass items with "
            "features, or leave corrupt out."
        )
    names = list(items.schema)
    known = ~items.frame.select(pl.all_horizontal(pl.col(names).is_null())).to_series().to_numpy()
    able = np.flatnonzero(known)
    count = round(share * len(able))
    if count < 2:
        raise ConfigError(
            f"corrupt={share} of {len(able):,} items with features is {count}; expected at least "
            "two, which swap theirs."
        )
    chosen = np.random.default_rng([seed, 23]).permutation(able)[:count]
    source = np.arange(len(items))
    source[chosen] = np.roll(chosen, 1)
    frame = items.frame.with_columns(items.frame.select(names)[source])
    note = f"corrupt={share}: {count:,} items have the features of one another, shuffled by seed"
    ids = items.frame.get_column("item_id")[np.sort(chosen)].to_list()
    return replace(items, frame=frame, notes=(*items.notes, note)), ids
