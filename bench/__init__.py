"""Benchmarks: ratios in one run on one machine; the figures stand in docs/performance.md."""
