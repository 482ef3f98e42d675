import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ysmean as ym
from models import recommender, service, specs
from ysmean import bundle
from ysmean.errors import BundleError


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "model"
    recommender().save(folder)
    return folder


def version_of(folder):
    return folder / "versions" / (folder / "CURRENT").read_text().split()[0]


def answers(r):
    asked = [
        ym.Request("u0007", at=1.75e9),
        ym.Request(preferences={"genres": ["Drama"]}, at=1.75e9),
    ]
    return [[(i.item_id, i.title, i.score, i.shares) for i in a] for a in r.recommend_many(asked)]


def test_a_loaded_recommender_gives_the_same_answers(saved):
    loaded = ym.Recommender.load(saved)
    for a, b in zip(answers(recommender()), answers(loaded), strict=True):
        assert [x[:2] for x in a] == [x[:2] for x in b]
        np.testing.assert_allclose([x[2] for x in a], [x[2] for x in b], rtol=1e-5)
    assert loaded.model_id == recommender().model_id
    assert loaded.parts.manifest["seed"] == 1


def test_a_loaded_recommender_makes_the_same_of_what_items_are(saved):
    parts = [r.parts for r in (recommender(), ym.Recommender.load(saved))]
    for wide in (True, False):
        before, after = (p.encoder(p.catalogue.frame, wide) for p in parts)
        np.testing.assert_array_equal(before, after)
    vectors, _ = parts[1].networks["content"].items.made_of(after)
    np.testing.assert_allclose(vectors, parts[0].networks["content"].item_vectors, atol=1e-5)


def test_without_networks_all_else_is_known(saved):
    known, whole = bundle.read(saved, networks=False), ym.Recommender.load(saved).parts
    assert not known.networks and known.specs == whole.specs
    assert known.facts() == whole.facts()
    similar = [ym.Recommender(parts).similar_request("t0001") for parts in (known, whole)]
    assert similar[0] == similar[1]


def test_the_same_seed_gives_the_same_model_id():
    s = service()
    again = ym.train(s.events, s.items, s.users, networks=specs(), seed=1)
    assert again.model_id == recommender().model_id


def test_another_seed_gives_another_model_id():
    s = service()
    other = ym.train(s.events, s.items, s.users, networks=specs()[:1], seed=2)
    same = ym.train(s.events, s.items, s.users, networks=specs()[:1], seed=3)
    assert other.model_id != same.model_id


def test_saving_again_adds_a_version_and_makes_it_current(saved):
    first = version_of(saved)
    recommender().save(saved)
    assert version_of(saved) != first and first.is_dir()
    assert len(list((saved / "versions").iterdir())) == 2


def test_one_flipped_byte_anywhere_is_refused_by_name(saved):
    files = [p for p in version_of(saved).rglob("*") if p.is_file()]
    assert len(files) > 10
    for path in files:
        content = path.read_bytes()
        if not content:
            continue
        flipped = bytearray(content)
        flipped[len(content) // 2] ^= 1
        path.write_bytes(bytes(flipped))
        with pytest.raises(BundleError, match=path.name):
            ym.Recommender.load(saved)
        path.write_bytes(content)
    ym.Recommender.load(saved)


def test_a_missing_file_is_refused_by_name(saved):
    (version_of(saved) / "weights" / "content.safetensors").unlink()
    with pytest.raises(BundleError, match=r"content\.safetensors is missing"):
        ym.Recommender.load(saved)


@pytest.mark.parametrize(("other", "word"), [(1, "a newer"), (-1, "an older")])
def test_another_format_is_refused_saying_what_to_do(saved, other, word):
    import hashlib

    manifest = version_of(saved) / "manifest.json"
    data = json.loads(manifest.read_text())
    data["format"] = bundle.FORMAT + other
    manifest.write_text(json.dumps(data))
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    (saved / "CURRENT").write_text(f"{version_of(saved).name} {digest}\n")
    with pytest.raises(BundleError, match=rf"format {bundle.FORMAT + other}; .* Install {word}"):
        ym.Recommender.load(saved)


@pytest.mark.parametrize("current", ["", "gone 123", "../../etc 123", "one two three"])
def test_a_current_that_names_no_version_is_refused(saved, current):
    (saved / "CURRENT").write_text(current)
    with pytest.raises(BundleError, match="names no complete version"):
        ym.Recommender.load(saved)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(BundleError, match="no file CURRENT"):
        ym.Recommender.load(tmp_path)
    with pytest.raises(BundleError, match="does not exist"):
        ym.Recommender.load(tmp_path / "nowhere")


def test_a_folder_with_other_content_is_not_written_to(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(BundleError, match="no bundle; nothing was written"):
        recommender().save(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["precious.txt"]


def test_a_failed_write_leaves_the_old_version_and_no_rest(saved, monkeypatch):
    before = version_of(saved)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        recommender().save(saved)
    assert version_of(saved) == before
    assert [p.name for p in (saved / "versions").iterdir()] == [before.name]
    ym.Recommender.load(saved)


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_complete_version(saved):
    code = (
        "import ysmean as ym, sys\n"
        "r = ym.Recommender.load(sys.argv[1]); print('ready', flush=True)\n"
        "while True: r.save(sys.argv[1])\n"
    )
    import time

    rng = np.random.default_rng(0)
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", code, str(saved)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(rng.uniform(0.01, 0.3))
        child.kill()
        child.wait()
        child.stdout.close()
        ym.Recommender.load(saved)


def test_a_bundle_holds_plain_data_only(saved):
    suffixes = {p.suffix for p in version_of(saved).rglob("*") if p.is_file()}
    assert suffixes == {".json", ".parquet", ".safetensors"}
    assert Path(version_of(saved) / "manifest.json").stat().st_size > 0
