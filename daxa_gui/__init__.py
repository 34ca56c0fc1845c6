"""DAXA GUI: build, reduce and inspect archives of X-ray astronomy data."""

__version__ = "0.1.0"
