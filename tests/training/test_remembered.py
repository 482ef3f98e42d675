"""Answers are kept as far as memory allows, and asked for again beyond."""

import numpy as np
import pytest

import reference
from ysmean.mean.held import hold
from ysmean.training import remembered
from ysmean.training.remembered import Remembered


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_every_pass_goes_through_all_questions_and_asks_only_for_what_was_not_kept(
    monkeypatch, kept
):
    z = np.random.default_rng(0).normal(size=(2, 6, 5))
    asked = []

    def ask(sample):
        for pair in np.flatnonzero(sample).reshape(-1, 2):
            asked.append(pair.tolist())
            yield pair, pair % 5, hold(reference.stream(z[:, pair], np.ones((2, 5), bool)))[0]

    monkeypatch.setattr(remembered, "KEPT_BYTES", kept * 4 * z[:, :2].size)
    again = Remembered(ask, np.ones(6, bool))
    for _ in range(3):
        found = {int(row): held.logits[n] for rows, _, held in again for n, row in enumerate(rows)}
        assert sorted(found) == list(range(6))
        for row, logits in found.items():
            np.testing.assert_allclose(logits, z[:, row], rtol=1e-6)
    assert len(asked) == 3 + 2 * (3 - kept)
