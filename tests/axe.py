"""axe-core: what keeps people from using a page, found by a program in the real browser."""

from pathlib import Path
from typing import Any

from browser import NARROW, WIDE
from npm import from_npm
from playwright.async_api import Page

PACKAGE = "axe-core@4.14.1"
# Each look and each size: what is wrong with both together has not been met.
VARIANTS = [("light", NARROW), ("dark", WIDE)]

_RUN = """() => axe.run(document, {resultTypes: ["violations"], iframes: false})
  .then((found) => found.violations
    .filter((one) => ["critical", "serious"].includes(one.impact))
    .flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)} `
      + node.failureSummary.split("\\n").slice(1).join(";").slice(0, 260))))"""


def read_axe(folder: Path) -> str:
    """Give the program, as npm installs it into an empty folder."""
    installed = from_npm(PACKAGE, folder) / "node_modules" / "axe-core" / "axe.min.js"
    return installed.read_text("utf-8")


async def findings(page: Page, axe: str) -> list[str]:
    """List the critical and serious findings: light on a phone, dark on a desktop."""
    await _load(page, axe)
    found: list[str] = []
    for look, size in VARIANTS:
        scheme: Any = look
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.set_viewport_size(size)
        told = await page.evaluate(_RUN)
        found += [f"{look}, {size['width']}: {one}" for one in told]
    return found


async def _load(page: Page, axe: str) -> None:
    # As an expression of the debugger: the pages' own policies let no script in.
    await page.evaluate(f"() => {{ if (!window.axe) {{ {axe} }} }}")
