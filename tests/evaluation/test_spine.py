"""What is measured is what is answered: evaluation and requests agree item by item."""

import numpy as np

import worlds
import ysmean as ym
from ysmean.data.joined import Data
from ysmean.data.splits import make_split
from ysmean.evaluation.evaluate import ask
from ysmean.training.progress import Progress
from ysmean.training.train import learn

SPECS = [ym.Transition(), ym.Linear(), ym.Popularity()]


def test_the_answers_that_are_measured_are_those_that_requests_get():
    events, items, _ = worlds.content_rule()
    data = Data.join(events, items)
    split = make_split("leave-last-out", data.histories, len(data.catalogue), seed=0)
    base = np.ones(len(data.catalogue), bool)
    parts = learn(data, split, SPECS, base, 0, "default", Progress())
    asked = ask(parts, data.questions(split.test), base, "exclude", Progress())
    ids = data.catalogue.item_ids
    questions, row = asked.questions, asked.names.index("mean")
    spans = zip(questions.starts, questions.ends, strict=True)
    taken = [[ids[int(c)] for c in data.histories.classes[a:b]] for a, b in spans]
    answers = ym.Recommender(parts).recommend_many([ym.Request(history=h) for h in taken])
    assert len(answers) > 50
    for n, answer in enumerate(answers):
        top = asked.standing.top_classes[row, n]
        scores = asked.standing.top_scores[row, n][top >= 0]
        measured = {ids[int(c)]: score for c, score in zip(top[top >= 0], scores, strict=True)}
        given = [item.score for item in answer]
        np.testing.assert_allclose(given, scores, rtol=2e-5)
        # Tied items may change places, at the last one with items that are left out.
        alike = [measured.get(item.item_id, scores[-1]) for item in answer]
        np.testing.assert_allclose(given, alike, rtol=2e-5)
