"""SASRec of RecTools with a full softmax, watched on validation events; for peers.py.

Settings are those that its authors publish for a data set, or the library's defaults. As in its
guide to training, NDCG@10 on validation events decides when to stop and which epoch is kept. They
are ranked by the code that ranks the test requests, and the curve over wall time is written.
"""

import copy
import time

import numpy as np
import torch
from lightning_fabric import seed_everything
from pytorch_lightning import Callback, Trainer
from rectools.models import SASRecModel
from split import ndcg, spread

# "Hyperparameters for all datasets" of the eSASRec benchmark, by RecTools' authors:
# https://github.com/blondered/transformer_benchmark
ML = {"n_factors": 64, "n_blocks": 2, "n_heads": 1, "dropout_rate": 0.1, "session_max_len": 200}
BEAUTY = {"n_factors": 64, "n_blocks": 1, "n_heads": 1, "dropout_rate": 0.2, "session_max_len": 50}
SETTINGS = {
    "ml-100k": {**ML, "epochs": 100, "patience": 50},
    "ml-1m": {**ML, "epochs": 100, "patience": 50},
    "amazon-beauty": {**BEAUTY, "epochs": 200, "patience": 50},
}
OTHERWISE = {"epochs": 100, "patience": 10}


def sasrec(task):
    settings = dict(SETTINGS.get(task.given.data, OTHERWISE))
    epochs, patience = settings.pop("epochs"), settings.pop("patience")

    class Watch(Callback):
        """Rank the validation events after every epoch; keep the best weights; stop in time."""

        def __init__(self):
            self.curve, self.spent, self.stopped = [], 0.0, f"all {epochs} epochs"
            self.best, self.weights, self.age = -1.0, None, 0

        def __deepcopy__(self, memo):
            return self  # fit trains with a copy of the trainer

        def on_train_batch_end(self, trainer, *args):
            if task.late:
                trainer.should_stop, self.stopped = True, "limit of minutes"

        def on_train_epoch_end(self, trainer, module):
            began = time.perf_counter()
            value = ndcg(task.ask(sessions(task, module), "validation")[0])
            module.train()
            self.age += 1
            if value > self.best:
                self.best, self.age = value, 0
                self.weights = copy.deepcopy(module.state_dict())
            self.spent += time.perf_counter() - began
            self.curve.append({"seconds": task.seconds, "validation_ndcg@10": value})
            print(f"epoch {len(self.curve)}: {task.seconds:.0f} s, {value:.4f}", flush=True)
            if self.age >= patience:
                trainer.should_stop, self.stopped = True, f"no gain in {patience} epochs"

    seed_everything(task.given.seed, verbose=False)
    watch = Watch()
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    limits = {"accelerator": "cpu", "devices": 1, "min_epochs": 1, "max_epochs": epochs}
    model = SASRecModel(
        loss="softmax",
        get_trainer_func=lambda: Trainer(
            **limits, **dict.fromkeys(quiet, False), callbacks=[watch]
        ),
        **settings,
    )
    model.fit(task.dataset())
    seconds = task.seconds
    model.lightning_model.load_state_dict(watch.weights)
    return sessions(task, model.lightning_model), {
        "settings": {**settings, "loss": "softmax", "epochs": epochs, "patience": patience},
        "seconds": seconds,
        "seconds_in_validation": watch.spent,
        "stopped": watch.stopped,
        "validation_ndcg@10": watch.best,
        "curve": watch.curve,
    }


def sessions(task, module):
    """Return a function that scores all classes by SASRec: session times item embeddings."""
    first = len(module.item_extra_tokens)
    known = module.data_preparator.get_known_item_ids().astype(np.int64)
    tokens = np.zeros(task.split.size, np.int64)
    tokens[known] = np.arange(first, first + len(known))
    length = module.data_preparator.session_max_len
    net = module.torch_model.eval()
    with torch.no_grad():
        vectors = net.item_model.get_all_embeddings()

    def score(histories):
        x = np.zeros((len(histories), length), np.int64)
        for row, history in zip(x, histories, strict=True):
            shown = tokens[history][tokens[history] > 0][-length:]
            row[length - len(shown) :] = shown
        with torch.no_grad():
            ends = net.encode_sessions({"x": torch.from_numpy(x)}, vectors)[:, -1]
            scores = (ends @ vectors.T).numpy()[:, first:]
        return spread(task.split, known, np.where(x.any(1)[:, None], scores, -np.inf))

    return score
