"""The page of settings says what the declarations say. « python tests/unit/test_settings_page.py » writes its tables anew."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from daxa_gui.core.setting_kinds import variable_of
from daxa_gui.core.settings import Settings, groups, help_text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
BEGIN, END = "<!-- tables: from the declarations in daxa_gui/core/settings.py -->", "<!-- end of the tables -->"


def shown(value: object, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value or "(empty)"
    return f"{value:g} {unit}".strip()


def tables() -> str:
    parts = []
    for title, items in groups().items():
        parts += [
            f"### {title}",
            "",
            "| setting | name | default | limits | environment variable | what it does |",
            "|" + "---|" * 6,
        ]
        for item in items:
            data, default = item.metadata, getattr(Settings(), item.name)
            limits = [f"at least {data['minimum']:g}"] if data["minimum"] is not None else []
            limits += [f"at most {data['maximum']:g}"] if data["maximum"] is not None else []
            limits += [", ".join(map(str, data["choices"]))] if data["choices"] else []
            limits += [" or ".join(f"{scheme}://" for scheme in data["schemes"])] if data["schemes"] else []
            cells = (
                data["label"], f"`{item.name}`", shown(default, data["unit"]), "; ".join(limits), f"`{variable_of(item)}`",
                help_text(item),
            )  # fmt: skip
            parts.append(f"| {' | '.join(cells)} |")
        parts.append("")
    return "\n".join(parts)


def with_tables(page: str) -> str:
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: f"{BEGIN}\n\n{tables()}\n{END}", page, flags=re.DOTALL)


def test_that_the_page_lists_every_setting_as_it_is_declared() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert BEGIN in page and END in page
    assert with_tables(page) == page, "run: python tests/unit/test_settings_page.py"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
