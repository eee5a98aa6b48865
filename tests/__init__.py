"""The tests, what they share, and in `race` what the benchmark measures with."""
