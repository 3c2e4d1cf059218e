"""Benchmarks, and the synthetic clips that they, the tests and the demo use."""
