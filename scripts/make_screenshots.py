"""Pictures of every page for the documentation: `make screenshots` writes docs/images/.

Plays the demo once, starts a server on what it left, adds a model of pictures and a tag or two, and looks at every page
with Chromium at 1280 pixels, light. The pictures are reduced to few colours, so that they stay small.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import skops.io
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from interlock.client import Client
from interlock.process.launch import Server, launch

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WIDTH, HEIGHT, TALLEST = 1280, 800, 1800
SHORT = {"release": 1280, "errors": 1100, "alerts": 1100, "endpoint": 1400, "audit": 1100}
COLOURS, PATIENCE_SECONDS = 256, 1200.0
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
QUESTION = (
    "SELECT version, role, count(*) AS rows, avg(latency_us) AS latency_us FROM flights GROUP BY ALL ORDER BY ALL"
)
CONTRACT = "inputs:\n  digit: {type: image, shape: [8, 8, 1], resize: bilinear}\n"


def main() -> None:
    """Make all pictures, or those of which a name is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pictures to make; default: all")
    parser.add_argument("--home", type=Path, help="a home folder that the demo has filled; default: play it now")
    parser.add_argument("--out", type=Path, default=IMAGES)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interlock-screenshots-") as folder:
        home = asked.home or play_demo(Path(folder) / "home")
        with launch(home, key_name="screenshots") as server:
            settle(server.connect())
            add_digits(server.connect(), Path(folder))
            look(server, set(asked.names), asked.out)


def play_demo(home: Path) -> Path:
    """The demo's year."""
    subprocess.run([sys.executable, "-m", "interlock", "demo", "--once", "--home", str(home)], check=True)
    return home


def settle(client: Client) -> None:
    """Wait until monitoring has judged the year: the demo ends before, and days are judged one after the other."""
    since = datetime(2013, 12, 27, tzinfo=UTC)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        signals = {each["check"]["signal"] for each in client.verdicts("flights", since=since)}
        if {"input", "quality"} <= signals:
            return
        time.sleep(2)
    print("monitoring has not judged the last days yet", file=sys.stderr)


def add_digits(client: Client, folder: Path) -> None:
    """An endpoint that reads digits, asked about pictures whose truth has come."""
    if any(each["name"] == "digits" for each in client.endpoints()):
        return
    found = load_digits()
    images = (found.images * 15).astype(np.uint8)
    flat = images.reshape(len(images), -1)
    model = LogisticRegression(max_iter=300).fit(flat[:300], found.target[:300])
    skops.io.dump(model, folder / "model.skops")
    heldout = {"digit": [encoded(one) for one in images[300:900]], "truth": found.target[300:900]}
    pq.write_table(pa.table(heldout), folder / "heldout.parquet")
    (folder / "contract.yaml").write_text(CONTRACT)
    client.register(
        "digits", folder / "model.skops", reference=folder / "heldout.parquet", label="truth",
        contract=folder / "contract.yaml",
    )  # fmt: skip
    client.create_endpoint("digits", "digits:1", images="all")
    answered = client.predict("digits", {"digit": [encoded(one) for one in images[900:1500]]})
    truth = found.target[900:1500].tolist()
    client.label("digits", dict(zip(answered.ids, truth, strict=True)))
    client.sql("SELECT count(*) FROM labels_digits")  # commits what waits in the spool


def encoded(pixels: "np.ndarray[Any, np.dtype[np.uint8]]") -> bytes:
    """A picture as PNG."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pages(client: Client) -> dict[str, str]:
    """Names of pictures, and addresses."""
    releases = client.releases()
    promoted = next(each["id"] for each in releases if each["state"] == "promoted")
    stopped = next((each["id"] for each in releases if each["state"] == "rolled_back"), promoted)
    alerts = client.alerts()
    return {
        "overview": "/",
        "endpoint": "/endpoints/flights",
        "try": "/endpoints/digits/try",
        "errors": "/endpoints/digits/errors",
        "feature": "/endpoints/flights/features/temp?window=28d",
        "report": "/endpoints/flights/report",
        "releases": "/releases",
        "release": f"/releases/{promoted}",
        "release-stopped": f"/releases/{stopped}",
        "monitoring": "/monitoring",
        "monitoring-endpoint": "/monitoring/flights?window=28d",
        "alerts": "/alerts?state=resolved",
        **({"alert": f"/alerts/{alerts[0]['id']}"} if alerts else {}),
        "models": "/models",
        "version": "/models/flights/2",
        "log": f"/log?{urlencode({'sql': QUESTION})}",
        "audit": "/audit",
        "system": "/system?measure=true",
        "keys": "/keys",
    }


def look(server: Server, names: set[str], out: Path) -> None:
    """Take the pictures."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        context = browser.new_context(
            base_url=server.control, viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light",
            timezone_id="America/New_York", locale="en-GB",
        )  # fmt: skip
        page = context.new_page()
        picture(page, "sign-in", "/sign-in", names, out)
        page.get_by_label("API key").fill(server.key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("/")
        last_visit = f"0.{time.time() - 86_400:.0f}"
        context.add_cookies([{"name": "interlock_visits", "value": last_visit, "url": server.control}])
        for name, where in pages(server.connect()).items():
            picture(page, name, where, names, out)
        browser.close()


def picture(page: Page, name: str, where: str, names: set[str], out: Path) -> None:
    """One page as one file."""
    page.goto(where)
    if names and name not in names:
        return
    if name == "try":
        try_digit(page)
    page.mouse.move(0, 0)
    height = min(SHORT.get(name, TALLEST), page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": WIDTH, "height": max(HEIGHT, height)})
    page.wait_for_load_state("networkidle")
    taken = Image.open(BytesIO(page.screenshot()))
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    reduced(taken.convert("RGB")).save(out / f"{name}.png", optimize=True)
    print(f"{name}.png {(out / f'{name}.png').stat().st_size // 1000} kB")


def reduced(picture: Image.Image) -> Image.Image:
    """The picture in its most frequent colours, which are the pages' own; edges of letters get the nearest of them."""
    pixels = np.asarray(picture).astype(np.int64)
    codes, inverse, counts = np.unique(pixels @ (65_536, 256, 1), return_inverse=True, return_counts=True)
    colours = np.stack((codes >> 16, codes >> 8 & 255, codes & 255), axis=1)
    kept = colours[np.argsort(-counts)[:COLOURS]]
    nearest = np.square(colours[:, np.newaxis] - kept).sum(axis=2).argmin(axis=1)
    found = Image.fromarray(nearest[inverse].reshape(pixels.shape[:2]).astype(np.uint8), "P")
    found.putpalette(kept.astype(np.uint8).tobytes())
    return found


def try_digit(page: Page) -> None:
    """Choose a picture, and ask."""
    content = encoded((load_digits().images[7] * 15).astype(np.uint8))
    page.get_by_label("digit", exact=True).set_input_files(
        [{"name": "digit.png", "mimeType": "image/png", "buffer": content}]
    )
    page.get_by_role("button", name="Ask").click()
    page.locator(".answer-value").wait_for()


if __name__ == "__main__":
    main()
