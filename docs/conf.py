"""Settings of the documentation site; `make site` builds it with Sphinx."""

from tracker.version import __version__

project = "parkinson-eye-tracking"
author = "The parkinson-eye-tracking authors"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "alabaster"
html_title = f"{project} {version}"
html_theme_options = {
    "description": "Vertical gaze and blinks from a video of the face",
    "page_width": "1200px",
}
html_static_path, html_css_files = ["_static"], ["site.css"]
html_show_copyright = False
# Headings can be linked to, as on the repository's pages.
myst_heading_anchors = 3
napoleon_numpy_docstring, napoleon_google_docstring = True, False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
# The two public functions that are loaded when first used would be listed as data.
autodoc_default_options = {"members": True}
