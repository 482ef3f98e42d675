"""What goes over the wire, for the OpenAPI document: the bodies of answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class EventsKept(BaseModel):
    """What became of events: they are kept, whatever happens to the service now."""

    event_ids: list[str] = Field(description="in order; those that were left out are made up")
    new: int
    duplicates: int = Field(description="events that were kept before")
    unknown_items: list[str] = Field(description="kept too, though the model does not know them")


class HistoryItem(BaseModel):
    """An event of a user's history."""

    item_id: str
    title: str | None
    timestamp: float | None


class History(BaseModel):
    """What the model is shown of a user, oldest first, and what it must not show the user."""

    user_id: str
    length: int
    items: list[HistoryItem] = Field(description="the last ones")
    hidden: list[str]


class Deleted(BaseModel):
    """A deleted history."""

    user_id: str
    live_events: int = Field(description="how many live events were deleted")


class AnswerItem(BaseModel):
    """One recommended item."""

    item_id: str
    title: str | None
    score: float = Field(description="its probability under the mean")
    shares: dict[str, float] = Field(description="each network's exact part; they sum to 1")
    evidence: dict[str, float] = Field({}, description="bits by network within a consensus")
    contributions: dict[str, float]
    why: str | None = Field(None, description="one sentence, where reasons are asked for")
    reasons: list[dict[str, Any]] = Field([], description="what counted within each network")


class Shortfall(BaseModel):
    """What keeps an answer shorter than was asked for."""

    asked: int
    allowed: int
    constraint: str | None = Field(description="the one whose removal alone would gain most")
    clause: str | None
    gain: int


class Answer(BaseModel):
    """The answer to one request: items, best first, and where they come from."""

    request_id: str = Field(description="names the answer; events may say that they answer it")
    user_id: str | None
    cohort: str
    items: list[AnswerItem]
    weights: dict[str, float]
    mass: dict[str, float]
    abstained: list[str]
    last_resort: bool
    unknown_items: list[str]
    model: str
    arm: str | None = Field(None, description="of the experiment, where the user is in one")
    shortfall: Shortfall | None = Field(None, description="given where fewer than k are allowed")


class BatchAnswer(BaseModel):
    """Answers in the order of the requests."""

    answers: list[Answer]


class Item(BaseModel):
    """An item of the catalogue."""

    item_id: str
    title: str | None
    warm: bool = Field(description="whether anybody took it before the model was trained")


class ItemList(BaseModel):
    """Items found, those that begin with the query first."""

    items: list[Item]


class ModelFacts(BaseModel):
    """What a model is made of, as `ysmean inspect --json` prints it."""

    model_config = ConfigDict(extra="allow")

    model: str
    catalogue: int
    users: int
    networks: list[str]
    proportions: Any


class Swapped(BaseModel):
    """What a swap did."""

    result: Literal["loaded", "unchanged", "rolled-back"]
    model: str = Field(description="that answers now")
    replaced: str | None


class Health(BaseModel):
    """Whether the service lives, or is ready."""

    status: str
