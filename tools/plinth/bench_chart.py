# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG text: bars beside each other, and lines over time, both with a logarithmic scale."""

import math

from plinth.drawing import COLOURS, GRID, Drawing

def _decades(least, most):
    """The powers of ten around these values, at least two."""
    first = math.floor(math.log10(least))
    return [10 ** power for power in range(first, max(math.ceil(math.log10(most)), first + 1) + 1)]


def bars(title, groups, names):
    """`groups`: title -> one value per name, None where there is none."""
    left, right, top, thick, gap = 230, 70, 40, 11, 14
    pitch = thick * len(names) + gap
    width, height = 860, top + pitch * len(groups) + 30
    decades = _decades(10, max(value for values in groups.values() for value in values if value))
    drawing = Drawing(width, height, title, "./plinth bench")

    def place(value):
        share = (math.log10(max(value, decades[0])) - math.log10(decades[0])) / (math.log10(decades[-1]) - math.log10(decades[0]))
        return left + share * (width - left - right)

    for number, name in enumerate(names):
        drawing.bar(left + number * 120, 12, 12, 12, COLOURS[number])
        drawing.text(left + number * 120 + 18, 22, name)
    for value in decades:
        drawing.line([(place(value), top - 4), (place(value), height - 26)], GRID)
        drawing.text(place(value), height - 10, f"{value:,}".replace(",", " "), "middle")
    for row, (label, values) in enumerate(groups.items()):
        y = top + row * pitch
        drawing.text(left - 8, y + thick * len(names) / 2 + 4, label, "end")
        for number, value in enumerate(values):
            if value is None:
                continue
            drawing.bar(left, y + number * thick, place(value) - left, thick - 1, COLOURS[number])
            drawing.text(place(value) + 4, y + (number + 1) * thick - 2, f"{value:,}".replace(",", " "), colour=COLOURS[number])
    return str(drawing)


def lines(title, columns, series):
    """`series`: name -> one value per column, None where there is none."""
    left, right, top, height, width = 60, 190, 20, 420, 860
    values = [value for points in series.values() for value in points if value]
    decades = _decades(min(values), max(values))
    drawing = Drawing(width, height, title, "./plinth bench")

    def y(value):
        share = (math.log10(value) - math.log10(decades[0])) / (math.log10(decades[-1]) - math.log10(decades[0]))
        return height - 40 - share * (height - 40 - top)

    def x(column):
        return left + column * (width - left - right) / max(len(columns) - 1, 1)

    for value in decades:
        drawing.line([(left, y(value)), (width - right, y(value))], GRID)
        drawing.text(left - 6, y(value) + 4, f"{value:,}".replace(",", " "), "end")
    for column, label in enumerate(columns):
        drawing.text(x(column), height - 18, label, "middle")
    taken = []
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        known = [(x(column), y(value)) for column, value in enumerate(points) if value]
        drawing.line(known, colour, 2)
        for place in known:
            drawing.dot(*place, colour)
        level = known[-1][1] + 4
        while any(abs(level - other) < 13 for other in taken):
            level += 1
        taken.append(level)
        drawing.text(known[-1][0] + 8, level, name, colour=colour)
    return str(drawing)
