import math

import pytest

from ysmean.evaluation.page import words


def compared(mean, p, a=0.3, b=0.2):
    difference = {"mean": mean, "low": mean - 0.01, "high": mean + 0.01, "p_value": p}
    return {"a": "mean", "b": "content", "result": {"a": a, "b": b, "difference": difference}}


def test_what_is_not_known_is_a_dash():
    for text in (words.decimal(None), words.decimal(math.nan), words.percent(None)):
        assert text == "\N{EN DASH}"
    assert words.interval(None) == words.duration(None) == words.percent(math.inf) == "\N{EN DASH}"


def test_numbers_are_written_with_fixed_digits_and_a_true_minus():
    assert words.decimal(0.12345) == "0.1235" and words.decimal(2, 1) == "2.0"
    assert words.decimal(-0.01, sign=True) == "\N{MINUS SIGN}0.0100"
    assert words.decimal(0.01, sign=True) == "+0.0100"
    assert words.percent(0.517, 1) == "51.7%"
    assert words.probability(0.0001) == "< 0.1%" and words.probability(0.0) == "0.0%"
    assert words.probability(0.0123) == "1.2%"
    assert words.interval([0.1234, 0.5]) == "0.123\N{EN DASH}0.500"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "< 1 s"),
        (1.04, "1.0 s"),
        (89.9, "89.9 s"),
        (570.2, "9 min 30 s"),
        (119.8, "2 min 00 s"),
    ],
)
def test_durations_are_said_as_people_do(seconds, text):
    assert words.duration(seconds) == text


def test_names_are_listed():
    assert words.listed(["a"]) == "a" and words.listed(["a", "b"]) == "a and b"
    assert words.listed(["a", "b", "c"]) == "a, b and c" and words.listed([]) == ""


def test_a_difference_counts_only_where_chance_is_unlikely():
    networks = {"networks": {"content": {}, "popularity": {}}}
    for mean, p, start in (
        (0.1, 0.001, "The mean of 2 networks ranks better than the best of them, content"),
        (0.1, 0.2, "The mean is not reliably better or worse than its best network, content"),
        (-0.1, 0.001, "The mean ranks worse than its best network, content"),
    ):
        assert words.headline({**networks, "comparisons": [compared(mean, p)]}) == start


def test_a_verdict_gives_difference_interval_and_p():
    said = words.verdict(compared(0.1, 0.0002), "its best network, content")
    assert said == (
        "Above its best network, content: NDCG@10 0.3000 against 0.2000, a difference of +0.1000 "
        "(+50.0%); 95% interval +0.0900 to +0.1100, p < 0.001."
    )
    assert words.verdict(compared(-0.1, 0.01), "x").startswith("Below x")
    assert words.verdict(compared(0.0, 0.9), "x").startswith("No reliable difference from x")
    assert "%)" not in words.verdict(compared(0.1, 0.01, b=0.0), "x")


def test_worth_names_the_needed_the_indifferent_and_the_harmful():
    def entry(name, mean, p):
        return {"name": name, "without": compared(mean, p)["result"]}

    rows = [entry("a", -0.1, 0.001), entry("b", -0.2, 0.001), entry("c", 0.1, 0.001)]
    said = words.worth({"worth": [*rows, entry("d", -0.001, 0.6), entry("e", 0.001, 0.5)]})
    assert said == (
        "NDCG@10 would fall without b (\N{MINUS SIGN}0.2000) and a (\N{MINUS SIGN}0.1000). "
        "Leaving out one of d and e makes no reliable difference. It would rise without c."
    )
    assert words.worth({"worth": [{"name": "a", "without": None}]}) is None


@pytest.mark.parametrize(
    ("split", "part"),
    [
        ("leave-last-out", "Each user's last event"),
        ("time:2025-10-01", "Everything before 2025-10-01"),
        ("cold-users:0.1", "10% of the users"),
        ("cold-items:0.25", "25% of the items"),
    ],
)
def test_every_split_is_put_into_words(split, part):
    assert part in words.asked({"split": split})
