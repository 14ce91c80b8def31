# SPDX-License-Identifier: Apache-2.0
"""Finds VM files and the images they name, and packs them into the bundle that the hypervisor reads."""

import re
import tomllib
from pathlib import Path

from . import building, guests
from .paths import BUILD, HOST_CONFIG, ROOT, VMS, shown
from .ui import Failure, call

IMAGE_KEYS = ("image", "initrd", "dtb")  # of table [kernel]


def find(words):
    """The VM files meant by names of samples and by paths."""
    return [_find_one(word) for word in words or ["linux"]]


def _find_one(word):
    if word.endswith(".toml") or "/" in word:
        path = Path(word).resolve()
        if not path.is_file():
            raise Failure(f"there is no file {word}")
        return path
    path = VMS / f"{word}.toml"
    if path.is_file():
        return path
    known = ", ".join(sorted(file.stem for file in VMS.glob("*.toml")))
    raise Failure(f"there is no VM called {word}; samples are: {known}. Your own is given as a path: ./{word}.toml")


def pack(files, arch, overrides=(), host_config=None, output=None):
    """Packs the bundle of these VM files; returns its path."""
    check_names(files)
    tool = building.host_tool()
    output = Path(output).resolve() if output else default_output(files)
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [tool, "pack", "-o", output, "--arch", arch, "--plinth", host_config or HOST_CONFIG]
    for file in files:
        command += ["--vm", shown(file)]
    command += described(images(files, arch, overrides), overrides)
    call(command, "packing the bundle", cwd=ROOT)
    return output


def described(found, overrides):
    """Images and overrides as options of plinth-host."""
    options = [word for name, path in found.items() for word in ("--image", f"{name}={path}")]
    return options + [word for override in overrides for word in ("--set", override)]


def default_output(files):
    return BUILD / "run" / ("-".join(file.stem for file in files)[:80] + ".cpio")


def check_names(files):
    stems = [file.stem for file in files]
    for stem in stems:
        if stems.count(stem) > 1:
            raise Failure(f"{stem}.toml is given twice; each VM needs a file name and a `name` of its own")


def images(files, arch, overrides=()):
    """Bundle name -> local file, of every image the VM files and the overrides name."""
    found = {}
    for file in files:
        for name in _named_images(file, overrides):
            found[name] = _locate(name, file, arch)
    return found


def images_at_hand(files, arch, overrides=()):
    """As images(), without those that are nowhere: for a check, which says so itself, with the line."""
    found = {}
    for file in files:
        for name in _named_images(file, overrides):
            try:
                found[name] = _locate(name, file, arch)
            except Failure:
                pass
    return found


def memory(files, overrides=()):
    """Bytes of RAM that the VMs ask for, as far as one can tell without checking the files."""
    total = 0
    for file in files:
        table = _tables(file)
        name = str(table.get("name", file.stem))
        wanted = table.get("memory")
        for override in overrides:
            if override.startswith(f"{name}.memory="):
                wanted = override.split("=", 1)[1].strip("\"'")
        regions = _regions(wanted) if isinstance(wanted, dict) else [{"size": wanted}]
        total += sum(_bytes(region.get("size")) for region in regions)
    return total


def _regions(memory):
    """The [[memory.region]] tables, if that is what `memory` is made of."""
    regions = memory.get("region") if isinstance(memory, dict) else None
    return [region for region in regions if isinstance(region, dict)] if isinstance(regions, list) else []


def _bytes(size):
    match = re.fullmatch(r"([\d_]+)\s*([KMGT]i?B?)?", str(size))
    unit = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
    return int(match.group(1).replace("_", "")) << unit[(match.group(2) or "")[:1]] if match else 0


def _tables(file):
    """The file as nested dictionaries; a file that is no TOML has none here: its errors are for the real parser to tell."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}


def _named_images(file, overrides):
    table = _tables(file)
    kernel = table.get("kernel", {})
    named = {key: kernel[key] for key in IMAGE_KEYS if isinstance(kernel, dict) and isinstance(kernel.get(key), str)}
    for index, region in enumerate(_regions(table.get("memory"))):
        if isinstance(region.get("image"), str):
            named[f"memory.region.{index}"] = region["image"]
    for override in overrides:
        match = re.fullmatch(r"(.+)\.kernel\.(\w+)=(.*)", override)
        if match and match.group(1) == table.get("name") and match.group(2) in IMAGE_KEYS:
            named[match.group(2)] = match.group(3).strip("\"'")
    return list(dict.fromkeys(named.values()))


def _locate(name, file, arch):
    """An image beside the VM file goes before a guest of ours with that name."""
    beside = file.parent / name
    if beside.is_file():
        return beside
    path = guests.image(name, arch)
    if path is None:
        raise Failure(f"{shown(file)} names the image `{name}`, and there is neither a file {shown(beside)} nor a guest of "
                      f"that name; put the file there (images fetched for you: {', '.join(guests.fetched_names(arch))})")
    return path
