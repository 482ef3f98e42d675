"""A trained recommender as a folder of plain data, written atomically and verified on load.

CURRENT                       version and sha256 of its manifest, swapped by os.replace
versions/<id>/manifest.json   specs, proportions, sha256 of every other file
versions/<id>/catalogue.parquet, users.parquet, histories.parquet
versions/<id>/state/<network>.json, weights/<network>.safetensors
versions/<id>/features.json, features.safetensors: how features become numbers
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import load_file, save_file

from ysmean.data.catalogue import Catalogue
from ysmean.data.encoder_state import from_plain, to_plain
from ysmean.data.fields import UserFields
from ysmean.data.histories import Histories
from ysmean.data.schema import FeatureType
from ysmean.data.tables import check_folder
from ysmean.data.users import Users
from ysmean.errors import BundleError
from ysmean.mean.proportions import Proportions
from ysmean.networks.network import State
from ysmean.networks.registry import REGISTRY, spec_from_json, spec_to_json
from ysmean.parts import Parts, plain_json

FORMAT = 6


def write(parts: Parts, folder: Path) -> Path:
    """Write parts as a new version beside the others, then name it current.

    Returns:
        The folder of the version.

    Raises:
        BundleError: if the folder holds something else.
    """
    check_writable(folder)
    version = f"{parts.model_id.removeprefix('sha256:')[:12]}-{uuid.uuid4().hex[:6]}"
    place = folder / "versions" / version
    beside = folder / "versions" / f".writing-{version}"
    try:
        beside.mkdir(parents=True)
        _write_files(parts, beside)
        hashes = {name: _sha256(beside / name) for name in _names(beside)}
        manifest = _manifest(parts, hashes)
        (beside / "manifest.json").write_bytes(manifest)
        for path in beside.rglob("*"):
            _sync(path)
        _sync(beside)
        beside.rename(place)
        _sync(folder / "versions")
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    line = f"{version} {hashlib.sha256(manifest).hexdigest()}\n"
    draft = folder / f".CURRENT-{version}"
    draft.write_text(line)
    _sync(draft)
    os.replace(draft, folder / "CURRENT")
    _sync(folder)
    return place


def check_writable(folder: Path) -> None:
    """Refuse a place that holds something else than a bundle.

    Raises:
        BundleError: if it is a folder with other content.
        DataError: if no folder can be made or written to there.
    """
    check_folder(folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "versions").is_dir():
        raise BundleError(
            f"{folder} is not empty and no bundle; nothing was written. Choose another folder."
        )


def read(folder: Path, *, networks: bool = True) -> Parts:
    """Read the current version, verifying every file.

    Args:
        folder: of the bundle.
        networks: whether they are there: without them nothing can be answered, but all else is
            known.

    Raises:
        BundleError: says what is wrong and with which file.
    """
    place, manifest = _verified(folder)
    try:
        return _assemble(place, manifest, networks)
    except (KeyError, ValueError, TypeError, OSError, pl.exceptions.PolarsError) as error:
        raise BundleError(
            f"{place} passes its checksums but cannot be read: {type(error).__name__}: {error}"
        ) from error


def read_histories(folder: Path) -> tuple[Catalogue, Histories, dict[str, Any]]:
    """Read what the current version knows of users, and its manifest, without its networks.

    Raises:
        BundleError: says what is wrong and with which file.
    """
    place, manifest = _verified(folder)
    histories = Histories.from_frame(pl.read_parquet(place / "histories.parquet"))
    return _catalogue(place, manifest), histories, manifest


def _write_files(parts: Parts, place: Path) -> None:
    catalogue, histories = parts.catalogue, parts.histories
    frame = catalogue.frame.with_columns(
        pl.Series("_warm", catalogue.warm), pl.Series("_offered", catalogue.offered)
    )
    frame.write_parquet(place / "catalogue.parquet")
    if parts.users is not None:
        parts.users.frame.write_parquet(place / "users.parquet")
    histories.to_frame().write_parquet(place / "histories.parquet")
    if parts.encoder is not None:
        described, arrays = to_plain(parts.encoder)
        (place / "features.json").write_bytes(plain_json(described))
        _save(arrays, place / "features.safetensors")
    for part in ("state", "weights"):
        (place / part).mkdir()
    for name, state in parts.states.items():
        (place / "state" / f"{name}.json").write_bytes(plain_json(state.settings))
        _save(state.arrays, place / "weights" / f"{name}.safetensors")


def _save(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Write named arrays; safetensors writes memory as it lies, whatever the strides say."""
    save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, path)


def _manifest(parts: Parts, hashes: Mapping[str, str]) -> bytes:
    users = parts.users
    return plain_json(
        {
            "format": FORMAT,
            "model_id": parts.model_id,
            "networks": {name: spec_to_json(spec) for name, spec in parts.specs.items()},
            "proportions": parts.proportions.to_json(),
            "schema": dict(parts.catalogue.schema),
            "added": parts.catalogue.added,
            "user_schema": None if users is None else dict(users.schema),
            "fields": parts.fields.to_json(),
            **parts.manifest,
            "files": dict(hashes),
        },
        indent=1,
    )


def check_bundle(folder: Path) -> Path:
    """Refuse a folder that is no bundle, before anything is read or written.

    Returns:
        The file that names the current version.

    Raises:
        BundleError: says what is missing.
    """
    current = folder / "CURRENT"
    if not current.is_file():
        what = "does not exist" if not folder.exists() else "is no bundle: it has no file CURRENT"
        raise BundleError(f"{folder} {what}. Expected a folder written by `ysmean train --out`.")
    return current


def _verified(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the current version's folder and manifest; every hash has been checked."""
    current = check_bundle(folder)
    words = current.read_text(errors="replace").split()
    place = folder / "versions" / words[0] if len(words) == 2 else None
    if place is None or Path(words[0]).name != words[0] or not (place / "manifest.json").is_file():
        raise BundleError(
            f"{current} names no complete version. Restore it, or write to it the name of a folder "
            f"in {folder / 'versions'} and the sha256 of its manifest.json."
        )
    raw = (place / "manifest.json").read_bytes()
    if hashlib.sha256(raw).hexdigest() != words[1]:
        raise BundleError(
            f"{place / 'manifest.json'} was altered: its sha256 is not as in CURRENT."
        )
    manifest: dict[str, Any] = json.loads(raw)
    if manifest["format"] != FORMAT:
        other = "a newer" if manifest["format"] > FORMAT else "an older"
        raise BundleError(
            f"{place} has bundle format {manifest['format']}; this version of Ys-Mean "
            f"reads {FORMAT}. Install {other} ysmean, or train anew."
        )
    for name, expected in manifest["files"].items():
        path = place / name
        if not path.is_file():
            raise BundleError(f"{path} is missing. Restore it, or go back to an older version.")
        if _sha256(path) != expected:
            raise BundleError(
                f"{path} was altered: its sha256 is not as in the manifest. Restore the file, "
                "or go back to an older version."
            )
    return place, manifest


def _catalogue(place: Path, manifest: dict[str, Any]) -> Catalogue:
    frame = pl.read_parquet(place / "catalogue.parquet")
    warm = frame.get_column("_warm").to_numpy()
    withdrawn = np.flatnonzero(~frame.get_column("_offered").to_numpy()).astype(np.int32)
    schema = {name: FeatureType(kind) for name, kind in manifest["schema"].items()}
    return Catalogue(
        frame.drop("_warm", "_offered"),
        schema,
        warm,
        added=manifest["added"],
        withdrawn=withdrawn,
    )


def _assemble(place: Path, manifest: dict[str, Any], whole: bool) -> Parts:
    catalogue = _catalogue(place, manifest)
    encoder = None
    if whole and "features.json" in manifest["files"]:
        described = json.loads((place / "features.json").read_bytes())
        encoder = from_plain(described, load_file(place / "features.safetensors"))
    users = None
    if manifest["user_schema"] is not None:
        user_schema = {n: FeatureType(kind) for n, kind in manifest["user_schema"].items()}
        users = Users(pl.read_parquet(place / "users.parquet"), user_schema, ())
    specs = {name: spec_from_json(data) for name, data in manifest["networks"].items()}
    networks = {}
    for name, spec in specs.items() if whole else ():
        settings = json.loads((place / "state" / f"{name}.json").read_bytes())
        state = State(settings, load_file(place / "weights" / f"{name}.safetensors"))
        networks[name] = REGISTRY[spec.kind][1].from_state(spec, state, catalogue)
    known = {"format", "model_id", "networks", "proportions", "schema", "added", "user_schema"}
    known |= {"fields", "files"}
    return Parts(
        catalogue=catalogue,
        histories=Histories.from_frame(pl.read_parquet(place / "histories.parquet")),
        users=users,
        fields=UserFields.from_json(manifest["fields"]),
        specs=specs,
        networks=networks,
        proportions=Proportions.from_json(manifest["proportions"]),
        manifest={k: v for k, v in manifest.items() if k not in known},
        encoder=encoder,
        known_id=None if whole else manifest["model_id"],
    )


def _names(place: Path) -> list[str]:
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
