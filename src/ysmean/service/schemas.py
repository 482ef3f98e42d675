"""What goes over the wire: the bodies of requests and, for the OpenAPI document, of answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
)

from ysmean.data.requests import Request
from ysmean.service.problems import FieldProblem
from ysmean.service.settings import Settings

LAST_SECOND = 253_402_300_799  # of the year 9999


def _sayable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair is no character") from None
    return text


Text = Annotated[str, AfterValidator(_sayable)]
Id = Annotated[Text, StringConstraints(min_length=1, max_length=256)]
Name = Annotated[Text, StringConstraints(max_length=256)]
Factor = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Moment = (
    Annotated[float, Field(ge=-LAST_SECOND, le=LAST_SECOND, allow_inf_nan=False)]
    | Annotated[Text, StringConstraints(max_length=40)]
)


class Strict(BaseModel):
    """A body whose fields have exactly these names and types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Context(Strict):
    """What is known of the moment, instead of the hour and weekday of `at` (UTC)."""

    hour: int | None = Field(None, ge=0, le=23)
    weekday: int | None = Field(None, ge=0, le=6, description="0 = Monday")


class RecommendRequest(Strict):
    """One request; all fields may be left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"user_id": "42", "k": 5},
                {"history": ["260", "1196"], "scale": {"popularity": 0.5}, "where": "year >= 1990"},
                {"preferences": {"genres": ["Comedy"]}, "exclude": ["2571"], "weights": "equal"},
            ]
        }
    )

    user_id: Id | None = Field(None, description="whose history and features count")
    history: list[Id] | None = Field(None, description="item ids instead, oldest first")
    preferences: dict[Name, list[Name]] = Field({}, description="liked values by item feature")
    context: Context = Field(default_factory=Context)  # type: ignore[arg-type]
    where: Annotated[Text, StringConstraints(max_length=2000)] | None = Field(
        None, description="hard constraint on item features"
    )
    exclude: list[Id] = Field([], description="item ids never to be returned")
    seen: Literal["exclude", "allow"] = Field("exclude", description="items of the history")
    scale: dict[Name, Factor] = Field({}, description="multipliers by network")
    weights: Literal["fitted", "equal"] | dict[Name, Factor] = "fitted"
    k: int | None = Field(None, ge=1, description="how many items; 10 by default")
    at: Moment | None = Field(None, description="time of the request: seconds or ISO 8601; now")

    def request(self) -> Request:
        """Return it as the library takes it."""
        return Request(
            user_id=self.user_id,
            history=self.history,
            preferences=self.preferences,
            context=self.context.model_dump(exclude_none=True),
            where=self.where,
            exclude=self.exclude,
            seen=self.seen,
            scale=self.scale,
            weights=self.weights,
            k=self.k,
            at=self.at,
        )

    def beyond(self, limits: Settings, where: str = "") -> Iterator[FieldProblem]:
        """Yield the fields that are beyond the limits of the service."""
        counts = {
            "history": (len(self.history or ()), limits.max_history, "items"),
            "exclude": (len(self.exclude), limits.max_history, "items"),
            "preferences": (sum(map(len, self.preferences.values())), limits.max_values, "values"),
            "k": (self.k or 0, limits.max_k, "items"),
        }
        for field, (given, most, what) in counts.items():
            if given > most:
                detail = f"{given:,} {what}; expected at most {most:,}"
                yield FieldProblem(field=where + field, detail=detail)


class BatchRequest(Strict):
    """Several requests, answered in order."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"requests": [{"user_id": "42"}, {"history": ["260"]}]}]}
    )

    requests: list[RecommendRequest] = Field(min_length=1)


class Event(Strict):
    """Something a user did."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"event_id": "e-1", "user_id": "42", "item_id": "260", "event": "view"},
                {"event_id": "e-2", "user_id": "42", "item_id": "1196", "event": "hide"},
            ]
        }
    )

    event_id: Id | None = Field(None, description="the same id is the same event, sent again")
    user_id: Id
    item_id: Id
    timestamp: Moment | None = Field(None, description="seconds or ISO 8601; now by default")
    event: Name = Field("", description="its type; dislike and hide hide the item from the user")
    request_id: Id | None = Field(None, description="of the answer that it follows")


def _number(body: Any) -> str:
    return "many" if isinstance(body, list) else "one"


Events = Annotated[
    Annotated[Event, Tag("one")] | Annotated[list[Event], Field(min_length=1), Tag("many")],
    Discriminator(_number),
]


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
