"""Sequential: a causal transformer over the history, trained on every position of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ysmean.errors import ConfigError
from ysmean.networks.causal import Causal
from ysmean.networks.causal_network import CausalNetwork
from ysmean.networks.elapsed import Spans, TimeBias, count
from ysmean.networks.initial import Initial
from ysmean.networks.transformer import Mixer, attending


class SequentialNetwork(CausalNetwork):
    """A trained `Sequential`."""

    name = "sequential"


@dataclass(frozen=True)
class Sequential(Causal):
    """A causal transformer: each place attends to the places before it.

    Attributes:
        heads: of each attention; they divide the width.
    """

    kind: ClassVar[str] = "sequential"
    mixing: ClassVar[str] = "attention"
    network: ClassVar[type[CausalNetwork]] = SequentialNetwork
    heads: int = 2

    def __post_init__(self) -> None:
        """Refuse settings that make no network."""
        super().__post_init__()
        if self.heads < 1 or self.width % self.heads:
            raise ConfigError(
                f"Sequential got width={self.width}, heads={self.heads}; expected a width that is "
                "a multiple of heads, and at least one head."
            )

    def mixers(
        self, tokens: Any, history: int, moments: Any, spans: Spans | None, initial: Initial
    ) -> Sequence[Mixer]:
        """Return attention for each block, which heeds times where there are any."""
        biases = [
            TimeBias(self.heads, count(spans.seen), name=f"block_{number}_time")(moments)
            for number in range(self.blocks)
            if spans is not None
        ]
        return attending(tokens, history, self.blocks, self.heads, initial, biases)
