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

    def advance(self, task: int, loss: float) -> None:
        """One step is done; `loss` is the running mean."""

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

    def advance(self, task: int, loss: float) -> None:
        """Count a step."""
        self._done[task] += 1
        self._loss[task] = loss

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
    """Rich bars on stderr."""

    def __init__(self) -> None:
        """Prepare the bars; they appear with the first task."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        columns: tuple[Any, ...] = (
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
        )
        self._bars = Bars(*columns, console=Console(stderr=True))
        self._running: set[int] = set()
        self._held_out: dict[int, float] = {}

    def start(self, name: str, total: int) -> int:
        """Show a new bar."""
        if not self._running:
            self._bars.start()
        task = self._bars.add_task(name, total=total, text="")
        self._running.add(task)
        return task

    def advance(self, task: int, loss: float) -> None:
        """Move the bar."""
        held_out = self._held_out.get(task)
        text = f"loss {loss:.3f}" + (f"  held-out {held_out:.3f}" if held_out else "")
        self._bars.update(task, advance=1, text=text)  # type: ignore[arg-type]

    def note(self, task: int, held_out: float) -> None:
        """Show the held-out loss beside the bar from now on."""
        self._held_out[task] = held_out

    def stop(self, task: int) -> None:
        """Close the bar; the terminal is given back with the last one."""
        self._running.discard(task)
        self._bars.refresh()
        if not self._running:
            self._bars.stop()

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._bars.console.print(text, highlight=False)


def default_progress() -> Progress:
    """Return bars on a terminal, plain lines otherwise."""
    return BarProgress() if sys.stderr.isatty() else LineProgress()
