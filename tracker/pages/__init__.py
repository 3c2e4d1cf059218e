"""Reports as HTML and PDF, the frame of all HTML pages, and annotated copies of videos."""
