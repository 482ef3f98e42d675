"""What the routes to look around answer with, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class User(BaseModel):
    """A user that the model knows."""

    user_id: str
    length: int = Field(description="items in the history that it was trained on")


class UserList(BaseModel):
    """Users found, those that begin with the query first."""

    users: list[User]
    total: int = Field(description="how many there are with it")


class Described(BaseModel):
    """An item and what it is."""

    item_id: str
    title: str | None
    warm: bool = Field(description="whether anybody took it before the model was trained")
    features: dict[str, Any] = Field(description="by name; what is not known is left out")


class DescribedList(BaseModel):
    """Items in the order asked for."""

    items: list[Described]
    unknown_items: list[str]


class Feature(BaseModel):
    """A feature of the items."""

    name: str
    type: str = Field(description="text, category, categories, number, datetime or vector")
    empty: int = Field(description="items without it")
    min: float | None = Field(None, description="of numbers, and of times in seconds")
    max: float | None = None
    values: int | None = Field(None, description="of categories, how many there are")


class FeatureList(BaseModel):
    """All features of the items."""

    features: list[Feature]


class CountedValue(BaseModel):
    """A value of a category feature."""

    feature: str
    value: str
    items: int = Field(description="how many have it")


class ValueList(BaseModel):
    """Values found."""

    values: list[CountedValue]
    total: int = Field(description="how many there are with the query")


class NetworkFacts(BaseModel):
    """A network of the model."""

    name: str
    kind: str
    numbers: int = Field(description="that it has learned or counted")
    covers: int = Field(description="items that it can score")
    knows_cold: bool = Field(description="whether it can score items that nobody took yet")
    from_history: bool = Field(description="whether it answers from the items of the history")
    settings: dict[str, Any]


class NetworkList(BaseModel):
    """All networks, in the order of the proportions; the consensus is made of them."""

    networks: list[NetworkFacts]
    catalogue: int = Field(description="items there are")


class Version(BaseModel):
    """A version in the bundle's folder."""

    version: str
    model: str
    created: str | None
    current: bool = Field(description="whether a reload takes it")


class VersionList(BaseModel):
    """The versions of the bundle."""

    answers: str = Field(description="the model that answers")
    before: str | None = Field(description="the model that a rollback goes back to")
    versions: list[Version]
