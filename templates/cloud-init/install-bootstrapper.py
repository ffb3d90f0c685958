#!/usr/bin/python3
"""Installs sprout-bootstrap on an image that lacks it. In Python, because cloud-init needs Python anyway."""

import contextlib
import hashlib
import http.client
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request

EXECUTABLE = "/usr/bin/sprout-bootstrap"
UNIT = "/etc/systemd/system/sprout-bootstrap.service"
UNIT_TEXT = {{unit}}
REPORT_URL = "{{reportUrl}}"
# URL and SHA-256 by architecture, as `uname -m` prints it.
EXECUTABLES = {
{{#executables}}
    "{{machine}}": ("{{url}}", "{{sha256}}"),
{{/executables}}
}
# Seconds between attempts, long enough for a server that restarts.
PAUSES = (1, 2, 4, 8, 15)


def fail(problem):
    """Also reports to the timeline, where cloud-init itself reports only that some script failed."""
    problem = "Cannot install sprout-bootstrap: " + problem
    name = "modules-final/install-bootstrapper"
    report = {"name": name, "event_type": "finish", "result": "FAIL", "description": problem}
    request = urllib.request.Request(REPORT_URL, json.dumps(report).encode(), {"Content-Type": "application/json"})
    with contextlib.suppress(OSError, http.client.HTTPException):
        urllib.request.urlopen(request, timeout=5).close()
    sys.exit(problem)


def download(url, file):
    """Returns the SHA-256. Raises OSError if the download is truncated."""
    digest = hashlib.sha256()
    received = 0
    with urllib.request.urlopen(url, timeout=30) as answer:
        size = int(answer.headers["Content-Length"])
        while block := answer.read(1 << 20):
            received += len(block)
            digest.update(block)
            file.write(block)
    if received < size:
        raise OSError(f"it was truncated after {received} of {size} bytes")
    return digest.hexdigest()


def download_patiently(url, path):
    for pause in (*PAUSES, None):
        try:
            with open(path, "wb") as file:
                sha256 = download(url, file)
                file.flush()
                os.fsync(file.fileno())
                return sha256
        except (OSError, http.client.HTTPException) as error:
            if pause is None:
                fail(f"{error or type(error).__name__}, at {url}, {len(PAUSES) + 1} times")
            time.sleep(pause)


def fetch():
    machine = platform.machine()
    if machine not in EXECUTABLES:
        fail("the server has no executable for " + machine)
    url, expected = EXECUTABLES[machine]
    # In the same folder, so that a rename puts it in place, whole or not at all.
    handle, partial = tempfile.mkstemp(dir=os.path.dirname(EXECUTABLE), prefix=".sprout-bootstrap.")
    os.close(handle)
    try:
        sha256 = download_patiently(url, partial)
        if sha256 != expected:
            fail(f"its SHA-256 is {sha256}, not {expected} as the server said, at {url}")
        os.chmod(partial, 0o755)
        os.rename(partial, EXECUTABLE)
    finally:
        if os.path.exists(partial):
            os.unlink(partial)


def install_library():
    """Node.js needs libatomic, which small images lack."""
    starts = subprocess.run([EXECUTABLE, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if starts.returncode == 127:
        subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", "libatomic1"], check=True)


def install_unit():
    with open(UNIT, "w", encoding="utf-8") as unit:
        unit.write(UNIT_TEXT)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    # It resumes after a reboot.
    subprocess.run(["systemctl", "enable", "sprout-bootstrap.service"], check=True)


try:
    if not os.path.exists(EXECUTABLE):
        fetch()
        install_library()
    if not os.path.exists(UNIT):
        install_unit()
except (OSError, subprocess.SubprocessError) as error:
    fail(str(error))
