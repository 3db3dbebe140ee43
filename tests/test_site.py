"""The built site in a real browser: it fits a telephone, shows its pictures, and complains of
nothing.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.connect.chromium import chromium, or_skip, window

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("index", "quickstart", "settings", "access", "connect", "providers/zoom", "comparison")
_LOST = "Array.from(document.images).filter(each => !each.naturalWidth).map(each => each.src)"
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    or_skip()
    if find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed: there is no site to look at")
    folder = tmp_path_factory.mktemp("site")
    answer = subprocess.run(
        [str(Path(sys.executable).with_name("mkdocs")), "build", "--quiet", "--site-dir", folder],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return folder


@pytest.mark.xdist_group("site")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_pages_fit_a_telephone_and_show_their_pictures(site: Path, dark: bool) -> None:
    async with chromium() as browser:
        for name in PAGES:
            async with window(browser, dark=dark, width=390, height=800) as (page, seen):
                await page.goto((site / f"{name}.html").as_uri())
                await page.evaluate("document.fonts.ready")
                assert await page.evaluate(_WIDER) == 0, f"{name} is wider than the screen"
                assert await page.evaluate(_LOST) == [], name
                elsewhere = [each for each in seen.asked if not each.startswith("file:")]
                assert elsewhere == [], name


@pytest.mark.xdist_group("site")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_pages_are_read_by_everybody(site: Path, dark: bool) -> None:
    """axe-core finds nothing serious: contrast, links, names of controls."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright").Axe()
    async with chromium() as browser:
        for name in PAGES:
            async with window(browser, dark=dark, width=1200) as (page, _):
                await page.goto((site / f"{name}.html").as_uri())
                found = (await axe.run(page)).response["violations"]
                bad = [each for each in found if each["impact"] in {"serious", "critical"}]
                told = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in bad]
                assert told == [], name
