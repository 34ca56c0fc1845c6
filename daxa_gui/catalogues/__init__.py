"""Catalogues on this machine: built from what a service sent, kept, compared, and carried to and from files."""
