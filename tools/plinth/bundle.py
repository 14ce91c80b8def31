# SPDX-License-Identifier: Apache-2.0
"""Finds VM files and the images they name, and packs them into the bundle that the hypervisor reads."""

import hashlib
import json
import os
import time
from pathlib import Path

from . import building, guests
from .paths import BUILD, HOST_CONFIG, ROOT, VMS, shown
from .ui import Failure, call

KEPT_FOR = 24 * 3600  # seconds that the bundle of a run stays after its last use


def find(words):
    """The VM files meant by names of samples and by paths."""
    return [_find_one(word) for word in words or ["linux"]]


def _find_one(word):
    if word.endswith(".toml") or "/" in word:
        path = Path(os.path.abspath(word))
        if not path.is_file():
            raise Failure(f"there is no file {word}")
        if path.suffix != ".toml":
            raise Failure(f"{word}: a VM file is called NAME.toml: the hypervisor takes no other for one")
        return path
    path = VMS / f"{word}.toml"
    if path.is_file():
        return path
    known = ", ".join(sorted(file.stem for file in VMS.glob("*.toml")))
    raise Failure(f"there is no VM called {word}; samples are: {known}. Your own is given as a path: ./{word}.toml")


def pack(files, arch, overrides=(), host_config=None, output=None, given=()):
    """Packs the bundle of these VM files; returns its path. Without `output` it is called by its content, so that runs
    beside each other keep apart."""
    check_names(files)
    tool = building.host_tool()
    if output:
        target = Path(os.path.abspath(output))
    else:
        target = default_output(files)
        target.parent.mkdir(parents=True, exist_ok=True)
        _forget_old(target.parent)
        target = target.with_suffix(f".{os.getpid()}.part")
    command = [tool, "pack", "-o", target, "--arch", arch, "--plinth", host_config or HOST_CONFIG]
    for file in files:
        command += ["--vm", shown(file)]
    command += described(images(files, arch, overrides, given), overrides)
    call(command, "packing the bundle", cwd=ROOT)
    return target if output else _name_by_content(target, files)


def _name_by_content(packed, files):
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()[:12]
    path = default_output(files).with_suffix(f".{digest}.cpio")
    packed.replace(path)
    return path


def _forget_old(folder):
    for path in folder.iterdir():
        try:
            if path.is_file() and path.stat().st_mtime < time.time() - KEPT_FOR:
                path.unlink()
        except FileNotFoundError:
            pass  # another run was faster


def described(found, overrides):
    """Images and overrides as options of plinth-host."""
    options = [word for name, path in found.items() for word in ("--file", name, path)]
    return options + [word for override in overrides for word in ("--set", override)]


def default_output(files):
    return BUILD / "run" / ("-".join(file.stem for file in files)[:80] + ".cpio")


def check_names(files):
    stems = [file.stem for file in files]
    for stem in stems:
        if stems.count(stem) > 1:
            raise Failure(f"{stem}.toml is given twice; each VM needs a file name and a `name` of its own")


def demands(files, arch, overrides=()):
    """What each VM file asks for, with the overrides applied, by the hypervisor's own reading: its name, the bytes of
    memory it takes, whether it restarts after a crash, the images it names; "file" is what the bundle calls it. A file that is not good asks for nothing: packing and checking say why."""
    command = [building.host_tool(), "describe", "--arch", arch, *map(shown, files)]
    command += [word for override in overrides for word in ("--set", override)]
    found = json.loads(call(command, "reading the VM files", cwd=ROOT))
    return [vm | {"file": file.name} for file, vm in zip(files, found)]


def images(files, arch, overrides=(), given=()):
    """Bundle name -> local file, of every image the VM files and the overrides name. `given` are NAME=PATH."""
    found = {}
    wanted = demands(files, arch, overrides)
    chosen = _given(given, {name for vm in wanted for name in vm["files"]})
    for file, vm in zip(files, wanted):
        for name in vm["files"]:
            found[name] = chosen.get(name) or _locate(name, file, arch)
    return found


def images_at_hand(files, arch, overrides=(), given=()):
    """As images(), without those that are nowhere: for a check, which says so itself, with the line."""
    found = {}
    wanted = demands(files, arch, overrides)
    chosen = _given(given, {name for vm in wanted for name in vm["files"]})
    for file, vm in zip(files, wanted):
        for name in vm["files"]:
            try:
                found[name] = chosen.get(name) or _locate(name, file, arch)
            except Failure:
                pass
    return found


def _given(options, names):
    """NAME=PATH options as a dictionary; both may hold a `=`, but NAME is one that a VM file names."""
    chosen = {}
    for option in options:
        name = next((name for name in names if option.startswith(f"{name}=")), None)
        if name is None:
            known = ", ".join(sorted(names)) or "none"
            raise Failure(f"--image {option}: write it as NAME=PATH, where a VM file names the image NAME (here: {known})")
        path = Path(os.path.abspath(option[len(name) + 1:]))
        if not path.is_file():
            raise Failure(f"--image {option}: there is no file {shown(path)}")
        chosen[name] = path
    return chosen


def _locate(name, file, arch):
    """An image beside the VM file goes before a guest of ours with that name."""
    beside = file.parent / name
    if beside.is_file():
        return beside
    path = guests.image(name, arch)
    if path is None:
        raise Failure(f"{shown(file)} names the image `{name}`, and there is neither a file {shown(beside)} nor a guest of "
                      f"that name; put the file there, or say where it is with --image {name}=PATH (images fetched for you: {', '.join(guests.fetched_names(arch))})")
    return path
