#!/usr/bin/python3
"""Brings sprout-bootstrap to an image that lacks it. In Python, because cloud-init is: nothing else need be there."""

import hashlib
import os
import platform
import subprocess
import sys
import tempfile
import urllib.request

EXECUTABLE = "/usr/bin/sprout-bootstrap"
UNIT = "/etc/systemd/system/sprout-bootstrap.service"
UNIT_TEXT = {{unit}}
# By what `uname -m` says: where it is, and its SHA-256.
EXECUTABLES = {
{{#executables}}
    "{{machine}}": ("{{url}}", "{{sha256}}"),
{{/executables}}
}


def fetch():
    machine = platform.machine()
    if machine not in EXECUTABLES:
        sys.exit("Cannot bring sprout-bootstrap: the server has none for " + machine)
    url, sha256 = EXECUTABLES[machine]
    digest = hashlib.sha256()
    # Beside its place, so that it is there whole or not at all.
    handle, partial = tempfile.mkstemp(dir=os.path.dirname(EXECUTABLE), prefix=".sprout-bootstrap.")
    try:
        with os.fdopen(handle, "wb") as file, urllib.request.urlopen(url, timeout=30) as answer:
            while block := answer.read(1 << 20):
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            sys.exit("Cannot bring sprout-bootstrap: its SHA-256 is " + digest.hexdigest() + ", not " + sha256)
        os.chmod(partial, 0o755)
        os.rename(partial, EXECUTABLE)
    finally:
        if os.path.exists(partial):
            os.unlink(partial)


def install_library():
    """Node.js needs libatomic, which small images do not have."""
    starts = subprocess.run([EXECUTABLE, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if starts.returncode == 127:
        subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", "libatomic1"], check=True)


if not os.path.exists(EXECUTABLE):
    fetch()
    install_library()
if not os.path.exists(UNIT):
    with open(UNIT, "w", encoding="utf-8") as unit:
        unit.write(UNIT_TEXT)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    # After a reboot it goes on where it was.
    subprocess.run(["systemctl", "enable", "sprout-bootstrap.service"], check=True)
