"""Settings of the documentation site; `make site` builds it with Sphinx."""

from tracker.version import __version__

project = "parkinson-eye-tracking"
author = "The parkinson-eye-tracking authors"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme, html_theme_path = "site", ["_theme"]
html_title = f"{project} {version}"
html_theme_options = {
    "description": "Vertical gaze and blinks from a video of the face",
    "page_width": "1200px",
    # Each colour on light screens, and on dark ones; site.css says that both are welcome.
    "base_bg": "light-dark(#fff, #14171a)",
    "base_text": "light-dark(#000, #e3e7ea)",
    "body_text": "light-dark(#3e4349, #cdd3d8)",
    "gray_1": "light-dark(#444, #cdd3d8)",
    "gray_2": "light-dark(#eee, #22272c)",
    "hr_border": "light-dark(#b1b4b6, #4a5056)",
    "table_border": "light-dark(#888, #5f666c)",
    "link": "light-dark(#004b6b, #7cc4e8)",
    "link_hover": "light-dark(#6d4100, #f0b56c)",
    "anchor": "light-dark(#ddd, #4a5056)",
    "anchor_hover_bg": "light-dark(#eaeaea, #2c3238)",
    "sidebar_text": "light-dark(#555, #a9b1b8)",
    "sidebar_list": "light-dark(#000, #e3e7ea)",
    "footer_text": "light-dark(#666, #a9b1b8)",
    "code_bg": "light-dark(#ecf0f3, #262c32)",
    "code_text": "light-dark(#222, #e3e7ea)",
    "code_hover": "light-dark(#eee, #2f363d)",
    "xref_bg": "light-dark(#fbfbfb, #262c32)",
    "xref_border": "light-dark(#fff, #262c32)",
    "highlight_bg": "light-dark(#f6f8fa, #1b2026)",
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
