"""SASRec and HSTU of RecTools, watched on validation events; for peers.py.

Settings are those that its authors publish for a data set, or for the nearest one. As in its guide
to training, NDCG@10 on validation events decides when to stop and which epoch is kept. They are
ranked by the code that ranks the test requests, and the curve over wall time is written.

They train and rank on a GPU where torch finds one, else on the CPU.
"""

import copy
import time
from functools import partial

import numpy as np
import torch
from lightning_fabric import seed_everything
from pytorch_lightning import Callback, Trainer
from rectools.models import HSTUModel, SASRecModel
from rectools.models.nn.item_net import IdEmbeddingsItemNet
from split import ndcg

# "Hyperparameters for all datasets" of the eSASRec benchmark, by RecTools' authors:
# https://github.com/blondered/transformer_benchmark
ML = {"n_factors": 64, "n_blocks": 2, "n_heads": 1, "dropout_rate": 0.1, "session_max_len": 200}
BEAUTY = {"n_factors": 64, "n_blocks": 1, "n_heads": 1, "dropout_rate": 0.2, "session_max_len": 50}
SETTINGS = {
    "ml-100k": {**ML, "epochs": 100, "patience": 50},
    "ml-1m": {**ML, "epochs": 100, "patience": 50},
    "amazon-beauty": {**BEAUTY, "epochs": 200, "patience": 50},
    "bert4rec-beauty": {**BEAUTY, "epochs": 200, "patience": 50},
    "sasrec-video": {**BEAUTY, "epochs": 200, "patience": 50},
}
OTHERWISE = {"epochs": 100, "patience": 10}

# HSTU-large for MovieLens 1M, of the library's tutorial.
HSTU = {
    "n_factors": 50,
    "n_blocks": 8,
    "n_heads": 2,
    "dropout_rate": 0.2,
    "session_max_len": 200,
    "loss": "sampled_softmax",
    "n_negatives": 128,
    "lightning_module_kwargs": {"logits_t": 0.05},
    "relative_pos_attention": True,
    "epochs": 100,
    "patience": 50,
}


def sasrec(data):
    """Return the model and its settings for a data set, with a full softmax."""
    return SASRecModel, {**SETTINGS.get(data, OTHERWISE), "loss": "softmax"}


def hstu(timed):
    """Return the model and its settings, of which time is one where it is known."""
    return HSTUModel, {**HSTU, "relative_time_attention": timed}


def learn(task, kind, settings):
    """Train a model of RecTools; return what answers the requests of a part, and facts."""
    wanted = dict(settings)
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
            value = ndcg(answer(task, module, "validation")[0])
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
    torch.set_float32_matmul_precision("high")  # TF32 where there is a GPU, as ours
    watch, gpu = Watch(), torch.cuda.is_available()
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    place = {"accelerator": "gpu" if gpu else "cpu", "devices": 1}
    limits = {"min_epochs": 1, "max_epochs": epochs}
    model = kind(
        item_net_block_types=(IdEmbeddingsItemNet,),
        get_trainer_func=lambda: Trainer(
            **place, **limits, **dict.fromkeys(quiet, False), callbacks=[watch]
        ),
        dataloader_num_workers=2 if gpu else 0,  # one process pads too slowly for a GPU
        **settings,
    )
    model.fit(task.dataset())
    seconds = task.seconds
    module = model.lightning_model
    module.load_state_dict(watch.weights)
    module.to("cuda" if gpu else "cpu")  # the trainer leaves it on the CPU
    return partial(answer, task, module), {
        "settings": wanted,
        "device": torch.cuda.get_device_name() if gpu else "CPU",
        "seconds": seconds,
        "seconds_in_validation": watch.spent,
        "stopped": watch.stopped,
        "validation_ndcg@10": watch.best,
        "curve": watch.curve,
    }


@torch.no_grad()
def answer(task, module, part, chunk=256):
    """Return what split.answer returns, scored and ranked on the module's device.

    Classes are scored by session times item embeddings, of length 1 where the model has it so.
    """
    histories, targets = task.requests[part]
    moments = task.split.moments(part)
    first, length = len(module.item_extra_tokens), module.data_preparator.session_max_len
    known = module.data_preparator.get_known_item_ids().astype(np.int64)
    columns = np.full(task.split.size, -1)
    columns[known] = np.arange(len(known))
    classes = torch.from_numpy(known).to(module.device)
    offered = torch.from_numpy(np.isin(known, task.split.items)).to(module.device)
    net = module.torch_model.eval()
    vectors = net.item_model.get_all_embeddings()
    found, logs = [], []
    for lo in range(0, len(targets), chunk):
        seen = [columns[h] for h in histories[lo : lo + chunk]]
        times = [m[np.append(h >= 0, True)] for m, h in zip(moments[lo:], seen, strict=False)]
        seen = [h[h >= 0] for h in seen]
        asked = targets[lo : lo + chunk]
        x, allowed = np.zeros((len(seen), length), np.int64), offered.repeat(len(seen), 1)
        t = np.zeros((len(seen), length + 1), np.int64)
        for row, shown in zip(x, (h[-length:] + first for h in seen), strict=True):
            row[length - len(shown) :] = shown
        for row, when in zip(t, (m[-length - 1 :] for m in times), strict=True):
            row[:] = when[0]
            row[length + 1 - len(when) :] = when
        rows = np.repeat(np.arange(len(seen)), [len(h) for h in seen])
        allowed[torch.from_numpy(rows), torch.from_numpy(np.concatenate(seen))] = False
        batch = {"x": x, "unix_ts": t}
        batch = {name: torch.from_numpy(a).to(module.device) for name, a in batch.items()}
        ends = net.encode_sessions(batch, vectors)[:, -1]
        scores = net.similarity_module(ends, vectors)[:, first:] / module.logits_t
        column = torch.from_numpy(columns[asked]).to(module.device)[:, None]
        own = scores.gather(1, column.clamp(min=0)).where(column >= 0, -torch.inf)
        earlier = classes < torch.from_numpy(asked).to(module.device)[:, None]
        before = ((scores > own) | ((scores == own) & earlier)) & allowed
        mass = scores.double().masked_fill_(~allowed, -torch.inf).logsumexp(1)
        scored = own[:, 0].isfinite().cpu().numpy() & x.any(1)
        found.append(np.where(scored, before.sum(1).cpu().numpy(), -1))
        logs.append(np.where(scored, (own[:, 0].double() - mass).cpu().numpy(), -np.inf))
    return np.concatenate(found), np.concatenate(logs)
