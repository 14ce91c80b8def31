# SPDX-License-Identifier: Apache-2.0
"""Drawings as SVG text, with colours that can be read on white and on black."""

from xml.sax.saxutils import escape

TEXT, GRID = "#7d7d7d", "#7d7d7d55"
COLOURS = ("#d9480f", "#4c86c6", "#4f9d69", "#9a6fb0", "#b08c2e", "#4aa3a3", "#b05a7a")
FONT = 'font-family="Helvetica, Arial, sans-serif" font-size="11"'


class Drawing:
    """`command`: who drew it, for a comment at the top of the file."""

    def __init__(self, width, height, title, command):
        self._size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        self._title = title
        self._command = command
        self._parts = []

    def text(self, x, y, text, anchor="start", colour=TEXT):
        self._parts.append(f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>')

    def bar(self, x, y, width, height, colour):
        self._parts.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{max(width, 1):.1f}" height="{height}" fill="{colour}"/>')

    def line(self, points, colour, width=1):
        places = " ".join(f"{x:.0f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width}"/>')

    def dot(self, x, y, colour):
        self._parts.append(f'<circle cx="{x:.0f}" cy="{y:.1f}" r="3" fill="{colour}"/>')

    def __str__(self):
        return "\n".join([f"<!-- SPDX-License-Identifier: Apache-2.0; drawn by `{self._command}` -->",
                          f'<svg xmlns="http://www.w3.org/2000/svg" {self._size} {FONT}>',
                          f"<title>{escape(self._title)}</title>", *self._parts, "</svg>", ""])
