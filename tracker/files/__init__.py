"""The files that an analysis writes: their names, summary, fields, tables and provenance."""
