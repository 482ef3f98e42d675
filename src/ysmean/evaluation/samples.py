"""A few test requests with the fitted mean's answers, drawn by seed and not by their success."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ysmean.data.histories import COHORTS
from ysmean.data.requests import Encoded, Request
from ysmean.evaluation.answers import Answers
from ysmean.recommender import Recommender

SAMPLES = 5
SHOWN = 5  # items of the answer, and of the history


def draw(cohorts: npt.NDArray[np.str_], seed: int, count: int = SAMPLES) -> list[int]:
    """Draw requests, as evenly over the cohorts as there are.

    Args:
        cohorts: of the requests (n,).
        seed: of the drawing.
        count: how many; all where there are fewer.

    Returns:
        Row numbers, in the order of the cohorts.
    """
    order = np.random.default_rng([seed, 19]).permutation(len(cohorts))
    waiting: dict[str, list[int]] = {}
    for row in order.tolist():
        waiting.setdefault(str(cohorts[row]), []).append(row)
    # The largest cohorts first, so that a sixth is the one that is left out.
    queues = sorted(waiting.values(), key=lambda rows: (-len(rows), str(cohorts[rows[0]])))
    rounds = [queue[turn] for turn in range(count) for queue in queues if turn < len(queue)]
    places = {name: place for place, name in enumerate((*COHORTS, "warm", "cold-among-all"))}
    return sorted(rounds[:count], key=lambda row: places.get(str(cohorts[row]), len(places)))


def samples(
    recommender: Recommender,
    answers: Answers,
    base: npt.NDArray[np.bool_],
    seen: str,
    seed: int,
) -> list[dict[str, Any]]:
    """Return some requests, their targets and the fitted mean's answers, as plain data.

    Args:
        recommender: that was asked.
        answers: of all rows to all requests.
        base: bool (N,), classes that may be answered with.
        seen: `"exclude"` or `"allow"`.
        seed: of the drawing.
    """
    catalogue = recommender.parts.catalogue
    rows = draw(answers.cohorts, seed)
    asked = answers.questions[np.array(rows)]
    available = catalogue.available
    encoded = Encoded(
        k=[min(SHOWN, len(catalogue))] * len(rows),
        batch=asked.batch(),
        allowed=asked.allowed(base, seen=seen, available=available),
        unknown=[[] for _ in rows],
    )
    requests = [Request(user_id=user) for user in answers.user_ids.gather(rows).to_list()]
    mean = answers.names.index("mean")
    found = []
    for number, (row, answer) in enumerate(
        zip(rows, recommender.answer(requests, encoded), strict=True)
    ):
        last = slice(max(asked.starts[number], asked.ends[number] - SHOWN), asked.ends[number])
        found.append(
            {
                "user_id": answer.user_id,
                "cohort": str(answers.cohorts[row]),
                "length": int(asked.ends[number] - asked.starts[number]),
                "history": _named(recommender, asked.histories.classes[last]),
                "target": _named(recommender, asked.targets[number : number + 1])[0],
                "rank": int(answers.standing.ranks[mean, row]),
                "probability": float(answers.standing.probabilities[mean, row]),
                "items": [
                    {
                        "item_id": item.item_id,
                        "title": item.title,
                        "score": item.score,
                        "shares": item.shares,
                        "evidence": item.evidence,
                        "contributions": item.contributions,
                    }
                    for item in answer
                ],
                "weights": answer.weights,
                "abstained": answer.abstained,
            }
        )
    return found


def _named(recommender: Recommender, classes: npt.NDArray[np.int32]) -> list[dict[str, Any]]:
    catalogue = recommender.parts.catalogue
    return [
        {"item_id": catalogue.item_ids[int(c)], "title": title, "cold": not catalogue.warm[c]}
        for c, title in zip(classes, catalogue.titles(classes), strict=True)
    ]
