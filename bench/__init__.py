"""Repeatable benchmarks with their yardsticks: `make bench`."""
