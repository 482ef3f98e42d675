"""Routes to look around in a model: its users, its items' features, its networks, its versions."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import polars as pl
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from ysmean.data.catalogue import Catalogue
from ysmean.data.histories import Histories
from ysmean.data.schema import FeatureType
from ysmean.errors import RequestError, nearest
from ysmean.service.browse_replies import (
    DescribedList,
    FeatureList,
    NetworkList,
    UserList,
    ValueList,
    VersionList,
)
from ysmean.service.common import PROBLEMS, Asked, needs
from ysmean.service.schemas import Id
from ysmean.service.versions import versions_of

SORTED_BY = (FeatureType.NUMBER, FeatureType.DATETIME)

router = APIRouter(prefix="/v1", tags=["browse"], responses=PROBLEMS, dependencies=[needs("read")])
Limit = Annotated[int, Query(ge=1, le=100)]


@router.get("/users", response_model=UserList)
def users(
    service: Asked,
    query: Annotated[str, Query(max_length=256, description="part of an id")] = "",
    limit: Limit = 20,
    random: Annotated[bool, Query(description="any of them, instead of the first ones")] = False,
) -> JSONResponse:
    """Search the users that the model knows; those whose id begins so come first."""
    histories = service.model.recommender.parts.histories
    rows = _matching(histories, query.lower())
    if random:
        rows = np.random.default_rng().permutation(rows)
    chosen = rows[:limit]
    ids = histories.user_ids.gather(chosen).to_list()
    lengths = (histories.offsets[chosen + 1] - histories.offsets[chosen]).tolist()
    found = [{"user_id": u, "length": n} for u, n in zip(ids, lengths, strict=True)]
    return JSONResponse({"users": found, "total": len(rows)})


@router.get("/items/described", response_model=DescribedList)
def described(
    service: Asked,
    item_id: Annotated[list[Id], Query(min_length=1, max_length=100)],
) -> JSONResponse:
    """Say what items are: their features, without vectors and what is not known of them."""
    catalogue = service.model.recommender.parts.catalogue
    known = [item for item in dict.fromkeys(item_id) if item in catalogue.index]
    classes = catalogue.classes(known)
    shown = [name for name, kind in catalogue.schema.items() if kind is not FeatureType.VECTOR]
    rows = (
        catalogue.frame.select(shown)[classes.tolist()].to_dicts() if shown else [{}] * len(known)
    )
    titles = catalogue.titles(classes)
    found = [
        {
            "item_id": item,
            "title": title,
            "warm": bool(catalogue.warm[c]),
            "features": {
                name: value for name, value in row.items() if value is not None and name != "title"
            },
        }
        for item, title, c, row in zip(known, titles, classes, rows, strict=True)
    ]
    unknown = [item for item in dict.fromkeys(item_id) if item not in catalogue.index]
    return JSONResponse({"items": found, "unknown_items": unknown})


@router.get("/features", response_model=FeatureList)
def features(service: Asked) -> JSONResponse:
    """List the items' features: what `where` and preferences may name."""
    catalogue = service.model.recommender.parts.catalogue
    return JSONResponse({"features": [_feature(catalogue, name) for name in catalogue.schema]})


@router.get("/values", response_model=ValueList)
def values(
    service: Asked,
    query: Annotated[str, Query(max_length=256, description="part of a value")] = "",
    feature: Annotated[str | None, Query(max_length=256, description="of one alone")] = None,
    limit: Limit = 20,
) -> JSONResponse:
    """Search the values of category features; those that begin so, then those of most items."""
    attributes = service.model.recommender.parts.catalogue.attributes
    known = {name for name, _ in attributes.values}
    if feature is not None and feature not in known:
        raise RequestError(
            f"No item has the category {feature!r}." + nearest(feature, known), "feature"
        )
    text, counts = query.casefold(), np.diff(attributes.offsets).tolist()
    holding = [
        {"feature": name, "value": value, "items": count}
        for (name, value), count in zip(attributes.values, counts, strict=True)
        if feature in (None, name) and text in value.casefold()
    ]
    holding.sort(key=lambda f: (not f["value"].casefold().startswith(text), -f["items"]))
    return JSONResponse({"values": holding[:limit], "total": len(holding)})


@router.get("/model/networks", response_model=NetworkList)
def networks(service: Asked) -> JSONResponse:
    """Say what each network is: its settings, its size, and how much it can score."""
    model = service.model
    catalogue = len(model.recommender.parts.catalogue)
    return JSONResponse({"networks": model.network_facts, "catalogue": catalogue})


@router.get("/model/versions", response_model=VersionList)
def versions(service: Asked) -> JSONResponse:
    """List the versions in the bundle's folder, the newest first, and which one answers."""
    models = service.models
    return JSONResponse(
        {
            "answers": service.model.id,
            "before": None if models.previous is None else models.previous.id,
            "versions": versions_of(service.settings.model),
        }
    )


def _matching(histories: Histories, text: str) -> npt.NDArray[np.int64]:
    """Return the rows of users whose id holds a text; those that begin with it first."""
    if not text:
        return np.arange(len(histories), dtype=np.int64)
    ids = histories.user_ids.str.to_lowercase()
    begins = ids.str.starts_with(text)
    holds = ids.str.contains(text, literal=True) & ~begins
    return np.concatenate([part.arg_true().to_numpy().astype(np.int64) for part in (begins, holds)])


def _feature(catalogue: Catalogue, name: str) -> dict[str, Any]:
    """Return what is to be known of a feature before it is constrained."""
    kind = catalogue.schema[name]
    column = catalogue.frame.get_column(name)
    known: dict[str, Any] = {"name": name, "type": str(kind), "empty": column.null_count()}
    if kind in SORTED_BY and column.null_count() < len(column):
        numbers = column.cast(pl.Float64).drop_nulls()
        known |= {"min": numbers.min(), "max": numbers.max()}
    if kind in (FeatureType.CATEGORY, FeatureType.CATEGORIES):
        known["values"] = sum(feature == name for feature, _ in catalogue.attributes.values)
    return known
