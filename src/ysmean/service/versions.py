"""The versions that a bundle's folder holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def versions_of(folder: Path) -> list[dict[str, Any]]:
    """Return every complete version of a bundle, the newest first.

    One that is being written or taken away at this moment is left out; nothing is verified, as
    loading does that.

    Args:
        folder: of the bundle.
    """
    try:
        current = (folder / "CURRENT").read_text(errors="replace").split()[:1]
    except OSError:
        current = []
    found = []
    for path in folder.glob("versions/*/manifest.json"):
        name = path.parent.name
        if name.startswith("."):
            continue
        try:
            manifest = json.loads(path.read_bytes())
            model, written = str(manifest["model_id"]), path.stat().st_mtime
        except (OSError, ValueError, KeyError, TypeError):
            continue
        created = manifest.get("created")
        version = {
            "version": name,
            "model": model,
            "created": None if created is None else str(created),
            "current": [name] == current,
        }
        found.append((written, name, version))
    return [version for _, _, version in sorted(found, key=lambda f: f[:2], reverse=True)]
