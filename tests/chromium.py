"""The system's Chromium, and pages in it that must do nothing unseemly."""

import shutil
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def found():
    """Return the path of a Chromium, or skip the test."""
    paths = [path for name in NAMES if (path := shutil.which(name))]
    if not paths:
        pytest.skip(f"no Chromium: none of {', '.join(NAMES)} is installed")
    return paths[0]


@contextmanager
def chromium():
    """Start a headless Chromium."""
    path = found()
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        # Without a sandbox, as tests may run as root in a container; only our own page is shown.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A browser context whose faults are noted: console errors, and requests to elsewhere.

    Args:
        browser: to make it in.
        base: the address that all requests have to begin with.
        **options: of the context.
    """

    def __init__(self, browser, base, **options):
        self.context = browser.new_context(base_url=base, **options)
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.errors, self.foreign, self.refused = [], [], set()
        self.page.on("console", lambda m: m.type in ("error", "warning") and self._note(m))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "request", lambda r: r.url.startswith((base, "blob:")) or self.foreign.append(r.url)
        )

    def _note(self, message):
        # A refusal that a test provokes is told in the console by the browser itself.
        if not any(f"status of {status}" in message.text for status in self.refused):
            self.errors.append(message.text)

    def end(self):
        self.context.close()
        assert self.errors == []
        assert self.foreign == []
