"""What items are becomes blocks of numbers of comparable size."""

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ysmean.data import features
from ysmean.data.blocks import (
    MAX_CATEGORIES,
    NUMBER_BINS,
    TEXT_WIDTH,
    CategoryBlock,
    NumberBlock,
    TextBlock,
    VectorBlock,
)
from ysmean.data.features import FeatureEncoder
from ysmean.data.schema import FeatureType

FRAME = pl.DataFrame(
    {
        "title": ["red dragon", "red fox", "blue fox", None],
        "genres": [["a", "b"], ["a"], ["b"], None],
        "year": [1990.0, 2000.0, 2010.0, None],
        "vector": [[1.0, 0.0], [0.0, 1.0], [0.5, 0.0], None],
        "empty": pl.Series([None] * 4, dtype=pl.String),
    }
)


def encode_features(frame, schema):
    return FeatureEncoder.fit(frame, schema)(frame)


def category_block(column):
    return CategoryBlock.fit(column)(column)


def number_block(values):
    return NumberBlock.fit(pl.Series(values, dtype=pl.Float64))(pl.Series(values, dtype=pl.Float64))


def text_block(texts, seed):
    return TextBlock.fit(pl.Series(texts), seed)(pl.Series(texts))


def vector_block(column):
    return VectorBlock.fit(column)(column)


SCHEMA = {
    "title": FeatureType.TEXT,
    "genres": FeatureType.CATEGORIES,
    "year": FeatureType.NUMBER,
    "vector": FeatureType.VECTOR,
    "empty": FeatureType.CATEGORY,
}


def test_every_block_has_rows_of_mean_square_norm_one_and_none_for_missing_values():
    whole = encode_features(FRAME, SCHEMA)
    assert whole.dtype == np.float32
    widths = []
    for name, kind in SCHEMA.items():
        block = encode_features(FRAME, {name: kind})
        widths.append(block.shape[1])
        if name != "empty":
            assert (block**2).sum(1).mean() == pytest.approx(1.0, rel=1e-5)
        assert not block[3].any()
    assert widths[1:] == [2, NUMBER_BINS, 2, 0]
    assert whole.shape == (4, sum(widths))
    assert not whole[3].any() and whole[:3].any(1).all()


def test_without_features_there_are_no_columns():
    assert encode_features(FRAME, {}).shape == (4, 0)
    assert encode_features(FRAME, {"empty": FeatureType.CATEGORY}).shape == (4, 0)


numbers = st.lists(
    st.floats(-1e6, 1e6, allow_subnormal=False) | st.just(math.nan), min_size=1, max_size=40
)


@given(numbers)
def test_the_weights_of_a_number_sum_to_one_and_a_missing_one_has_none(values):
    block = number_block(np.array(values))
    assert block.dtype == np.float32 and len(block) == len(values)
    assert block.shape[1] <= NUMBER_BINS
    known = ~np.isnan(values)
    assert not block[~known].any()
    if known.any():
        np.testing.assert_allclose(block[known].sum(1), 1.0, atol=1e-6)
        assert (block >= -1e-6).all()
        assert ((block != 0).sum(1) <= 2).all()


def test_a_number_lies_between_its_two_nearest_quantiles():
    values = np.arange(12.0)  # every value is a quantile
    np.testing.assert_allclose(number_block(values), np.eye(12), atol=1e-6)
    between = number_block(np.array([0.0, 1.0, 1.0, 4.0]))
    assert between.shape[1] > 2
    knots = np.unique(np.quantile([0.0, 1.0, 1.0, 4.0], np.linspace(0, 1, NUMBER_BINS)))
    np.testing.assert_allclose(between @ knots, [0, 1, 1, 4], atol=1e-6)


def test_one_number_for_all_is_one_column():
    assert number_block(np.array([7.0, np.nan, 7.0])).tolist() == [[1.0], [0.0], [1.0]]
    assert number_block(np.array([np.nan, np.nan])).shape == (2, 0)


def test_only_categories_that_two_items_share_are_told_commonest_first():
    block = category_block(pl.Series(["b", "a", "b", "a", "b", "once", None]))
    assert block.tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [1, 0], [0, 0], [0, 0]]


@given(st.lists(st.none() | st.lists(st.sampled_from("abcd"), max_size=5), min_size=1))
def test_an_item_with_several_categories_spreads_a_norm_of_one_over_those_shared(rows):
    block = category_block(pl.Series(rows, dtype=pl.List(pl.String)))
    sets = [set(row or ()) for row in rows]
    counts = {v: sum(v in s for s in sets) for v in "abcd"}
    shared = sorted((v for v in "abcd" if counts[v] >= 2), key=lambda v: (-counts[v], v))
    expected = [[(v in s) / math.sqrt(max(1, len(s & set(shared)))) for v in shared] for s in sets]
    assert block.shape == (len(rows), len(shared))
    np.testing.assert_allclose(block, np.reshape(expected, block.shape), rtol=1e-6)


def test_only_the_commonest_categories_have_a_column():
    names = [f"c{n:04d}" for n in range(MAX_CATEGORIES + 1)]
    block = category_block(pl.Series([*names, *names, *names[1:]]))
    assert block.shape[1] == MAX_CATEGORIES
    assert not block[0].any()  # the first name is the rarest


def test_vectors_are_centred_and_missing_ones_stay_at_the_centre():
    block = vector_block(pl.Series([[1.0, 5.0], None, [3.0, 1.0]], dtype=pl.List(pl.Float32)))
    assert block.tolist() == [[-1.0, 2.0], [0.0, 0.0], [1.0, -2.0]]
    assert vector_block(pl.Series([None, None], dtype=pl.List(pl.Float32))).shape == (2, 0)


TEXTS = [
    *("dragon forest crown", "the crown forest oath", "oath dragon crown"),
    *("detective alibi clue", "alibi of a verdict detective", "verdict clue detective"),
]


def cosine(a, b):
    return float(a @ b / math.sqrt((a @ a) * (b @ b)))


def test_texts_of_the_same_words_are_nearer_than_texts_of_others():
    block = text_block(TEXTS, seed=0)
    assert block.dtype == np.float32 and block.shape == (6, 5)
    for one in range(6):
        same = [cosine(block[one], block[o]) for o in range(6) if o // 3 == one // 3]
        others = [cosine(block[one], block[o]) for o in range(6) if o // 3 != one // 3]
        assert min(same) > max(others)


def test_texts_are_reduced_to_a_bounded_width_the_same_way_for_the_same_seed():
    rng = np.random.default_rng(0)
    words = [f"word{n}" for n in range(1000)]
    texts = [" ".join(rng.choice(words, 8)) for _ in range(700)]
    block = text_block(texts, seed=1)
    assert block.shape == (700, TEXT_WIDTH)
    np.testing.assert_array_equal(text_block(texts, seed=1), block)
    assert (text_block(texts, seed=2) != block).any()


def shop(size=600, words=300, tags=900):
    """Return titles of 8 words, 3 tags and a year, with the schema."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice([f"word{n}" for n in range(words)], 8)) for _ in range(size)]
    some = [[f"c{n:04d}" for n in rng.choice(tags, 3, replace=False)] for _ in range(size)]
    frame = pl.DataFrame({"title": texts, "tags": some, "year": rng.normal(size=size)})
    kinds = (FeatureType.TEXT, FeatureType.CATEGORIES, FeatureType.NUMBER)
    return frame, dict(zip(frame.columns, kinds, strict=True))


def test_wide_features_have_single_words_and_rare_values_besides():
    frame, schema = shop()
    encoder = FeatureEncoder.fit(frame, schema)
    narrow, wide = encoder(frame), encoder(frame, wide=True)
    found = Counter(word for text in frame["title"] for word in set(text.split()))
    words = sum(n >= 2 for n in found.values())
    tags = len(encoder.blocks["tags"].values)
    assert narrow.shape[1] == TEXT_WIDTH + min(tags, MAX_CATEGORIES) + NUMBER_BINS
    assert wide.shape[1] == TEXT_WIDTH + words + tags + NUMBER_BINS
    text = wide[:, : TEXT_WIDTH + words]
    a, b = narrow[:, :TEXT_WIDTH], text[:, :TEXT_WIDTH]
    np.testing.assert_allclose(a / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-6)
    np.testing.assert_allclose(narrow[:, -NUMBER_BINS:], wide[:, -NUMBER_BINS:])
    for block in (text, wide[:, TEXT_WIDTH + words : -NUMBER_BINS], wide[:, -NUMBER_BINS:]):
        assert (block**2).sum(1).mean() == pytest.approx(1, rel=1e-4)
    # A word's column is a number where the title has it, and nothing elsewhere.
    holds = np.array(
        [len(set(t.split()) & {w for w, n in found.items() if n > 1}) for t in frame["title"]]
    )
    np.testing.assert_array_equal((text[:, TEXT_WIDTH:] != 0).sum(1), holds)


def test_what_wide_features_have_more_is_shared_when_it_is_too_much(monkeypatch):
    frame, schema = shop()
    monkeypatch.setattr(features, "EXTRA", 300)
    encoder = FeatureEncoder.fit(frame, schema)
    values = CategoryBlock.fit(frame["tags"]).extra
    assert 0 < values < 150  # the values want less than half, so all of them are there
    assert {n: b.extra for n, b in encoder.blocks.items()} == {
        "title": 300 - values,
        "tags": values,
        "year": 0,
    }
    commonest = TextBlock.fit(frame["title"], 0).words[: 300 - values]
    np.testing.assert_array_equal(encoder.blocks["title"].words, commonest)
    monkeypatch.setattr(features, "EXTRA_CELLS", 599)  # fewer than one column of 600 items
    least = FeatureEncoder.fit(frame, schema)
    np.testing.assert_array_equal(least(frame, wide=True), least(frame))


@pytest.mark.parametrize("texts", [["", ""], ["word", "word"], ["one two three"], ["? !", "."]])
def test_texts_that_tell_no_item_apart_have_no_columns(texts):
    assert text_block(texts, seed=0).shape == (len(texts), 0)


def test_tf_idf_is_that_of_scikit_learn():
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    hashing = HashingVectorizer(n_features=2**16, alternate_sign=False, norm=None)
    counts = hashing.transform([*TEXTS, "oath oath oath"])
    used = np.unique(counts.indices)
    expected = TfidfTransformer(sublinear_tf=True).fit_transform(counts[:, used]).toarray()
    column = pl.Series([*TEXTS, "oath oath oath"])
    block = TextBlock.fit(column, 0)
    whole = TextBlock(block.used, block.idf, np.eye(len(used)), block.words)  # not reduced
    np.testing.assert_allclose(whole(column), expected, rtol=1e-6)


def test_items_that_come_later_are_encoded_as_if_they_had_been_there():
    encoder = FeatureEncoder.fit(FRAME, SCHEMA)
    later = FRAME[[2, 0]]
    np.testing.assert_allclose(encoder(later), encoder(FRAME)[[2, 0]], rtol=1e-5, atol=1e-6)


def test_what_later_items_have_that_no_earlier_one_had_says_nothing():
    encoder = FeatureEncoder.fit(FRAME, SCHEMA)
    odd = pl.DataFrame(
        {
            "title": ["unheard words"],
            "genres": [["new"]],
            "year": [None],
            "vector": [[1.0, 2.0, 3.0]],
            "empty": ["something"],
        },
        schema_overrides={"year": pl.Float64},
    )
    assert not encoder(odd).any()


def test_a_number_beyond_the_outermost_quantile_counts_as_that():
    block = NumberBlock.fit(pl.Series([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(block(pl.Series([-9.0, 99.0])), block(pl.Series([1.0, 3.0])))
