"""The files of an analysis: fields, summary, tables, names and provenance."""
