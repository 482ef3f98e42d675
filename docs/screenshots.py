"""Photograph the studio: `python docs/screenshots.py MODEL` writes docs/pictures/studio*.png.

MODEL is a bundle, such as the one that `ysmean demo --out tour` leaves in tour/model; its live
events are kept in a temporary folder. Needs a Chromium, and the extra `test`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Any

from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 360, "height": 780}
TONIGHT = "2026-01-01T20:00"  # the evening after the demo's last day
PATIENCE = 600  # times 0.2 seconds


@contextmanager
def served(model: str) -> Iterator[str]:
    """Serve a model on a free port; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        ysmean = Path(sys.executable).parent / "ysmean"
        log, events = Path(folder) / "log", Path(folder) / "events.db"
        command = [ysmean, "serve", model, "--port", "0", "--events-db", events]
        with log.open("w") as out:  # a pipe that nobody empties would stop the service
            process = subprocess.Popen(command, stderr=out)
        try:
            yield _ready(log)
        finally:
            process.kill()
            process.wait()


def _ready(log: Path) -> str:
    """Return the address of a service that is ready."""
    for _ in range(PATIENCE):
        sleep(0.2)
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        for url in (line["url"] for line in lines if "url" in line):
            with suppress(urllib.error.URLError):
                urllib.request.urlopen(f"{url}/health/ready")
                return str(url)
    raise SystemExit(f"The service is not ready: {log.read_text()}")


def answered(page: Page) -> None:
    """Wait until the answer and its reasons are shown."""
    page.locator('[aria-busy="false"]').wait_for()


def doubled(page: Page) -> None:
    """Move a slider to the right, and open the first bar."""
    answered(page)
    slider = page.get_by_label("Proportion of content")
    for _ in range(3):
        slider.press("PageUp")
    answered(page)
    page.evaluate("document.activeElement.blur()")


def opened(page: Page) -> None:
    """Open the first bar."""
    answered(page)
    page.locator(".opener").first.click()
    page.mouse.move(0, 0)


def linked(page: Page) -> None:
    """Point at a title."""
    page.locator(".column li").nth(2).hover()


def busy(page: Page) -> None:
    """Let viewers ask and click while the page looks, until there is a line."""
    users = page.request.get("/v1/users?random=true&limit=40").json()["users"]
    for number, user in enumerate(users):
        asked = {"history": []} if number % 5 == 0 else {"user_id": user["user_id"]}
        answer = page.request.post("/v1/recommend", data=asked).json()
        if number % 3 == 0:
            event = {"user_id": user["user_id"], "item_id": answer["items"][0]["item_id"]}
            page.request.post("/v1/events", data={**event, "request_id": answer["request_id"]})
        page.wait_for_timeout(150)
    page.locator("svg.chart").wait_for()


def shown(selector: str) -> Callable[[Page], None]:
    """Return what waits for something to be shown."""
    return lambda page: page.locator(selector).first.wait_for()


def main(model: str) -> None:
    """Write all pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("No Chromium is installed.")
    with served(model) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        users = json.load(urllib.request.urlopen(f"{url}/v1/users?limit=100"))["users"]
        user = next(u["user_id"] for u in users if 40 <= u["length"] <= 60)
        asked = f"?user={user}&at={TONIGHT}"
        pictures: list[tuple[str, str, dict[str, int], str, Callable[[Page], None]]] = [
            ("studio", f"#recommend{asked}", WIDE, "light", doubled),
            ("studio-dark", f"#recommend{asked}", WIDE, "dark", opened),
            ("studio-compare", f"#compare{asked}", WIDE, "light", linked),
            ("studio-model", f"#model{asked}", WIDE, "light", shown(".diagram")),
            ("studio-live", f"#live{asked}", WIDE, "dark", busy),
            (
                "studio-phone",
                f"#recommend{asked}&where=genres+%3D+Comedy",
                PHONE,
                "light",
                answered,
            ),
        ]
        for name, address, size, scheme, act in pictures:
            options: dict[str, Any] = {"viewport": size, "color_scheme": scheme}
            context = browser.new_context(base_url=url, reduced_motion="reduce", **options)
            page = context.new_page()
            page.goto(f"/{address}")
            act(page)
            page.screenshot(path=PICTURES / f"{name}.png")
            print(f"wrote {PICTURES / name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
