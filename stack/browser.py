"""Finds a Chromium for the tests that drive a browser, or gets one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from stack.messages import Progress, StackError

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find(progress: Progress) -> Path:
    """Return a Chromium that starts: chosen, installed, Debian's, or Playwright's own.

    Raises:
        StackError: none can be had; the message says what to install.
    """
    chosen = os.environ.get("MARATHON_CHROMIUM")
    if chosen:
        if starts(chosen):
            return Path(chosen)
        raise StackError(
            f"MARATHON_CHROMIUM={chosen} does not start", f"MARATHON_CHROMIUM={chosen} no arranca"
        )
    for name in NAMES:
        found = shutil.which(name)
        if found and starts(found):
            return Path(found)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        found = _from_debian(progress)
        if found:
            return found
    found = _from_playwright(progress)
    if found:
        return found
    raise StackError(
        "the tests need a browser: install chromium (on Debian: apt install chromium), "
        "or name one in MARATHON_CHROMIUM",
        "las pruebas necesitan un navegador: instale chromium (en Debian: apt install chromium) "
        "o indíquelo en MARATHON_CHROMIUM",
    )


def starts(program: str) -> bool:
    """Return whether the browser can say its version: a stub or a broken one cannot."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _from_debian(progress: Progress) -> Path | None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with progress.show_step("Chromium: apt-get install"):
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"],
        ):
            subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
    found = shutil.which("chromium")
    return Path(found) if found and starts(found) else None


def _from_playwright(progress: Progress) -> Path | None:
    with progress.show_step("Chromium: playwright install"):
        subprocess.run(
            [sys.executable, "-m", "playwright", "install", "chromium"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.executable_path
    return Path(found) if found and starts(found) else None
