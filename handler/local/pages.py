"""The web client's files and the headers of pages."""

from pathlib import Path

WEB = Path(__file__).parents[1] / "web"


WEB_FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "app.js": ("app.js", "text/javascript; charset=utf-8"),
    "config.js": ("config.js", "text/javascript; charset=utf-8"),
    "face.js": ("face.js", "text/javascript; charset=utf-8"),
    "task.js": ("task.js", "text/javascript; charset=utf-8"),
    "texts.js": ("texts.js", "text/javascript; charset=utf-8"),
    "style.css": ("style.css", "text/css; charset=utf-8"),
    "face_detection_short_range.tflite": (
        "face_detection_short_range.tflite",
        "application/octet-stream",
    ),
}
"""What is served below ``/app/``, by the last part of the path: nothing else can be asked for."""


_PAGE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


_APP_HEADERS = _PAGE_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src data:; media-src blob:; connect-src 'self'; worker-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


_REPORT_HEADERS = _PAGE_HEADERS | {
    # A page of its own origin, which is nobody's: its scripts reach neither the API nor a network.
    "Content-Security-Policy": "sandbox allow-scripts allow-modals allow-downloads; "
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
}
