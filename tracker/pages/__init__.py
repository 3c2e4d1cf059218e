"""HTML reports and annotated videos."""
