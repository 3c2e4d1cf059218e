"""Print a page to PDF with the browser of this machine: Chromium, Chrome or Edge."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "microsoft-edge-stable", "msedge"),
)
"""What such browsers are called in PATH."""
_MACOS = ("Google Chrome", "Chromium", "Microsoft Edge")
_WINDOWS = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
REMEDY = (
    "Install Chromium, Chrome or Edge. Or open STEM.report.html in any browser and print it: one "
    "sheet of A4."
)
MOST_S = 120.0
"""Time after which the browser is stopped."""


class PdfError(OSError):
    """No PDF could be made. The message says what the user can do."""


def find_browser() -> Path:
    """Return the path of a browser on this machine that can print a page without showing a window.

    Raises
    ------
    PdfError
        There is none in PATH, nor where macOS and Windows install them.
    """
    for path in _list_places():
        if path.is_file():
            return path
    raise PdfError(f"no browser was found to make the PDF with. {REMEDY}")


def _list_places() -> Iterator[Path]:
    for name in NAMES:
        if found := shutil.which(name):
            yield Path(found)
    for name in _MACOS:
        yield Path(f"/Applications/{name}.app/Contents/MacOS/{name}")
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        if folder := os.environ.get(variable):
            yield from (Path(folder, name) for name in _WINDOWS)


def print_page(html: str, path: Path) -> None:
    """Print a page as PDF.

    Parameters
    ----------
    html : str
        A page of `tracker.pages.page.make_page`, which needs no network.
    path : Path
        Where the PDF is written, over an earlier file. Its folder must exist.

    Raises
    ------
    PdfError
        There is no browser, or it failed, or it took longer than `MOST_S` seconds. An earlier file
        stays as it is.
    """
    browser = find_browser()
    # The page lies beside the PDF: some browsers may not read the system's temporary folder.
    with (
        tempfile.TemporaryDirectory(prefix="pdf-", dir=path.parent) as folder,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        page, made = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_bytes(html.encode())
        command = [
            str(browser),
            "--headless",
            "--disable-gpu",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-sync",
            "--no-first-run",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
            f"--print-to-pdf={made.resolve()}",
            # Chromium refuses to sandbox the administrator, who runs containers. The page is ours,
            # and its content security policy lets nothing into it.
            *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
            page.resolve().as_uri(),
        ]
        try:
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=MOST_S,
                check=True,
            )
            if made.read_bytes()[:5] != b"%PDF-":
                raise ValueError("no PDF")
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise PdfError(f"{browser.name} could not make the PDF ({error}). {REMEDY}") from error
        shutil.move(made, path)
