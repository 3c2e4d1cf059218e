"""Development tools: synthetic clips, evaluation against annotations, profiling."""
