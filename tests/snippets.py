"""Run the snippets of a Markdown page as a reader would, and say where one fails."""

import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from pathlib import Path

from ysmean.cli import main

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Snippet:
    """A fenced block; a `text` block right below it is its output, where … stands for anything."""

    place: str  # page:line
    language: str
    text: str
    output: str | None

    @property
    def commands(self):
        """The `ysmean` commands of a shell block, as lists of arguments, with their lines."""
        page, line = self.place.rsplit(":", 1)
        whole = self.text.replace("\\\n", "  ")  # as long as it was
        starts = [self.text[: m.start()].count("\n") for m in re.finditer("^ysmean ", whole, re.M)]
        found = [text for text in whole.split("\n") if text.startswith("ysmean ")]
        return [
            (f"{page}:{int(line) + start}", shlex.split(text, comments=True)[1:])
            for start, text in zip(starts, found, strict=True)
        ]


class SnippetFailedError(AssertionError):
    pass


def snippets(page):
    """Return the snippets of a page, a path below the root of the repository."""
    text = (ROOT / page).read_text()
    blocks = list(FENCE.finditer(text))
    below = {a.start(): b[2] for a, b in pairwise(blocks) if b[1] == "text" and _near(text, a, b)}
    return [
        Snippet(f"{page}:{text[: b.start()].count(chr(10)) + 2}", b[1], b[2], below.get(b.start()))
        for b in blocks
    ]


def _near(text, above, below):
    return not text[above.end() : below.start()].strip()


def run(page, names):
    """Run a page's Python and its `ysmean` commands from top to bottom, in the current folder."""
    for snippet in snippets(page):
        if snippet.language == "python":
            _check(snippet.place, _python(snippet, names), snippet.output)
        elif snippet.commands:
            expected = 2 if (snippet.output or "").startswith("error:") else 0
            said = "".join(_shell(place, args, expected) for place, args in snippet.commands)
            _check(snippet.place, said, snippet.output)


def _python(snippet, names):
    page, line = snippet.place.rsplit(":", 1)
    code = compile("\n" * (int(line) - 1) + snippet.text, page, "exec")
    said = StringIO()
    try:
        with redirect_stdout(said):
            exec(code, names)
    except Exception as error:
        trace, at = error.__traceback__, int(line)
        while trace:
            if trace.tb_frame.f_code.co_filename == page:
                at = trace.tb_lineno
            trace = trace.tb_next
        raise SnippetFailedError(f"{page}:{at}: {type(error).__name__}: {error}") from error
    return said.getvalue()


def _shell(place, arguments, expected):
    """Run a command in this process; a process of its own costs seconds of imports."""
    said, before = StringIO(), sys.argv
    sys.argv = ["ysmean", *arguments]
    try:
        with redirect_stdout(said), redirect_stderr(said):
            main()
        code = 0
    except SystemExit as left:
        code = left.code or 0
    finally:
        sys.argv = before
    if code != expected:
        told = said.getvalue()
        raise SnippetFailedError(f"{place}: exit code {code}, expected {expected}:\n{told}")
    return said.getvalue()


def _check(place, said, shown):
    """Compare what was said with what the page shows, whatever the white space."""
    if shown is None:
        return
    pattern = ".*".join(re.escape(" ".join(part.split())) for part in shown.split("…"))
    pattern = re.sub(r"(\\ )*\.\*(\\ )*", ".*", pattern)
    if not re.fullmatch(pattern, " ".join(said.split())):
        raise SnippetFailedError(f"{place}: the page shows\n{shown}\nbut it prints\n{said}")
