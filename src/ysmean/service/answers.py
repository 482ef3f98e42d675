"""Routes that answer: recommendations, and what is similar."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from ysmean.service.common import PROBLEMS, Asked, Noted, needs
from ysmean.service.problems import FieldProblem, within
from ysmean.service.replies import Answer, BatchAnswer
from ysmean.service.schemas import BatchRequest, RecommendRequest

router = APIRouter(prefix="/v1", tags=["answers"], responses=PROBLEMS, dependencies=[needs("read")])


@router.post("/recommend", response_model=Answer)
async def recommend(asked: RecommendRequest, service: Asked, noted: Noted) -> Response:
    """Answer one request: the best items with every network's share of their scores."""
    noted["user_id"] = asked.user_id
    within(list(asked.beyond(service.settings)))
    requests, arms = service.assigned([asked.request()])
    answers = await service.answer(service.model, requests, arms=arms)
    service.recent.remember(answers, arms)
    noted["model"], noted["arm"] = answers[0].model, arms[0]
    return _json(answers[0].json(arms[0]))


@router.post("/recommend/batch", response_model=BatchAnswer)
async def recommend_batch(asked: BatchRequest, service: Asked) -> Response:
    """Answer several requests, in order; if one is bad, none is answered."""
    count, most = len(asked.requests), service.settings.max_batch
    if count > most:
        detail = f"{count:,} requests; expected at most {most:,}"
        within([FieldProblem(field="requests", detail=detail)])
    places = [f"requests[{n}]" for n in range(count)]
    pairs = zip(asked.requests, places, strict=True)
    within([p for one, place in pairs for p in one.beyond(service.settings, f"{place}.")])
    requests, arms = service.assigned([one.request() for one in asked.requests])
    answers = await service.answer(service.model, requests, places, arms)
    service.recent.remember(answers, arms)
    shown = [answer.json(arm) for answer, arm in zip(answers, arms, strict=True)]
    return _json(b'{"answers":[' + b",".join(shown) + b"]}")


@router.get("/items/{item_id:path}/similar", response_model=Answer)
async def similar(
    service: Asked,
    item_id: Annotated[str, Path(max_length=256)],
    k: Annotated[int | None, Query(ge=1, description="how many; 10 by default")] = None,
    network: Annotated[str | None, Query(description="one network alone")] = None,
) -> Response:
    """Say what goes with an item, by the networks that answer from histories."""
    if k is not None and k > service.settings.max_k:
        detail = f"{k:,} items; expected at most {service.settings.max_k:,}"
        within([FieldProblem(field="k", detail=detail)])
    model = service.model
    request = model.recommender.similar_request(item_id, k, network)
    return _json((await service.answer(model, [request]))[0].json())


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
