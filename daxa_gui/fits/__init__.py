"""Reading and writing event lists, good-time intervals, light curves and images of any mission."""
