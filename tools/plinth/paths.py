# SPDX-License-Identifier: Apache-2.0
"""Where things are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
VMS = ROOT / "config" / "vms"
HOST_CONFIG = ROOT / "config" / "plinth.toml"
HOST_TOOL = BUILD / "host-tools" / "plinth-host"
QEMU_LVZ = ROOT / "tools" / "qemu-lvz"


def cache():
    """Things fetched or built once per user: PLINTH_CACHE, or `plinth` in the XDG cache folder."""
    if os.environ.get("PLINTH_CACHE"):
        folder = Path(os.environ["PLINTH_CACHE"]).expanduser().resolve()
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plinth"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def shown(path):
    """A path as the user would type it from the top of the tree."""
    path = Path(path)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
