#!/usr/bin/python3
"""Brings sprout-bootstrap to an image that lacks it. In Python, because cloud-init is: nothing else need be there."""

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
# By what `uname -m` says: where it is, and its SHA-256.
EXECUTABLES = {
{{#executables}}
    "{{machine}}": ("{{url}}", "{{sha256}}"),
{{/executables}}
}
# Seconds between attempts: a server that starts again is back by then.
PAUSES = (1, 2, 4, 8, 15)


def fail(problem):
    """To the timeline as well: cloud-init tells there only that some script failed."""
    problem = "Cannot bring sprout-bootstrap: " + problem
    name = "modules-final/install-bootstrapper"
    report = {"name": name, "event_type": "finish", "result": "FAIL", "description": problem}
    request = urllib.request.Request(REPORT_URL, json.dumps(report).encode(), {"Content-Type": "application/json"})
    with contextlib.suppress(OSError, http.client.HTTPException):
        urllib.request.urlopen(request, timeout=5).close()
    sys.exit(problem)


def download(url, file):
    """Returns the SHA-256. Raises OSError where it did not come whole."""
    digest = hashlib.sha256()
    received = 0
    with urllib.request.urlopen(url, timeout=30) as answer:
        size = int(answer.headers["Content-Length"])
        while block := answer.read(1 << 20):
            received += len(block)
            digest.update(block)
            file.write(block)
    if received < size:
        raise OSError(f"it was cut off after {received} of {size} bytes")
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
        fail("the server has none for " + machine)
    url, expected = EXECUTABLES[machine]
    # Beside its place, so that it is there whole or not at all.
    handle, partial = tempfile.mkstemp(dir=os.path.dirname(EXECUTABLE), prefix=".sprout-bootstrap.")
    os.close(handle)
    try:
        sha256 = download_patiently(url, partial)
        if sha256 != expected:
            fail(f"its SHA-256 is {sha256}, not {expected} as the server said before, at {url}")
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


def install_unit():
    with open(UNIT, "w", encoding="utf-8") as unit:
        unit.write(UNIT_TEXT)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    # After a reboot it goes on where it was.
    subprocess.run(["systemctl", "enable", "sprout-bootstrap.service"], check=True)


try:
    if not os.path.exists(EXECUTABLE):
        fetch()
        install_library()
    if not os.path.exists(UNIT):
        install_unit()
except (OSError, subprocess.SubprocessError) as error:
    fail(str(error))
