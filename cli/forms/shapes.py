"""Plain SVG shapes with text, placed in whole tenths of a pixel: no number is rounded twice."""

from __future__ import annotations

from html import escape
from typing import Final

WIDTH: Final = 720
LEFT, RIGHT, TOP, BOTTOM = 80, 700, 50, 200

_STYLE: Final = "text{font:12px sans-serif;fill:#222}.axis{stroke:#888}"


def svg(height: int, title: str, style: str, body: str) -> str:
    """Give a whole drawing; `title` is read out to who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{_STYLE}{style}</style>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n'
        f"{body}\n</svg>\n"
    )


def text(x: int, y: int | str, words: str, *, style: str = "", anchor: str = "start") -> str:
    known = f' class="{style}"' if style else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{known}>{escape(words)}</text>'


def line(y: str, style: str = "axis") -> str:
    """Give a line from left to right."""
    return f'<line class="{style}" x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}"/>'


def tenths(number: int) -> str:
    return f"{number // 10}.{number % 10}"


class Heights:
    """Places amounts from the lowest, at the bottom, up to the highest."""

    def __init__(self, low: int, high: int) -> None:
        self._low = low
        self._high = max(high, low + 1)

    def y(self, amount: int) -> str:
        above = max(amount, self._low) - self._low
        whole = (BOTTOM - TOP) * 10
        return tenths(BOTTOM * 10 - whole * above // (self._high - self._low))


def across(place: int, last: int) -> str:
    """Place the first of things on the left, and the last on the right."""
    return tenths(LEFT * 10 + (RIGHT - LEFT) * 10 * place // max(last, 1))
