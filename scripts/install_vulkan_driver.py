"""Gives this virtual environment a Vulkan driver that SAPIEN can render with.

Tried in this order, each judged by a picture rendered in a process of its own:

1. what the machine offers already (a GPU's driver, a new enough Mesa, the user's VK_DRIVER_FILES);
2. the machine's lavapipe alone (a broken driver beside it can spoil both);
3. Mesa's lavapipe, downloaded with apt and unpacked into `.venv/vulkan`, with those libraries that
   it and SAPIEN need and a bare machine lacks. This needs no root and leaves the system as it is:
   apt works on a state folder of its own.

The outcome is recorded (see `envs/vulkan.py`), so that a second run costs nothing, success or not.
With `--system`, step 3 installs Debian packages on the system instead, which takes root.

Ubuntu is untested: 24.04 has a new enough Mesa in its own archive; 22.04's is 23.2, which probably
is too old, and then the probe says so and the line printed names what helps.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from apt_sources import distribution_sources, format_sources

# By its path: the package `envs` imports SAPIEN, which may not work before this script has run.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "envs"))
import vulkan

PACKAGE = "mesa-vulkan-drivers"
SAPIEN_PACKAGE = "libx11-6"  # SAPIEN is linked to it, and bare machines lack it
OLDEST_MESA = (23, 3)  # 22.3 fails with ErrorFeatureNotPresent
APT_FOLDER = Path("/etc/apt")
SYSTEM_MANIFESTS = Path("/usr/share/vulkan/icd.d")


class InstallError(Exception):
    """No driver could be installed; the message is one line for the user."""


def os_codename() -> str:
    """Returns the code name of this distribution release, such as "bookworm"."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def mesa_version(text: str) -> tuple[int, int]:
    """Reads the candidate's version, major and minor, from what `apt-cache policy` printed."""
    found = re.search(r"Candidate: (?:\d+:)?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


class Apt:
    """apt on a state of its own (`private`) or on the system's.

    Args:
        private: Folder for the state; None for the system's, which takes root.
        log: File that the output of the commands is appended to.
    """

    def __init__(self, private: Path | None, log: Path) -> None:
        self._log = log
        self._options = ["-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30"]
        self._private = private
        if private is None:
            return
        for name in ("lists/partial", "cache/archives/partial", "sources"):
            (private / name).mkdir(parents=True)
        for option in (
            f"Dir::State::Lists={private}/lists",
            f"Dir::Cache={private}/cache",
            "Dir::Etc::SourceList=/dev/null",
            f"Dir::Etc::SourceParts={private}/sources",
            "Debug::NoLocking=1",  # the locks are the system's
            "APT::Sandbox::User=root",  # another user could not write into the private state
            "Acquire::Languages=none",
        ):
            self._options += ["-o", option]

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs `apt-get` or `apt-cache`, whose messages are kept in English and in the log."""
        environment = os.environ | {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(
            [command, *self._options, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with self._log.open("a") as log:
            log.write(f"$ {command} {' '.join(arguments)}\n{done.stdout}\n")
        return done

    def install(self, codename: str, *options: str) -> str:
        """Installs the package, from backports where the release has only one that is too old.

        Returns:
            Name and version of the package.
        """
        # One source that fails must not stop this: what matters is whether the package is found.
        updated = self.run("apt-get", "update")
        offered = mesa_version(self.run("apt-cache", "policy", PACKAGE).stdout)
        suite = ["-t", f"{codename}-backports"] if offered < OLDEST_MESA else []
        arguments = [*suite, "-y", "--no-install-recommends", *options, "install"]
        done = self.run("apt-get", *arguments, PACKAGE, SAPIEN_PACKAGE)
        if done.returncode:
            output = updated.stdout + done.stdout
            # What could not be fetched, with the reason on the next line; or else the first error.
            found = re.search(r"^Err:\d+ (.*\n.*)", output, re.M) or re.search("E: (.*)", output)
            reason = " ".join(found[1].split()) if found else f"exit status {done.returncode}"
            raise InstallError(f"apt-get failed: {reason} (log: {self._log})")
        text = self.run("apt-cache", *suite, "policy", PACKAGE).stdout
        version = re.search(r"Candidate: (\S+)", text)
        return f"{PACKAGE} {version[1] if version else '?'}"


def own_libraries(library: Path, folder: Path) -> dict[str, Path]:
    """Returns those libraries that `library` needs and that lie in `folder`, by name."""
    done = subprocess.run(
        ["ldd", str(library)],
        env=os.environ | {"LD_LIBRARY_PATH": str(folder)},
        capture_output=True,
        text=True,
    )
    found = re.findall(r"(\S+) => (.+) \(0x", done.stdout)
    return {name: Path(path) for name, path in found if Path(path).parent == folder}


def sapien_libraries() -> list[Path]:
    """Returns SAPIEN's compiled modules, without importing it."""
    spec = importlib.util.find_spec("sapien")
    return sorted(Path(spec.origin).parent.glob("pysapien*.so")) if spec and spec.origin else []


def unpack(archives: list[Path], folder: Path) -> tuple[str, ...]:
    """Unpacks the driver and those libraries that it and SAPIEN need and the machine lacks.

    Args:
        archives: Debian packages.
        folder: Folder to lay the driver into.

    Returns:
        What to load before SAPIEN, in order, relative to `folder`.
    """
    root = folder / "root"
    for archive in archives:
        subprocess.run(["dpkg-deb", "-x", str(archive), str(root)], check=True)
    driver = next(root.rglob("libvulkan_lvp.so"), None)
    if driver is None:
        raise InstallError(
            f"apt brought no lavapipe driver (the machine's {PACKAGE} is the newest)"
        )
    needed: dict[str, Path] = {}
    for library in [driver, *sapien_libraries()]:
        needed |= own_libraries(library, driver.parent)
    # What a library needs, needs fewer libraries than it does: sorted so, each follows its own.
    depth = {name: len(own_libraries(path, driver.parent)) for name, path in needed.items()}
    (folder / "lib").mkdir()
    shutil.copy(driver, folder / "lib")
    for name, path in needed.items():
        shutil.copy(path, folder / "lib" / name)  # follows the link: the name is what is looked for
    manifest = json.loads(next(root.glob("usr/share/vulkan/icd.d/lvp_icd*.json")).read_text())
    # The loader takes this as relative to the manifest, so that the folder can be moved.
    manifest["ICD"]["library_path"] = "./lib/libvulkan_lvp.so"
    (folder / "lvp_icd.json").write_text(json.dumps(manifest, indent=2) + "\n")
    shutil.rmtree(root)
    return tuple(f"lib/{name}" for name in sorted(needed, key=lambda name: depth[name]))


def judged(record: vulkan.DriverRecord, folder: Path) -> vulkan.DriverRecord:
    """Writes the record into `folder`, with what a probe of its driver finds."""
    record.write(folder)
    record = dataclasses.replace(record, probe=vulkan.probe(folder))
    record.write(folder)
    return record


def choose(work: Path, log: Path, *, system: bool) -> vulkan.DriverRecord:
    """Finds or installs a driver.

    Args:
        work: Empty folder that becomes the environment's `vulkan` folder.
        log: File for the output of apt.
        system: Whether to install on the system rather than into `work`.

    Returns:
        The record of the driver, which lies in `work` too.

    Raises:
        InstallError: If none works and none could be installed.
    """
    found = vulkan.probe(work, use_record=False)
    record = vulkan.DriverRecord(found.driver, (), "", vulkan.nvidia_gpu_present(), found)
    record.write(work)
    if found.ok:
        return record
    print(f"No usable Vulkan driver on this machine: {found.error}", flush=True)
    for manifest in sorted(SYSTEM_MANIFESTS.glob("lvp_icd*.json")):
        alone = judged(dataclasses.replace(record, driver_files=str(manifest)), work)
        if alone.probe.ok:
            return alone

    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise InstallError("there is no apt-get here to download one with")
    codename = os_codename()
    sources = distribution_sources(APT_FOLDER, codename) if codename else []
    if not sources:
        raise InstallError(f"apt has no source for this distribution in {APT_FOLDER}")
    if system:
        if os.geteuid() != 0:
            raise InstallError("installing on the system takes root; without --system it does not")
        print("Installing Mesa's software driver on the system ...", flush=True)
        backports = f"{codename}-backports"
        mirror = next(each for each in sources if backports in each["suites"].split())
        path = APT_FOLDER / "sources.list.d" / "emma-gym-backports.sources"
        path.write_text(format_sources([mirror | {"suites": backports}]))
        package = Apt(None, log).install(codename)
        return judged(dataclasses.replace(record, driver_files="", package=package), work)

    print("Downloading Mesa's software driver into the virtual environment ...", flush=True)
    private = work / "apt"
    apt = Apt(private, log)
    (private / "sources" / "distribution.sources").write_text(format_sources(sources))
    package = apt.install(codename, "--download-only")
    preload = unpack(sorted(private.glob("cache/archives/*.deb")), work)
    shutil.rmtree(private)
    if "ImportError" in found.error:  # only SAPIEN's own libraries may have been missing
        machine = judged(dataclasses.replace(record, preload=preload), work)
        if machine.probe.ok:
            return machine
    record = dataclasses.replace(
        record, driver_files="lvp_icd.json", preload=preload, package=package
    )
    return judged(record, work)


def install(folder: Path, *, system: bool) -> vulkan.DriverRecord:
    """Chooses a driver and puts it and its record into `folder`, in place of what was there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.parent / "vulkan-install.log"
    log.unlink(missing_ok=True)
    # Beside its final place, so that one rename is enough.
    work = Path(tempfile.mkdtemp(prefix="vulkan-", dir=folder.parent))
    try:
        try:
            record = choose(work, log, system=system)
        except InstallError as error:
            kept = vulkan.read_record(folder)
            if kept and kept.probe.ok and vulkan.probe(folder).ok:
                print(f"{error}; the driver installed earlier stays")
                return kept
            failed = vulkan.ProbeResult(False, error=str(error))
            record = vulkan.DriverRecord("", (), "", vulkan.nvidia_gpu_present(), failed)
        # The probe ran in the working folder, which is about to get another name.
        driver = record.probe.driver.replace(str(work), str(folder))
        record = dataclasses.replace(record, probe=dataclasses.replace(record.probe, driver=driver))
        record.write(work)
        shutil.rmtree(work / "apt", ignore_errors=True)
        work.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return record


def main() -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--again", action="store_true", help="look again, whatever is recorded")
    parser.add_argument("--system", action="store_true", help="install on the system (as root)")
    parser.add_argument("--optional", action="store_true", help="exit 0 if no driver can be had")
    arguments = parser.parse_args()

    record: vulkan.DriverRecord | None = vulkan.read_record()
    moved = record is not None and record.nvidia != vulkan.nvidia_gpu_present()
    if record is None or moved or arguments.again or arguments.system:
        record = install(vulkan.driver_folder(), system=arguments.system)
    if record.probe.ok:
        print(f"Vulkan: {record.probe.device}")
        return 0
    print(f"{record.probe.error}. {vulkan.RENDERING_HELP}", file=sys.stderr)
    return 0 if arguments.optional else 1


if __name__ == "__main__":
    sys.exit(main())
