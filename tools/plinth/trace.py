# SPDX-License-Identifier: Apache-2.0
"""Turns what `trace dump` printed into a file for Perfetto (ui.perfetto.dev): a track per physical and per virtual CPU."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from plinth import timeline
from plinth.ui import Failure, say

BEGIN = re.compile(r"\btrace begin frequency=(\d+) cpus=(\d+)")
RECORD = re.compile(r"\btrace (\d+) (\d+) (\d+)\.(\d+) ([a-z]+) (\S+) 0x([0-9a-f]+)")
END = re.compile(r"\btrace end records=(\d+) lost=(\d+)")

EVENTS = {"run", "leave", "exit", "enter", "device", "call", "inject", "wait", "wake", "state"}

VM_STATES = ("created", "running", "suspended", "stopped", "crashed", "destroyed")  # vmm/lifecycle.hpp

HOST = 1  # the process in Perfetto's sense that holds the physical CPUs; VM n is process VMS + n
VMS = 1000


@dataclass(frozen=True)
class Record:
    cpu: int
    ticks: int
    vm: int
    vcpu: int
    event: str
    detail: str
    argument: int


@dataclass
class Dump:
    frequency: int
    cpus: int
    records: list
    lost: int


def parse(lines):
    """The last complete dump in a console log."""
    found = current = None
    for line in lines:
        if match := BEGIN.search(line):
            current = Dump(int(match[1]), int(match[2]), [], 0)
        elif current and (match := RECORD.search(line)):
            cpu, ticks, vm, vcpu = (int(number) for number in match.groups()[:4])
            current.records.append(Record(cpu, ticks, vm, vcpu, match[5], match[6], int(match[7], 16)))
        elif current and (match := END.search(line)):
            if len(current.records) != int(match[1]):
                raise Failure(f"the log has {len(current.records)} of the {match[1]} records that were dumped: part of it is missing")
            current.lost = int(match[2])
            found, current = current, None
    if found is None:
        raise Failure("no complete dump in that log: give `trace on`, later `trace off` and `trace dump` at Plinth's prompt")
    if found.frequency == 0:
        raise Failure("the dump states a clock of 0 Hz")
    found.records.sort(key=lambda record: record.ticks)
    return found


class _Tracks:
    """Slices that are open, one per track; a new one on a track ends the one before."""

    def __init__(self, dump):
        self.origin = dump.records[0].ticks if dump.records else 0
        self.frequency = dump.frequency
        self.open = {}
        self.events = []

    def microseconds(self, ticks):
        return (ticks - self.origin) * 1_000_000 / self.frequency

    def begin(self, track, ticks, name, **arguments):
        self.end(track, ticks)
        self.open[track] = (ticks, name, arguments)

    def end(self, track, ticks):
        if track not in self.open:
            return
        start, name, arguments = self.open.pop(track)
        begin = self.microseconds(start)
        self.events.append({"ph": "X", "pid": track[0], "tid": track[1], "ts": begin,
                            "dur": self.microseconds(ticks) - begin, "name": name, "args": arguments})

    def instant(self, track, ticks, name, **arguments):
        self.events.append({"ph": "i", "s": "t", "pid": track[0], "tid": track[1], "ts": self.microseconds(ticks),
                            "name": name, "args": arguments})

    def label(self, track, process, thread):
        for kind, name in (("process_name", process), ("thread_name", thread)):
            self.events.append({"ph": "M", "pid": track[0], "tid": track[1], "name": kind, "args": {"name": name}})


def convert(dump):
    """The dump as an object in Chrome's trace format, which Perfetto reads."""
    tracks = _Tracks(dump)
    for cpu in range(dump.cpus):
        tracks.label((HOST, cpu), "physical CPUs", f"CPU {cpu}")
    for vm, vcpu in sorted({(record.vm, record.vcpu) for record in dump.records}):
        tracks.label((VMS + vm, vcpu), f"VM {vm}", f"vCPU {vcpu}")
    for record in dump.records:
        _apply(tracks, record)
    if dump.records:
        for track in list(tracks.open):
            tracks.end(track, dump.records[-1].ticks)
    return {"traceEvents": tracks.events, "displayTimeUnit": "ns",
            "otherData": {"clock": f"{dump.frequency} Hz", "records lost": dump.lost}}


def _apply(tracks, record):
    host = (HOST, record.cpu)
    guest = (VMS + record.vm, record.vcpu)
    match record.event:
        case "run":
            tracks.begin(host, record.ticks, f"{record.vm}.{record.vcpu}")
            tracks.begin(guest, record.ticks, "hypervisor", cpu=record.cpu)
        case "leave":
            tracks.end(host, record.ticks)
            tracks.begin(guest, record.ticks, "off CPU")
        case "enter":
            tracks.begin(guest, record.ticks, "guest", cpu=record.cpu)
        case "exit":
            tracks.begin(guest, record.ticks, record.detail, pc=f"{record.argument:#x}")
        case "wait":
            tracks.begin(guest, record.ticks, "waiting")
        case "device":
            what = "write" if int(record.detail, 16) else "read"
            tracks.instant(guest, record.ticks, f"{what} {record.argument:#x}")
        case "call":
            tracks.instant(guest, record.ticks, f"call {record.detail}", argument=f"{record.argument:#x}")
        case "inject":
            tracks.instant(guest, record.ticks, f"interrupt {int(record.detail, 16)}")
        case "state":
            number = int(record.detail, 16)
            tracks.instant(guest, record.ticks, VM_STATES[number] if number < len(VM_STATES) else f"state {number}")
        case other:
            tracks.instant(guest, record.ticks, other, detail=record.detail)


def _draw(dump, arguments):
    if not dump.records:
        raise Failure("the dump has no records: there is nothing to draw")
    events = convert(dump)["traceEvents"]
    whole = max(event["ts"] + event.get("dur", 0) for event in events if event["ph"] != "M")
    begin, length = arguments.window or (0, max(whole, 1))
    Path(arguments.svg).write_text(timeline.draw(events, begin, length))
    say(f"{arguments.svg}: {length:.0f} us, from {begin:.0f} us on, of {whole:.0f} us")


def window(text):
    """BEGIN:LENGTH of the command line."""
    begin, length = (float(part) for part in text.split(":"))
    if begin < 0 or length <= 0:
        raise ValueError
    return begin, length


def run(arguments):
    """The subcommand."""
    try:
        text = sys.stdin.read() if arguments.log == "-" else Path(arguments.log).read_text(errors="replace")
    except OSError as error:
        raise Failure(f"{arguments.log}: {error.strerror}") from None
    dump = parse(text.splitlines())
    if arguments.svg:
        return _draw(dump, arguments)
    Path(arguments.output).write_text(json.dumps(convert(dump)))
    say(f"{arguments.output}: {len(dump.records)} records, {dump.lost} older ones lost; open it with https://ui.perfetto.dev")
