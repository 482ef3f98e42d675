"""Progress of long work: bars with the time left on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
import time
from typing import Any


class Progress:
    """Silent progress; the base of those that talk."""

    def start(self, name: str, total: int) -> int:
        """Begin a task of `total` steps; return its number."""
        return 0

    def advance(self, task: int, loss: float | None = None) -> None:
        """One step is done; `loss` is the running mean, where there is one."""

    def note(self, task: int, held_out: float) -> None:
        """An evaluation on held-out events is done."""

    def stop(self, task: int) -> None:
        """The task has ended."""

    def say(self, text: str) -> None:
        """Say something in a line of its own."""

    def interrupted(self, name: str, step: int) -> None:
        """Training was interrupted and goes on with the best weights."""
        self.say(f"{name}: interrupted; keeping the best weights so far, of step {step}")


class LineProgress(Progress):
    """One plain line on stderr whenever there is something to report."""

    def __init__(self) -> None:
        """Start without tasks."""
        self._tasks: list[tuple[str, int, float]] = []
        self._done: list[int] = []
        self._loss: list[float] = []

    def start(self, name: str, total: int) -> int:
        """Begin a task."""
        self._tasks.append((name, total, time.perf_counter()))
        self._done.append(0)
        self._loss.append(float("nan"))
        return len(self._tasks) - 1

    def advance(self, task: int, loss: float | None = None) -> None:
        """Count a step."""
        self._done[task] += 1
        self._loss[task] = float("nan") if loss is None else loss

    def note(self, task: int, held_out: float) -> None:
        """Report an evaluation and the time left."""
        name, total, began = self._tasks[task]
        done, spent = self._done[task], time.perf_counter() - began
        left = spent / done * (total - done)
        self.say(
            f"{name}: step {done:,}/{total:,}  loss {self._loss[task]:.3f}  "
            f"held-out {held_out:.3f}  {spent:.0f} s, at most {left:.0f} s left"
        )

    def say(self, text: str) -> None:
        """Print a line to stderr."""
        print(text, file=sys.stderr, flush=True)


class BarProgress(Progress):
    """A Rich bar on stderr for each task, one after the other."""

    def __init__(self) -> None:
        """Prepare the console."""
        from rich.console import Console

        self._console = Console(stderr=True)
        self._bar: Any = None
        self._held_out = ""

    def start(self, name: str, total: int) -> int:
        """Show a new bar."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
            console=self._console,
        )
        self._held_out = ""
        self._bar.start()
        task: int = self._bar.add_task(name, total=total, text="")
        return task

    def advance(self, task: int, loss: float | None = None) -> None:
        """Move the bar."""
        text = "" if loss is None else f"loss {loss:.3f}{self._held_out}"
        self._bar.update(task, advance=1, text=text)

    def note(self, task: int, held_out: float) -> None:
        """Show the held-out loss beside the bar from now on."""
        self._held_out = f"  held-out {held_out:.3f}"

    def stop(self, task: int) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, highlight=False)


def default_progress() -> Progress:
    """Return bars on a terminal, plain lines otherwise."""
    return BarProgress() if sys.stderr.isatty() else LineProgress()
