import numpy as np

import models
from ysmean.evaluation.samples import draw


def test_samples_are_drawn_evenly_over_the_cohorts_in_their_order():
    cohorts = np.array(["50+"] * 90 + ["2-3"] * 9 + ["0"])
    assert cohorts[draw(cohorts, seed=0)].tolist() == ["0", "2-3", "2-3", "50+", "50+"]


def test_the_smallest_of_six_cohorts_is_left_out():
    names = ["0", "1", "2-3", "4-9", "10-49", "50+"]
    cohorts = np.repeat(names, [9, 8, 1, 7, 6, 5])
    assert cohorts[draw(cohorts, seed=3)].tolist() == [n for n in names if n != "2-3"]


def test_drawing_depends_on_the_seed_alone_and_takes_no_request_twice():
    cohorts = np.array(["0", "1"] * 30)
    assert draw(cohorts, 1) == draw(cohorts, 1) != draw(cohorts, 2)
    assert len(set(draw(cohorts, 1))) == 5 and len(draw(cohorts[:3], 1)) == 3


def test_samples_agree_with_the_requests_of_the_report():
    report = models.report()
    mean = report.requests.filter(report.requests["row"] == "mean")
    known = {
        (u, i): (r, p)
        for u, i, r, p in mean.select("user_id", "item_id", "rank", "probability").iter_rows()
    }
    assert len(report.data["samples"]) == 5
    for sample in report.data["samples"]:
        target = sample["target"]["item_id"]
        assert (sample["rank"], sample["probability"]) == known[sample["user_id"], target]
        places = [item["item_id"] for item in sample["items"]]
        assert (target in places) == (sample["rank"] <= 5)
        if target in places:
            assert places.index(target) + 1 == sample["rank"]
        for item in sample["items"]:
            assert abs(sum(item["shares"].values()) - 1) < 1e-6
            assert abs(sum(item["contributions"].values()) - 1) < 1e-6
            assert bool(item["evidence"]) == (item["shares"].get("consensus", 0) > 0)
        scores = [item["score"] for item in sample["items"]]
        assert scores == sorted(scores, reverse=True)
