"""Files that other programs read and write: tables, samples, regions, DAXA's save files."""
