# SPDX-License-Identifier: Apache-2.0
"""Debian packages of another architecture or suite, fetched through an apt state of our own.

The machine's apt configuration is only read: from its sources come the archive and the keys it trusts, from its
configuration the proxies. Lists and packages live below one folder of the cache, and nothing here needs root.

    apt = PrivateApt(cache_folder, "arm64")
    deb = apt.download("busybox-static")        # the .deb, verified by apt
    apt.unpack(deb, folder)

    apt = PrivateApt(cache_folder, "amd64", suites=["trixie"], source=True)
    dsc = apt.download_source("qemu")

Importable from elsewhere in the tree: put tools/ on sys.path, then `from plinth.apt import PrivateApt`.
"""

import fcntl
import os
import re
import shlex
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from .ui import Failure, call, step

ETC = Path("/etc/apt")
LISTS_MAX_AGE = 24 * 3600  # seconds after which package lists are fetched again before a download


@dataclass
class Source:
    """One entry of the machine's apt sources: an archive with its suites, components and keys."""

    uris: list
    suites: list
    components: list
    options: dict = field(default_factory=dict)  # deb822 field name, lower case -> value

    @property
    def signed_by(self):
        return self.options.get("signed-by", "")

    def as_deb822(self, types, suites):
        lines = [f"Types: {types}", f"URIs: {' '.join(self.uris)}", f"Suites: {' '.join(suites)}",
                 f"Components: {' '.join(self.components)}"]
        kept = ("signed-by", "trusted", "check-valid-until")
        lines += [f"{name.title()}: {self.options[name]}" for name in kept if self.options.get(name)]
        return "\n".join(lines) + "\n"


def parse_one_line(text):
    """Entries in sources.list(5)'s one-line style: `deb [option=value ...] uri suite component...`."""
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)", line.split("#")[0].strip())
        if not match:
            continue
        options, uri, suite, components = match.groups()
        pairs = (word.split("=", 1) for word in shlex.split(options or "") if "=" in word)
        yield Source([uri], [suite], components.split(), {name.lower(): value for name, value in pairs})


def parse_deb822(text):
    """Entries in the deb822 style: stanzas of `Field: value`, continued by indented lines."""
    for stanza in re.split(r"\n\s*\n", text):
        fields, last = {}, None
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace() and last:
                fields[last] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                last = name.strip().lower()
                fields[last] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0") or "deb" not in fields.get("types", "").split():
            continue
        yield Source(fields.get("uris", "").split(), fields.get("suites", "").split(),
                     fields.get("components", "").split(), fields)


def machine_sources(etc=ETC):
    """Every binary source this machine has, in both of apt's file formats."""
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]
    sources = [entry for file in files if file.is_file() for entry in parse_one_line(file.read_text())]
    for file in sorted((etc / "sources.list.d").glob("*.sources")):
        sources += parse_deb822(file.read_text())
    return [entry for entry in sources if entry.uris and entry.suites and not entry.uris[0].startswith("cdrom:")]


def codename():
    """This machine's Debian release, e.g. `bookworm`."""
    release = Path("/etc/os-release").read_text()
    match = re.search(r'^VERSION_CODENAME="?([\w-]+)', release, re.MULTILINE)
    return match.group(1) if match else "sid"


def debian_sources(sources, release):
    """Those of `sources` that are Debian's own archive: its suites, `main`, and Debian's keys where keys are named."""
    names = {release, "stable", "oldstable", "testing", "unstable", "sid"}
    suites = names | {f"{name}-{part}" for name in names for part in ("updates", "security")}
    suites |= {f"{name}/updates" for name in names}
    found = [Source(entry.uris, [suite for suite in entry.suites if suite in suites], entry.components, entry.options)
             for entry in sources if "main" in entry.components]
    found = [entry for entry in found if entry.suites]
    official = [entry for entry in found if not entry.signed_by or "debian-archive" in entry.signed_by]
    return official or found


class PrivateApt:
    """apt with its own configuration, sources, lists and downloads below `cache`.

    `suites` replaces the machine's suites (other release, same archive); None keeps them. With `source`, source
    packages are available too.
    """

    def __init__(self, cache, arch, suites=None, source=False, sources=None):
        self.arch = arch
        self.label = "-".join([arch, *(suites or [codename()]), *(["src"] if source else [])]).replace("/", "_")
        self.folder = Path(cache) / "apt" / self.label
        self.packages = Path(cache) / "packages"
        for sub in ("lists/partial", "archives/partial", "sources"):
            (self.folder / sub).mkdir(parents=True, exist_ok=True)
        self.packages.mkdir(parents=True, exist_ok=True)
        with self._lock():
            self._write_sources(debian_sources(sources or machine_sources(), codename()), suites, source)
            self._write_configuration()

    def update(self):
        """Fetches the package lists now."""
        with step(f"fetching Debian's package lists ({self.label})"), self._lock():
            self._run("apt-get", "update", what="fetching package lists")
            (self.folder / "updated").touch()

    def version(self, package):
        """The version that `download` would fetch, or None when the archive has no such package."""
        self._fresh_lists()
        match = re.search(r"^  Candidate: (\S+)", self._run("apt-cache", "policy", package), re.MULTILINE)
        return match.group(1) if match and match.group(1) != "(none)" else None

    def depends(self, package):
        """Names of the packages that the candidate version of `package` depends on (first alternatives)."""
        self._fresh_lists()
        text = self._run("apt-cache", "show", "--no-all-versions", package, what=f"looking up {package}")
        match = re.search(r"^Depends: (.*)$", text, re.MULTILINE)
        return [item.split()[0].split(":")[0] for item in match.group(1).split(",")] if match else []

    def download(self, package):
        """The .deb file of the candidate version, fetched unless it is in the cache already."""
        version = self.version(package)
        if version is None:
            raise Failure(f"Debian's archive has no package {package} for {self.label}")
        pattern = f"{package}_{version.replace(':', '%3a')}_*.deb"
        with self._lock():
            if not self._find(pattern):
                with step(f"fetching {package} {version}"):
                    self._download(package)
            found = self._find(pattern)
        if not found:
            raise Failure(f"apt downloaded {package} {version}, but no {pattern} appeared in {self.packages}")
        return found

    def source_version(self, package):
        """The newest version of the source package `package`, or None when the archive has no such package."""
        self._fresh_lists()
        text = self._run("apt-cache", "showsrc", "--only-source", package, what=f"looking up the source of {package}")
        return newest(re.findall(r"^Version: (\S+)", text, re.MULTILINE))

    def download_source(self, package, version=None):
        """The .dsc file of a source package, of the newest version unless one is named, with what belongs to it beside
        it; fetched unless it is in the cache already. apt checks signatures and hashes."""
        self._fresh_lists()
        version = version or self.source_version(package)
        if version is None:
            raise Failure(f"Debian's archive has no source package {package} for {self.label}")
        dsc = self.packages / f"{package}_{version.split(':', 1)[-1]}.dsc"
        with self._lock():
            if not dsc.exists():
                with step(f"fetching the source of {package} {version}"):
                    self._download_source(package, version)
        return dsc

    @staticmethod
    def unpack(deb, folder):
        """Unpacks a .deb's files below `folder`."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        call(["dpkg-deb", "-x", deb, folder], f"unpacking {Path(deb).name}")

    def _find(self, pattern):
        return next(iter(sorted(self.packages.glob(pattern))), None)

    def _download(self, package):
        try:
            self._run("apt-get", "download", package, cwd=self.packages)
        except Failure:  # the archive has moved on since the lists were fetched
            self._run("apt-get", "update", what="fetching package lists")
            self._run("apt-get", "download", package, what=f"downloading {package}", cwd=self.packages)

    def _download_source(self, package, version):
        """Into a folder of its own first: the .dsc comes before the files it names."""
        with tempfile.TemporaryDirectory(dir=self.packages) as scratch:
            self._run("apt-get", "source", "--download-only", "--only-source", f"{package}={version}",
                      what=f"fetching the source of {package} {version}", cwd=scratch)
            for file in sorted(Path(scratch).iterdir(), key=lambda file: file.suffix == ".dsc"):
                file.rename(self.packages / file.name)

    def _fresh_lists(self):
        stamp = self.folder / "updated"
        if not stamp.exists() or time.time() - stamp.stat().st_mtime > LISTS_MAX_AGE:
            self.update()

    def _lock(self):
        return _FileLock(self.folder / "lock")

    def _run(self, *command, what=None, cwd=None):
        environment = dict(os.environ, APT_CONFIG=str(self.folder / "apt.conf"), LC_ALL="C.UTF-8")
        return call(command, what or " ".join(command[:2]), cwd=cwd, env=environment,
                    advice="Is there a network connection, and do /etc/apt's sources name a Debian archive?")

    def _write_sources(self, sources, suites, source):
        if not sources:
            raise Failure("no Debian archive found in /etc/apt/sources.list or /etc/apt/sources.list.d: "
                          "guests are fetched from the archive this machine is set up for")
        types = "deb deb-src" if source else "deb"
        if suites:  # another release lives beside ours in the main archive, not in the security one
            main = next((entry for entry in sources if not any("security" in s or "/" in s for s in entry.suites)), sources[0])
            text = main.as_deb822(types, suites)
        else:
            text = "\n".join(entry.as_deb822(types, entry.suites) for entry in sources)
        file = self.folder / "sources" / "debian.sources"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            (self.folder / "updated").unlink(missing_ok=True)

    def _write_configuration(self):
        """Ours replaces the machine's configuration; only how to reach an archive (Acquire::) is taken over."""
        dump = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, text=True, check=True).stdout
        acquire = [line for line in dump.splitlines()
                   if line.startswith("Acquire::") and not line.startswith("Acquire::IndexTargets")]
        sandbox = ['APT::Sandbox::User "root";'] if os.geteuid() == 0 else []  # the cache is no place for user _apt
        text = "\n".join(acquire + sandbox + [
            f'APT::Architecture "{self.arch}";',
            f'APT::Architectures {{ "{self.arch}"; }};',
            'APT::Get::List-Cleanup "true";',
            f'Dir::State "{self.folder}";',
            f'Dir::State::lists "{self.folder}/lists";',
            f'Dir::State::status "{self.folder}/status";',
            f'Dir::State::extended_states "{self.folder}/extended_states";',
            f'Dir::Cache "{self.folder}";',
            f'Dir::Cache::archives "{self.folder}/archives";',
            f'Dir::Etc::sourcelist "{self.folder}/sources.list";',
            f'Dir::Etc::sourceparts "{self.folder}/sources";',
            'Dir::Etc::main "/dev/null";',
            'Dir::Etc::parts "/dev/null";',
            'Dir::Etc::preferences "/dev/null";',
            'Dir::Etc::preferencesparts "/dev/null";',
        ]) + "\n"
        (self.folder / "status").touch()
        (self.folder / "sources.list").touch()
        # Whole or not at all, and only when it changes: others may be reading it.
        file = self.folder / "apt.conf"
        if file.exists() and file.read_text() == text:
            return
        temporary = file.with_name(f"apt.conf.{os.getpid()}.part")
        temporary.write_text(text)
        temporary.replace(file)


def newest(versions):
    """The highest of some versions by Debian's order, or None of none."""
    best = None
    for version in versions:
        if best is None or subprocess.run(["dpkg", "--compare-versions", version, "gt", best]).returncode == 0:
            best = version
    return best


class _FileLock:
    """An exclusive lock between processes, released when the block ends or the process dies."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.file = open(self.path, "w")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self.file.close()
