# SPDX-License-Identifier: Apache-2.0
"""Accepted figures, their history, and the document that shows them."""

import datetime
import json
import re

from . import bench_chart
from .bench_rows import CROWDS, EXITS, GROWING, GROWTH, OTHERS, REST, ROWS, SLOW, beside
from .paths import ROOT
from .ui import Failure

FIGURES = ROOT / "tests" / "figures"
HISTORY = FIGURES / "history.jsonl"
DOCUMENT = ROOT / "docs" / "figures.md"
IMAGES = ROOT / "docs" / "images"
FIRST = "aarch64"  # the architecture that limits and quoted figures are for
OVER_TIME = {"hypercall": "hypercall", "gicd-read": "GICD read", "uart-read": "UART read", "sgi-self": "SGI to self",
             "sgi-idle": "SGI to WFI", "timer": "timer", "entry": "boot entry"}  # what the history shows


def number(value):
    return "-" if value is None else f"{value:,}".replace(",", " ")


# --- accepted figures --------------------------------------------------------------------------------------------


def accepted(arch):
    """{"bare": ..., "plinth": ...} as it was accepted last."""
    file = FIGURES / f"{arch}.json"
    if not file.exists():
        raise Failure(f"no figures were accepted for {arch} yet; ./plinth bench --accept does that")
    return json.loads(file.read_text())


def accept(arch, bare, ours, what):
    """Makes these the figures to compare with, and adds a line to the history."""
    FIGURES.mkdir(exist_ok=True)
    (FIGURES / f"{arch}.json").write_text(json.dumps({"bare": bare, "plinth": ours}, indent=1) + "\n")
    state = {"date": datetime.date.today().isoformat(), "arch": arch, "what": what,
             "plinth": {row.name: ours[row.name] for row in ROWS if row.name in ours}}
    with HISTORY.open("a") as file:
        file.write(json.dumps(state) + "\n")


def history(arch):
    states = [json.loads(line) for line in HISTORY.read_text().splitlines()] if HISTORY.exists() else []
    return [state for state in states if state["arch"] == arch]


def compare(ours, before, quick=False):
    """What grew beyond its allowance, as sentences; also rows that disappeared, and growth with VMs or vCPUs."""
    faults = []
    for row in ROWS:
        old, now = before.get(row.name), ours.get(row.name)
        if now is None and old is not None and not (quick and row.name in SLOW):
            faults.append(f"{row.name}: was {old}, and is not measured any more")
        elif None not in (old, now, row.allowance) and now > old * (1 + row.allowance):
            faults.append(f"{row.name}: was {old}, is {now} ({_change(old, now)}; {row.allowance:.0%} is allowed)")
    for kind, counts in CROWDS.items():
        for name in GROWING:
            few, many = (ours.get(beside(name, count, kind)) for count in (counts[0], counts[-1]))
            if None not in (few, many) and many > few * (1 + GROWTH):
                faults.append(f"{name}: grows with the number of {kind}: {few} with {counts[0]}, {many} with {counts[-1]}")
    return faults


def beyond_limits(bare, ours):
    """What takes or adds more than it may, whatever was accepted, as sentences."""
    return [f"{row.name}: is {ours[row.name]}, and {bare.get(row.name)} bare; it may be {row.at_most(bare.get(row.name))}"
            + (f" and add {row.may_add()}" if row.may_add() is not None else "")
            for row in ROWS if row.is_over(bare.get(row.name), ours.get(row.name))]


def shrunk(ours, before):
    """What became so much cheaper that it should be accepted, lest it creeps back unseen."""
    pairs = [(row, before.get(row.name), ours.get(row.name)) for row in ROWS]
    return [f"{row.name}: was {old}, is {now} ({_change(old, now)})" for row, old, now in pairs
            if None not in (old, now, row.allowance) and now < old * (1 - row.allowance)]


def _change(old, now):
    return f"{(now / old - 1) * 100:+.1f} %" if old else "from nothing"


# --- the document ------------------------------------------------------------------------------------------------


def write(arch, bare, ours):
    """Brings the generated parts of the document and the charts up to date; the rest of the text stays."""
    columns = {file.stem: json.loads(file.read_text()) for file in sorted(FIGURES.glob("*.json"))}
    columns[arch] = {"bare": bare, "plinth": ours}
    text = DOCUMENT.read_text()
    for name, lines in (("exits", _exits(columns)), ("quoted", _quoted()), ("rest", _rest(columns)),
                        ("growth", _growth(columns[FIRST])), ("history", _history())):
        begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        if begin not in text or end not in text:
            raise Failure(f"{DOCUMENT.name} has lost its marks around the part `{name}`")
        text = re.sub(f"(?s){begin}.*{end}", lambda _, b=begin, e=end, new=lines: "\n".join([b, "", *new, "", e]), text)
    DOCUMENT.write_text(text)
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "figures.svg").write_text(_bars(columns[FIRST]))
    if len(history(FIRST)) > 1:
        (IMAGES / "figures-history.svg").write_text(_lines())


def _table(heads, rows):
    """Markdown; the first column is text, the others are numbers."""
    return ["| " + " | ".join(heads) + " |", "|---" + "|--:" * (len(heads) - 1) + "|",
            *("| " + " | ".join(cell if isinstance(cell, str) else number(cell) for cell in row) + " |" for row in rows)]


def _further(columns):
    return [arch for arch in columns if arch != FIRST]


def _others_heads(columns):
    return [f"{arch}{word}" for arch in _further(columns) for word in (" bare", "")]


def _others_cells(columns, row):
    return [columns[arch][side].get(row.name) for arch in _further(columns) for side in ("bare", "plinth")]


def _marked(row, bare, ours):
    return f"**{number(ours)}**" if row.is_over(bare, ours) else number(ours)


def _exits(columns):
    bare, ours = columns[FIRST]["bare"], columns[FIRST]["plinth"]
    rows = []
    for row in EXITS:
        own, value = bare.get(row.name), ours.get(row.name)
        rows.append([row.title, own, _marked(row, own, value), row.at_most(own), value - own, row.may_add(),
                     *row.others_add(),
                     *_others_cells(columns, row)])
    return _table(["operation", "bare", "Plinth", "at most", "Plinth adds", "may add", *(f"{name} adds" for name in OTHERS),
                   *_others_heads(columns)], rows)


def _quoted():
    return _table(["operation", "bare*", *OTHERS], [[row.title, *row.quoted] for row in ROWS if len(row.quoted) > 1])


def _rest(columns):
    bare, ours = columns[FIRST]["bare"], columns[FIRST]["plinth"]
    rows = [[row.title, bare.get(row.name), _marked(row, bare.get(row.name), ours.get(row.name)), row.at_most(bare.get(row.name)),
             *_others_cells(columns, row)] for row in REST]
    return [*_table(["what", "bare", "Plinth", "at most", *_others_heads(columns)], rows), "", _debian(bare, ours)]


def _debian(bare, ours):
    share = {name: (value / bare[base] - 1) * 100 for name, base, value in (
        ("quiet", "linux", ours["linux"]), ("log", "linux-log", ours["linux-log"]),
        ("all", "linux", ours["linux"] + ours["linux-load"]))}
    return (f"So a whole Debian boot differs from the bare machine's by {share['quiet']:+.3f} %, with its log on the UART by\n"
            f"{share['log']:+.2f} %, and counted from power-on by {share['all']:+.2f} %.")


def _growth(column):
    titles = {row.name: row.title for row in ROWS}
    heads = [f"{count} {kind}" for kind, counts in CROWDS.items() for count in counts]
    return _table(["operation", *heads],
                  [[titles[name], *(column["plinth"].get(beside(name, count, kind)) for kind, counts in CROWDS.items()
                                    for count in counts)] for name in GROWING])


def _history():
    return _table(["state", "date", *OVER_TIME.values(), "RAM"],
                  [[f"{place}. {state['what']}", state["date"], *(state["plinth"].get(name) for name in (*OVER_TIME, "ram"))]
                   for place, state in enumerate(history(FIRST), 1)])


def _bars(column):
    groups = {}
    for row in EXITS:
        if len(row.quoted) > 1:
            groups[re.sub(r"( \(|, (send|to) ).*", "", row.title)] = [column["plinth"][row.name] - column["bare"][row.name],
                                                                        *row.others_add()]
    return bench_chart.bars("What hypervisors add, in instructions", groups, ("Plinth", *OTHERS))


def _lines():
    states = history(FIRST)
    return bench_chart.lines("Plinth's figures over its accepted states, in instructions",
                             [str(place) for place in range(1, len(states) + 1)],
                             {title: [state["plinth"].get(name) for state in states] for name, title in OVER_TIME.items()
                              if name != "entry"})
