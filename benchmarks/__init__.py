"""Benchmarks through the product's own services; see docs/benchmarks.md."""
