import numpy as np
import pytest

import worlds
import ysmean as ym
from ysmean.errors import NothingToLearn, TrainingError
from ysmean.networks.learner import Fitting
from ysmean.training.fit import _evaluate, fit
from ysmean.training.progress import LineProgress, Progress


def learner(fitting, seed=0):
    _, training, held_out = worlds.material(worlds.markov_chain())
    spec = ym.Collaborative(embedding=8, hidden=(16,), fitting=fitting)
    return spec.begin(training, seed), training.histories, held_out


class Recorder(Progress):
    def __init__(self):
        self.steps, self.losses, self.notes, self.said = 0, [], [], []

    def advance(self, task, loss):
        self.steps += 1
        self.losses.append(loss)

    def note(self, task, held_out):
        self.notes.append(held_out)

    def say(self, text):
        self.said.append(text)


def test_the_budget_is_counted_in_steps():
    it, histories, held_out = learner(Fitting(batch=32, max_steps=17, max_epochs=99))
    recorder = Recorder()
    _, log = fit("it", it, histories, held_out, 0, recorder)
    assert recorder.steps == log.steps == 17


def test_the_log_tells_how_long_steps_waited_for_their_data():
    it, histories, held_out = learner(Fitting(batch=32, max_steps=10))
    _, log = fit("it", it, histories, held_out, 0, Progress())
    assert 0 < log.waited < log.seconds


def test_the_weights_that_are_kept_are_those_of_the_loss_that_is_told():
    settings = Fitting(batch=16, max_steps=400, max_epochs=99, patience=3, learning_rate=0.05)
    it, histories, held_out = learner(settings)
    _, log = fit("it", it, histories, held_out, 0, Progress())
    assert _evaluate(it, held_out, 0.0) == pytest.approx(log.kept_loss, rel=1e-5)
    assert log.kept_loss <= min(log.held_out_loss) + 0.02


@pytest.mark.parametrize(("last", "kept"), [(5.01, 3), (5.03, 2)])
def test_annealed_weights_are_kept_unless_they_are_clearly_worse(last, kept, monkeypatch):
    it, histories, held_out = learner(Fitting(batch=32, max_steps=3, evaluate_every=1))
    losses = iter([6.0, 5.0, last])
    monkeypatch.setattr("ysmean.training.fit._evaluate", lambda *_: next(losses))
    _, log = fit("it", it, histories, held_out, 0, Progress())
    assert log.best_step == kept and log.held_out_loss[-1] == last
    assert log.kept_loss == [6.0, 5.0, last][kept - 1]


def test_the_held_out_loss_is_the_mean_over_all_that_is_asked():
    it, _, held_out = learner(Fitting(batch=32, max_steps=10))
    many = held_out[np.resize(np.arange(len(held_out)), 700)]  # more than are asked at once
    it.model.compile(loss=it.loss())
    logits = it.model.predict(it.ask(many)[0], verbose=0).astype(np.float64)
    z = logits - logits.max(1, keepdims=True)
    nats = np.log(np.exp(z).sum(1)) - z[np.arange(700), many.targets]
    assert _evaluate(it, many, 0.0) == pytest.approx(nats.mean(), rel=1e-5)


def test_the_training_loss_is_the_mean_of_the_steps_since_the_last_evaluation():
    it, histories, held_out = learner(Fitting(batch=32, max_steps=6, evaluate_every=3))
    recorder = Recorder()
    _, log = fit("it", it, histories, held_out, 0, recorder)
    expected = [np.mean(recorder.losses[:3]), np.mean(recorder.losses[3:])]
    assert log.train_loss == pytest.approx(expected)


def test_after_evaluations_without_gain_it_anneals_from_the_best_weights_and_ends():
    it, histories, held_out = learner(
        Fitting(batch=16, max_steps=5000, max_epochs=500, patience=2, learning_rate=0.1)
    )
    recorder = Recorder()
    _, log = fit("it", it, histories, held_out, 0, recorder)
    losses = log.held_out_loss
    every = -(-len(it.examples(histories)) // 16)
    turn = 2  # the first evaluation with two worse ones behind the best
    while min(losses[: turn - 1]) > min(losses[turn - 1 : turn + 1]):
        turn += 1
    best = (1 + min(range(turn + 1), key=lambda n: losses[n])) * every
    assert log.stopped == f"no gain in 2 evaluations after step {best}"
    assert log.steps == (turn + 1) * every + max(1, round(0.4 * best)) < 5000
    assert min(losses) <= losses[best // every - 1]


def test_a_loss_that_is_not_finite_stops_with_name_epoch_step_and_rate():
    it, histories, held_out = learner(Fitting(batch=16, max_steps=50))
    weights = it.model.get_weights()
    weights[0][:] = np.nan
    it.model.set_weights(weights)
    with pytest.raises(TrainingError, match=r"it: the loss became nan in epoch 1, step 1, at"):
        fit("it", it, histories, held_out, 0, Progress())


def test_an_interrupt_keeps_the_best_epoch_so_far():
    it, histories, held_out = learner(Fitting(batch=16, max_steps=500, max_epochs=99))

    class Impatient(Recorder):
        def note(self, task, held_out):
            super().note(task, held_out)
            if len(self.notes) == 2:
                raise KeyboardInterrupt

    recorder = Impatient()
    network, log = fit("it", it, histories, held_out, 0, recorder)
    assert log.stopped == "interrupted" and log.steps < 500
    assert "keeping the best weights so far" in recorder.said[0]
    assert np.isfinite(network.item_vectors).all()


def test_an_interrupt_before_anything_was_evaluated_ends_training():
    it, histories, held_out = learner(Fitting(batch=16, max_steps=500))

    class AtOnce(Progress):
        def advance(self, task, loss):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit("it", it, histories, held_out, 0, AtOnce())


def test_plain_progress_says_step_loss_and_time_left(capsys):
    it, histories, held_out = learner(Fitting(batch=32, max_steps=20, max_epochs=99))
    fit("it", it, histories, held_out, 0, LineProgress())
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("it: step ") and "held-out" in lines[0] and "s left" in lines[0]


def test_events_without_any_before_them_cannot_teach_a_network_of_histories():
    _, training, held_out = worlds.material(worlds.table({"a": ["x"], "b": ["y"], "c": ["z"]}))
    it = ym.Collaborative(embedding=4, hidden=(4,)).begin(training, 0)
    with pytest.raises(NothingToLearn, match="no training event has a history"):
        fit("it", it, training.histories, held_out, 0, Progress())


def test_bars_show_steps_and_losses(capsys):
    from ysmean.training.progress import BarProgress

    it, histories, held_out = learner(Fitting(batch=32, max_steps=20, max_epochs=99))
    fit("it", it, histories, held_out, 0, BarProgress())
    shown = capsys.readouterr().err
    assert "20/20" in shown and "held-out" in shown and shown.count("it ") == 1
