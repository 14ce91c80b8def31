# SPDX-License-Identifier: Apache-2.0
"""A trace as a picture: a row for each track, time from left to right."""

from plinth.drawing import COLOURS, GRID, TEXT, Drawing

LEFT, RIGHT, TOP, WIDTH = 110, 30, 56, 860
ROW, BAR = 40, 16  # a track; its slices. Below these are its marks
CHARACTER = 6.5  # of the font, about
# Time in the hypervisor has colours of its own, by class of exit; time outside of it is pale.
STATES = {"guest": "#4f9d69", "waiting": "#7d7d7d33", "off CPU": "#7d7d7d66", "hypervisor": "#d9480f"}


def _tracks(events):
    """Track -> its label, physical CPUs first."""
    names = {}
    for event in events:
        if event["ph"] == "M":
            names.setdefault((event["pid"], event["tid"]), {})[event["name"]] = event["args"]["name"]
    return {track: name["thread_name"] if track[0] == 1 else f"{name['process_name']}, {name['thread_name']}"
            for track, name in sorted(names.items())}


def _colours(events):
    """Name of a slice -> colour: states, then exit classes, then whom a physical CPU runs."""
    names = {(event["pid"] == 1, event["name"]) for event in events if event["ph"] == "X" and event["name"] not in STATES}
    free = [colour for colour in COLOURS if colour not in STATES.values()]
    return STATES | {name: free[number % len(free)] for number, (_, name) in enumerate(sorted(names))}


def _step(length):
    """Distance of the marks of a time axis: 1, 2 or 5 times a power of ten, about eight of them."""
    power = 10.0 ** len(str(int(length / 8))) / 10 if length >= 8 else 1.0
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= length / 8)


def draw(events, begin, length):
    """The SVG of the events of Chrome's trace format that lie in [begin, begin + length), in microseconds."""
    end = begin + length
    events = [event for event in events
              if event["ph"] == "M" or (event["ts"] < end and event["ts"] + event.get("dur", 0) >= begin)]
    tracks, colours = _tracks(events), _colours(events)
    height = TOP + ROW * len(tracks) + 30
    drawing = Drawing(WIDTH, height, "What CPUs and vCPUs did", "./plinth trace")

    def place(time):
        return LEFT + (min(max(time, begin), end) - begin) / length * (WIDTH - LEFT - RIGHT)

    at = LEFT
    for name, colour in colours.items():
        drawing.bar(at, 12, 12, 12, colour)
        drawing.text(at + 16, 22, name)
        at += 16 + CHARACTER * len(name) + 18
    step = _step(length)
    for mark in range(int(length / step) + 1):
        x = place(begin + mark * step)
        drawing.line([(x, TOP - 10), (x, height - 28)], GRID)
        drawing.text(x, height - 12, f"{mark * step:g} us", "middle")
    rows = {track: TOP + number * ROW for number, track in enumerate(tracks)}
    for track, label in tracks.items():
        drawing.text(LEFT - 8, rows[track] + 12, label, "end")
    for event in events:
        if event["ph"] == "M":
            continue
        y = rows[event["pid"], event["tid"]]
        x = place(event["ts"])
        if event["ph"] == "i":
            drawing.line([(x, y + BAR + 2), (x, y + BAR + 9)], TEXT)
            continue
        width = place(event["ts"] + event["dur"]) - x
        drawing.bar(x, y, width, BAR, colours[event["name"]])
        if width > CHARACTER * len(event["name"]) + 4 and event["name"] not in STATES:
            drawing.text(x + 3, y + 12, event["name"], colour="#ffffff")
    return str(drawing)
