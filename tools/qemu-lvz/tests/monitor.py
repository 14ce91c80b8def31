# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's machine protocol (QMP) over a socket: as much as these tests ask of it."""

import json
import socket
import time


class Monitor:
    """One conversation. `path` is the socket QEMU listens on; it may not be there yet."""

    def __init__(self, path, limit=30):
        self._stream = self._connect(path, time.monotonic() + limit)
        self._lines = self._stream.makefile("r", encoding="utf-8")
        self._lines.readline()  # the greeting
        self.command("qmp_capabilities")

    @staticmethod
    def _connect(path, end):
        while True:
            stream = socket.socket(socket.AF_UNIX)
            stream.settimeout(60)
            try:
                stream.connect(str(path))
                return stream
            except OSError:
                stream.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def command(self, name, **arguments):
        """The command's result; events in between are dropped. RuntimeError with QEMU's words when it refuses."""
        self._stream.sendall((json.dumps({"execute": name, "arguments": arguments}) + "\n").encode())
        for line in self._lines:
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError(answer["error"]["desc"])
        raise RuntimeError("QEMU closed its monitor")

    def human(self, line):
        return self.command("human-monitor-command", **{"command-line": line})

    def migrate(self, uri, limit):
        """Moves the machine's state to `uri`; it does not run on here."""
        self.command("migrate", uri=uri)
        end = time.monotonic() + limit
        while time.monotonic() < end:
            state = self.command("query-migrate")
            if state.get("status") == "completed":
                return
            if state.get("status") in ("failed", "cancelled"):
                raise RuntimeError(f"migration {state['status']}: {state.get('error-desc', 'no reason given')}")
            time.sleep(0.1)
        raise RuntimeError(f"migration did not end within {limit} s")
