"""An experiment: users are parted among named arms, each answered with proportions of its own.

name = "more of the content"     # under another name users are parted anew

[arms.as-fitted]
share = 2                        # of the users, beside the other arms' shares

[arms.content-twice]
share = 1
scale = { content = 2 }

[arms.equal]
share = 1
weights = "equal"
diversity = 0.3
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ysmean.data.requests import Request
from ysmean.errors import BundleError, ConfigError, RequestError
from ysmean.recommender import Recommender

Factor = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]  # it becomes a label of metrics


class Arm(BaseModel):
    """How the users of an arm are answered.

    Attributes:
        share: of the users, beside the other arms' shares.
        scale, weights, diversity: as of a request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: Positive = 1.0
    scale: Mapping[str, Factor] = Field(default_factory=dict)
    weights: Literal["fitted", "equal"] | Mapping[str, Factor] = "fitted"
    diversity: float = Field(0.0, ge=0, le=1)

    def applied(self, request: Request) -> Request:
        """Return a request with the proportions of the arm."""
        return replace(request, scale=self.scale, weights=self.weights, diversity=self.diversity)


class Experiment(BaseModel):
    """Named arms, and who is in which.

    Attributes:
        name: of the experiment; it parts the users, together with their ids.
        arms: by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    arms: Mapping[Name, Arm] = Field(min_length=1)

    def arm_of(self, user_id: str) -> str:
        """Return a user's arm; always the same as long as name and shares are."""
        digest = hashlib.blake2b(f"{self.name}\0{user_id}".encode(), digest_size=8).digest()
        place = int.from_bytes(digest) / 2**64 * sum(arm.share for arm in self.arms.values())
        for name, arm in self.arms.items():
            place -= arm.share
            if place < 0:
                return name
        return name  # rounding

    def assign(self, request: Request) -> tuple[Request, str | None]:
        """Return a request with the proportions of its user's arm, and the arm.

        Who has no id, or states proportions or a diversity, is answered as asked, in no arm.
        """
        stated = bool(request.scale or request.diversity) or request.weights != "fitted"
        if request.user_id is None or stated:
            return request, None
        name = self.arm_of(request.user_id)
        return self.arms[name].applied(request), name

    def check(self, recommender: Recommender) -> None:
        """Refuse a model that an arm does not fit.

        Raises:
            BundleError: names the arm, and what is wrong.
        """
        for name, arm in self.arms.items():
            try:
                recommender.check(arm.applied(Request()))
            except RequestError as error:
                raise BundleError(f"Arm {name!r} of the experiment: {error}") from None


def load_experiment(path: Path) -> Experiment:
    """Read a TOML file.

    Raises:
        ConfigError: says what is wrong with it, and where.
    """
    try:
        return Experiment.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise ConfigError(f"Experiment {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"Experiment {path} is no valid TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(f"Experiment {path}: {place}: {first['msg']}.") from None
