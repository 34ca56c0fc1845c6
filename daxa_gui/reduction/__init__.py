"""Reduction steps, the jobs they make, and the built-in engine."""
