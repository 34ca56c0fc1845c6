"""Abstract methods in classes of Qt."""

from __future__ import annotations


def require_methods(cls: type) -> None:
    """Refuse a class that lacks what its base declares with `@abstractmethod`; to be called by the base's `__init_subclass__`.

    `abc.ABC` is of no use there: Qt's classes have a metaclass of their own, and their constructor, unlike that of `object`,
    never asks whether methods are missing. A type checker reads the decorator all the same.

    Raises
    ------
    TypeError
        When the class is made, not when the method is first called; it names what is missing.
    """
    declared = {name for base in cls.__mro__ for name, value in vars(base).items() if _is_abstract(value)}
    missing = sorted(name for name in declared if _is_abstract(getattr(cls, name)))
    if missing:
        raise TypeError(f"{cls.__name__} must define {', '.join(missing)}")


def _is_abstract(value: object) -> bool:
    return bool(getattr(value, "__isabstractmethod__", False))
