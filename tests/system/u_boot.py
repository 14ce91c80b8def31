# SPDX-License-Identifier: Apache-2.0
"""How tests talk to U-Boot's prompt. It loses what is typed while a command runs: those that wait look for Ctrl-C."""

import re

PROMPT = "=> "


def come_to_prompt(console):
    """From its start to its prompt, before it boots anything by itself."""
    console.expect("stop autoboot")
    console.send("\n")
    console.expect(PROMPT)


def begin(console, command):
    """Gives a command; what it says comes next."""
    console.send(command + "\n")
    console.expect(re.escape(command) + r"\n")


def order(console, command):
    """Gives a command; returns what it said when the prompt is back."""
    begin(console, command)
    return console.expect(rf"(?s)(.*?)^{PROMPT}").group(1)
