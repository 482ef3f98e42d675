"""Train one peer on a written split, and say where it ranks the targets. See run.py.

    PEERS/bin/python benchmarks/accuracy/peers.py MODEL SPLIT OUT [--minutes 60] [--seed 0]

MODEL is `popularity`, `ease`, `sasrec` and `hstu` of RecTools, or `als` of implicit. They need an
environment of their own:

    python3.11 -m venv PEERS
    PEERS/bin/pip install -r benchmarks/accuracy/peers.txt

Peers learn from training events alone; the histories of test requests hold the validation event, as
ours do, so ALS folds them in. The validation events choose the epoch of SASRec and HSTU that is
kept, and of EASE and ALS the best of a few settings.
"""

import argparse
import json
import resource
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from rectools import Columns
from rectools.dataset import Dataset
from scipy.sparse import csr_matrix
from split import Split, answer, ndcg, spread

LIBRARIES = ("rectools", "pm-implicit", "torch", "pytorch-lightning", "numpy")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", choices=PEERS)
    parser.add_argument("split", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", default="", help="name of the data set, for SASRec's settings")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    task = Task(given)
    ask, log = PEERS[given.model](task)
    found, logs = ask("test")
    known = {"log_probability": logs} if given.model == "sasrec" else {}
    _, targets = task.requests["test"]
    given.out.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"target": targets, "rank": found, **known}).write_parquet(
        given.out / f"{given.model}.parquet"
    )
    facts = {
        **log,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "versions": {n: version(n) for n in LIBRARIES},
    }
    (given.out / f"{given.model}.json").write_text(json.dumps(facts, indent=1) + "\n")


class Task:
    """What is to be learned and asked, and how long it may take."""

    def __init__(self, given):
        self.given, self.split = given, Split.read(given.split)
        self.requests = {part: self.split.requests(part) for part in ("validation", "test")}
        self.began = time.perf_counter()

    @property
    def late(self):
        return self.seconds > 60 * self.given.minutes

    @property
    def seconds(self):
        return time.perf_counter() - self.began

    def ask(self, score, part):
        return answer(score, *self.requests[part], self.split.items, self.split.size)

    def matrix(self, histories):
        """Return histories as a sparse matrix of ones, float32 (B, N)."""
        lengths = [len(h) for h in histories]
        at = (np.repeat(np.arange(len(histories)), lengths), np.concatenate(histories))
        return csr_matrix((np.ones(len(at[0]), np.float32), at), (len(histories), self.split.size))

    def dataset(self):
        """Return the training events as RecTools takes them; rows are in order of time."""
        train = self.split.train
        events = pd.DataFrame(train[:, :2], columns=[Columns.User, Columns.Item])
        times = train[:, 2] if self.split.timed else np.arange(len(train))
        events[Columns.Weight], events[Columns.Datetime] = 1.0, pd.to_datetime(times, unit="s")
        return Dataset.construct(events)

    def best(self, fit, settings):
        """Fit several settings, and keep the one that ranks the validation events best."""
        tried, kept = [], None
        for setting in settings:
            if tried and self.late:
                break
            began = time.perf_counter()
            score = fit(**setting)
            seconds = time.perf_counter() - began
            value = ndcg(self.ask(score, "validation")[0])
            if kept is None or value > kept[1]["validation_ndcg@10"]:
                kept = score, {"settings": setting, "seconds": seconds, "validation_ndcg@10": value}
            tried.append({**setting, "seconds": seconds, "validation_ndcg@10": value})
        stopped = "all settings tried" if len(tried) == len(settings) else "limit of minutes"
        score, log = kept
        log |= {"stopped": stopped, "tried": tried, "search": self.seconds}
        return partial(self.ask, score), log


# Each returns what answers the requests of a part, and facts. It imports its own library, and so it
# can be trained where others are missing.


def popularity(task):
    from rectools.models import PopularModel

    data = task.dataset()
    model = PopularModel().fit(data)
    seconds = task.seconds
    ids, scores = model.popularity_list
    classes = data.item_id_map.convert_to_external(ids)

    def score(histories):
        return spread(task.split, classes, np.tile(scores.astype(np.float32), (len(histories), 1)))

    return partial(task.ask, score), {"seconds": seconds, "stopped": "counted"}


def ease(task):
    from rectools.models import EASEModel

    data = task.dataset()
    classes = data.item_id_map.external_ids

    def fit(regularization, transposed):
        weight = EASEModel(regularization=regularization).fit(data).weight
        weight = weight.T if transposed else weight  # the library multiplies by it, the paper not
        return lambda histories: spread(
            task.split, classes, task.matrix(histories)[:, classes] @ weight
        )

    strengths = (500.0, 250.0, 100.0, 50.0, 25.0, 1000.0)
    return task.best(
        fit, [{"regularization": r, "transposed": t} for r in strengths for t in (True, False)]
    )


def als(task):
    from implicit.als import AlternatingLeastSquares

    rows = np.unique(task.split.train[:, 0], return_inverse=True)[1]
    order = np.argsort(rows, kind="stable")
    ends = np.cumsum(np.bincount(rows))[:-1]
    taken = task.matrix(np.split(task.split.train[order, 1], ends))
    known = np.flatnonzero(taken.getnnz(axis=0))

    def fit(**settings):
        model = AlternatingLeastSquares(**settings, random_state=task.given.seed)
        model.fit(taken, show_progress=False)

        def score(histories):
            folded = model.recalculate_user(np.arange(len(histories)), task.matrix(histories))
            return spread(task.split, known, folded @ model.item_factors[known].T)

        return score

    choices = [(f, a) for f in (64, 32, 16, 128) for a in (1.0, 10.0, 40.0)]
    return task.best(fit, [{"factors": f, "alpha": a} for f, a in choices])


def sasrec(task):
    from attention import learn, sasrec

    return learn(task, *sasrec(task.given.data))


def hstu(task):
    from attention import hstu, learn

    return learn(task, *hstu(task.split.timed))


PEERS = {"popularity": popularity, "ease": ease, "als": als, "sasrec": sasrec, "hstu": hstu}

if __name__ == "__main__":
    main()
