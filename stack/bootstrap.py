"""Creates .venv from the hashed lock file; a script for any Python 3 without packages.

``python3 -I stack/bootstrap.py run|test``. It uses only the standard library and the syntax of
Python 3.6, so that a Python that is too old prints a message instead of a syntax error.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
NEEDED = (3, 11)
# Measured: 460 MB of packages for run and 900 MB for test, and temporary files.
NEEDED_MEGABYTES = {"run": 800, "test": 1500}
NETWORK_SIGNS = (
    "NewConnectionError",
    "name resolution",
    "ConnectTimeout",
    "ReadTimeout",
    "Connection refused",
    "Network is unreachable",
    "ProxyError",
)


class BootstrapError(Exception):
    """An error with one line for the user, in English and Spanish."""

    def __init__(self, english: str, spanish: str) -> None:
        super().__init__(f"{english} / {spanish}")


def check_machine() -> None:
    """Raise if the machine cannot run the stack (Python, processor, C library)."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < NEEDED:
        hint = "make PYTHON=python3.12 …"
        raise BootstrapError(
            f"Python 3.11 or newer is needed, this is {found}; name another one: {hint}",
            f"se necesita Python 3.11 o más nuevo y este es {found}; indique otro: {hint}",
        )
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        raise BootstrapError(
            f"this runs on x86-64 Linux, not on {machine}; docs/installing.md has the other way",
            f"esto funciona en Linux x86-64, no en {machine}; vea docs/installing.md",
        )
    if platform.libc_ver()[0] != "glibc":
        raise BootstrapError(
            "a Linux with glibc is needed (not musl, as in Alpine)",
            "se necesita un Linux con glibc (no musl, como Alpine)",
        )


def list_inputs(purpose: str) -> "list[str]":
    """Return the files on which the content of .venv depends, the two locks first."""
    names = ["requirements/build.txt", f"requirements/{purpose}.txt", "pyproject.toml", "setup.py"]
    return [os.path.join(ROOT, name) for name in names]


def compute_stamp(purpose: str) -> str:
    """Return a digest of everything that .venv depends on: Python, path, lock files, packaging."""
    digest = hashlib.sha256(repr((sys.version_info[:3], ROOT)).encode())
    for path in list_inputs(purpose):
        with open(path, "rb") as stream:
            digest.update(stream.read())
    return digest.hexdigest()


def locate_stamp(purpose: str) -> str:
    """Return the path of the file with the digest."""
    return os.path.join(VENV, "made-for-" + purpose)


def is_ready(purpose: str) -> bool:
    """Return whether .venv is up to date."""
    try:
        with open(locate_stamp(purpose), encoding="ascii") as stream:
            return stream.read() == compute_stamp(purpose) and os.path.exists(PYTHON)
    except OSError:
        return False


def check_space(purpose: str) -> None:
    """Raise if the disk has too little space."""
    free = shutil.disk_usage(ROOT).free // 1000000
    needed = NEEDED_MEGABYTES[purpose]
    if free < needed:
        raise BootstrapError(
            f"no disk space: {needed} MB are needed in {ROOT}, {free} MB are free",
            f"no hay espacio en disco: se necesitan {needed} MB en {ROOT} y hay {free} MB libres",
        )


def create_venv() -> None:
    """Create .venv; recreate one of another Python."""
    wanted = ".".join(str(part) for part in sys.version_info[:3])
    try:
        with open(os.path.join(VENV, "pyvenv.cfg"), encoding="utf-8") as stream:
            if f"version = {wanted}\n" in stream.read() and os.path.exists(PYTHON):
                return
    except OSError:
        pass
    shutil.rmtree(VENV, ignore_errors=True)
    print_line(f"  · .venv with Python {wanted}")
    made = subprocess.run(
        [sys.executable, "-m", "venv", VENV],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise BootstrapError(
            "Python's venv module does not work; on Debian: apt install python3-venv",
            "el módulo venv de Python no funciona; en Debian: apt install python3-venv",
        )


def install_packages(title: str, total: int, *arguments: str) -> None:
    """Run ``pip install`` with a progress line; raise an error of one line if it fails."""
    log = os.path.join(VENV, "pip.log")
    seen = 0
    with open(log, "w", encoding="utf-8") as record:
        run = subprocess.Popen(
            [PYTHON, "-I", "-m", "pip", "install", "--no-input", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        assert run.stdout is not None
        for line in run.stdout:
            record.write(line)
            if line.startswith(("Collecting ", "Requirement already satisfied")):
                seen += 1
                draw_line(f"  · {title} {seen} of {total}", seen)
            elif line.startswith("Installing collected"):
                draw_line(f"  · {title}: installing {total}", 0)
        if run.wait() == 0:
            print_line(f"  ✓ {title}")
            return
    with open(log, encoding="utf-8") as record:
        raise explain_failure(record.read(), log)


def explain_failure(output: str, log: str) -> BootstrapError:
    """Return an error of one line for pip's output."""
    if "No space left on device" in output:
        return BootstrapError("no disk space left", "no queda espacio en disco")
    if "DO NOT MATCH THE HASHES" in output:
        return BootstrapError(
            f"a downloaded package is not the locked one (its SHA-256 differs), see {log}",
            f"un paquete descargado no es el esperado (su SHA-256 difiere), vea {log}",
        )
    if any(sign in output for sign in NETWORK_SIGNS):
        return BootstrapError(
            f"no network: the Python packages cannot be downloaded (see {log})",
            f"no hay red: no se pueden descargar los paquetes de Python (vea {log})",
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["?"]
    last = ([line for line in lines if line.startswith("ERROR")] or lines)[-1]
    return BootstrapError(f"pip failed: {last[:200]} (all of it in {log})", f"pip falló; vea {log}")


def count_packages(path: str) -> int:
    """Return the number of packages in a lock file."""
    with open(path, encoding="utf-8") as stream:
        return sum(1 for line in stream if "==" in line and not line.startswith(("#", " ")))


def draw_line(text: str, number: int) -> None:
    """Redraw a line on a terminal; elsewhere print every twentieth."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()
    elif number % 20 == 0:
        print_line(text)


def print_line(text: str) -> None:
    """Print a line."""
    sys.stderr.write(("\r\033[K" if sys.stderr.isatty() else "") + text + "\n")
    sys.stderr.flush()


def prepare_venv(purpose: str) -> None:
    """Install into .venv the packages for ``purpose``; do nothing if it is up to date."""
    check_machine()
    if is_ready(purpose):
        return
    check_space(purpose)
    create_venv()
    build, wanted = list_inputs(purpose)[:2]
    for title, lock in (("build tools", build), ("Python packages", wanted)):
        locked = ["--require-hashes", "--no-deps", "--no-build-isolation", "-r", lock]
        install_packages(title, count_packages(lock), *locked)
    # Left by building a wheel: Python would find the entry points of that version first.
    shutil.rmtree(os.path.join(ROOT, "ckanext_marathon.egg-info"), ignore_errors=True)
    install_packages("ckanext-marathon", 1, "--no-deps", "--no-build-isolation", "-e", ROOT)
    with open(locate_stamp(purpose), "w", encoding="ascii") as stream:
        stream.write(compute_stamp(purpose))


def main(arguments: "list[str]") -> int:
    """Return the exit code."""
    if len(arguments) != 1 or arguments[0] not in NEEDED_MEGABYTES:
        print_line("usage: bootstrap.py run|test")
        return 2
    try:
        prepare_venv(arguments[0])
    except BootstrapError as fault:
        print_line(f"✗ {fault}")
        return 1
    except PermissionError as fault:
        print_line(
            f"✗ no permission for {fault.filename}; was it made by another user? / "
            f"sin permiso para {fault.filename}; ¿lo creó otro usuario?"
        )
        return 1
    except KeyboardInterrupt:
        print_line("")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
