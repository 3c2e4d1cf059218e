"""The files that an analysis writes, and two that it reads: corrections and participants."""
