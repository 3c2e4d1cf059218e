"""Development tools: synthetic clips, simulated people, evaluation on annotations, profiling."""
