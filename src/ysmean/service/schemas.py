"""What comes over the wire: the bodies of requests."""

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
    if "\0" in text:
        raise ValueError("a zero byte is no character")
    return text


Text = Annotated[str, AfterValidator(_sayable)]
Id = Annotated[Text, StringConstraints(min_length=1, max_length=256)]
Name = Annotated[Text, StringConstraints(max_length=256)]
Factor = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Strength = Annotated[float, Field(ge=-1, le=1)]
Moment = (
    Annotated[float, Field(ge=-LAST_SECOND, le=LAST_SECOND, allow_inf_nan=False)]
    | Annotated[Text, StringConstraints(max_length=40)]
)


class Strict(BaseModel):
    """A body whose fields have exactly these names and types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Context(Strict):
    """What is known of the moment, instead of the hour and weekday of `at` (UTC)."""

    hour: int | None = Field(default=None, ge=0, le=23)
    weekday: int | None = Field(default=None, ge=0, le=6, description="0 = Monday")


class RecommendRequest(Strict):
    """One request; all fields may be left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"user_id": "42", "k": 5},
                {"history": ["260", "1196"], "scale": {"popularity": 0.5}, "where": "year >= 1990"},
                {
                    "preferences": {"genres": ["Comedy"], "year": {">= 2010": 0.5}},
                    "exclude": ["2571"],
                    "weights": "equal",
                },
                {
                    "user_id": "42",
                    "preferences": {"genres": {"Comedy": 0.5, "Drama": -1}},
                    "why": True,
                },
                {"user_id": "42", "diversity": 0.3, "caps": {"genres": 3}},
                {"where": {"feature": "year", "op": ">=", "value": 1990}},
            ]
        }
    )

    user_id: Id | None = Field(None, description="whose history and features count")
    history: list[Id] | None = Field(None, description="item ids instead, oldest first")
    preferences: dict[Name, Name | list[Name] | dict[Name, Strength]] = Field(
        {},
        description="liked values by item feature, or bounds of a number such as '>= 2010', one or "
        "a list; or strengths by value, below 0 = disliked",
    )
    context: Context = Field(default_factory=Context)
    where: Annotated[Text, StringConstraints(max_length=2000)] | dict[Name, Any] | None = Field(
        None, description="hard constraint on item features, as text or as structured data"
    )
    exclude: list[Id] = Field([], description="item ids never to be returned")
    seen: Literal["exclude", "allow"] = Field("exclude", description="items of the history")
    scale: dict[Name, Factor] = Field({}, description="multipliers by network")
    weights: Literal["fitted", "equal"] | dict[Name, Factor] = "fitted"
    k: int | None = Field(None, ge=1, description="how many items; 10 by default")
    at: Moment | None = Field(None, description="time of the request: seconds or ISO 8601; now")
    why: bool = Field(False, description="whether items come with the reasons for them")
    diversity: float = Field(0, ge=0, le=1, description="0 = the best; 1 = as unlike as can be")
    caps: dict[Name, Annotated[int, Field(ge=1)]] = Field(
        {}, description="how many items may share a value, by categorical feature"
    )

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
            why=self.why,
            diversity=self.diversity,
            caps=self.caps,
        )

    def beyond(self, limits: Settings, where: str = "") -> Iterator[FieldProblem]:
        """Yield the fields that are beyond the limits of the service."""
        counts = {
            "history": (len(self.history or ()), limits.max_history, "items"),
            "exclude": (len(self.exclude), limits.max_history, "items"),
            "preferences": (
                sum(map(_count, self.preferences.values())),
                limits.max_values,
                "values",
            ),
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


def _count(stated: str | list[str] | dict[str, float]) -> int:
    return 1 if isinstance(stated, str) else len(stated)


def _number(body: Any) -> str:
    return "many" if isinstance(body, list) else "one"


Events = Annotated[
    Annotated[Event, Tag("one")] | Annotated[list[Event], Field(min_length=1), Tag("many")],
    Discriminator(_number),
]

_ASKED = (*RecommendRequest.model_fields, *Context.model_fields)
FIELDS = {  # by route
    "/v1/recommend": _ASKED,
    "/v1/recommend/batch": (*BatchRequest.model_fields, *_ASKED),
    "/v1/events": (*Event.model_fields,),
}
