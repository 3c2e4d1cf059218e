"""Answers with the web client's files and with reports.

Their HTTP headers forbid each page to load or send anything that it does not need."""

from pathlib import Path

from werkzeug.wrappers import Response

from handler.errors import NotFoundError
from handler.keys import REPORT, check_analysis_id, content_type_of
from handler.local.storage import LocalStorage

WEB = Path(__file__).parents[1] / "web"
_CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "webmanifest": "application/manifest+json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "tflite": "application/octet-stream",
}
_WEB_NAMES = (
    *("app.js", "camera.js", "client.js", "config.js", "eye.js", "face.js", "kind.js", "look.js"),
    *("page.js", "practice.js", "recording.js", "sending.js", "storage.js", "sw.js", "task.js"),
    *("texts.js", "style.css", "face_detection_short_range.tflite"),
    *("manifest.en.webmanifest", "manifest.ko.webmanifest"),
    *("icon.svg", "icon-192.png", "icon-512.png"),
)
WEB_FILES = {
    path: (name, _CONTENT_TYPES[name.rpartition(".")[2]])
    for path, name in (("", "index.html"), *zip(_WEB_NAMES, _WEB_NAMES, strict=True))
}
"""Name and content type of each file by its path below ``/app/``. No other path is answered."""

_PAGE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_APP_HEADERS = _PAGE_HEADERS | {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; media-src blob:; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_REPORT_HEADERS = _PAGE_HEADERS | {
    # The sandbox gives a report an origin of its own, so that its scripts reach neither the API
    # nor a network.
    "Content-Security-Policy": "sandbox allow-scripts allow-modals allow-downloads; "
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
}


def answer_app_file(name: str, needs_token: bool) -> Response:
    """Return one of the web client's files.

    Parameters
    ----------
    name : str
        The file's path below ``/app/``; empty for the page itself.
    needs_token : bool
        Whether the page must ask its user for a token; ``config.js`` tells it.

    Raises
    ------
    NotFoundError
        `name` is not in `WEB_FILES`.
    """
    if name not in WEB_FILES:
        raise NotFoundError("no_such_path", "There is no such path. The page is at /app.")
    file, content_type = WEB_FILES[name]
    headers = {"Content-Type": content_type, **_APP_HEADERS}
    content = (WEB / file).read_bytes()
    if name == "config.js" and needs_token:
        content = content.replace(b"NEEDS_TOKEN = false", b"NEEDS_TOKEN = true")
    return Response(content, 200, headers)


def redirect_to_app(address: str) -> Response:
    """Return a redirect to the web client under the server's own address.

    `address` is that address, such as ``http://127.0.0.1:8000``. Under another name of this
    machine, the client's page and its uploads would count as different sites.
    """
    headers = {"Location": f"{address}/app/", **_APP_HEADERS}
    response = Response(b"", 308, headers)
    del response.headers["Content-Type"]
    return response


def answer_report(storage: LocalStorage, analysis_id: str) -> Response:
    """Return the report of an analysis as an HTML page.

    Whether the client may see it must be checked before: it is not checked here.

    Raises
    ------
    NotFoundError
        There is no such analysis, or it has no report, at least not yet.
    """
    record = storage.read(check_analysis_id(analysis_id))
    key = (record.files or {}).get("report")
    if key is None:
        raise NotFoundError("no_report", 'There is no report. Ask for one: "report": true.')
    with storage.open_file(key).stream as stream:
        data = stream.read()
    return Response(data, 200, {"Content-Type": content_type_of(REPORT), **_REPORT_HEADERS})
