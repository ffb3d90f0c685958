"""Debian's own cloud-init asks a metadata server, as on a machine; only what it is told of the machine is ours.

Standard input: {"datasource": "NoCloud" | "Ec2", "url": ..., "isEc2": bool}. Prints what it found, as JSON.
"""

import json
import logging
import os
import sys
import tempfile

given = json.loads(os.environ["CRAWL"])
logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
if given["datasource"] == "NoCloud":
    os.environ["DEBUG_PROC_CMDLINE"] = "quiet ds=nocloud;s=" + given["url"] + ";dsmode=net"

from cloudinit import distros, helpers, user_data, version  # noqa: E402
from cloudinit.sources import DataSourceEc2, DataSourceNoCloud  # noqa: E402

with tempfile.TemporaryDirectory() as folder:
    paths = helpers.Paths({"cloud_dir": folder, "run_dir": folder})
    config = {"datasource": {"Ec2": {"strict_id": False, "metadata_urls": [given["url"]]}}}
    distro = distros.fetch("debian")("debian", config, paths)
    if given["datasource"] == "NoCloud":
        source = DataSourceNoCloud.DataSourceNoCloudNet(config, distro, paths)
    else:
        platform = DataSourceEc2.CloudNames.AWS if given["isEc2"] else DataSourceEc2.CloudNames.UNKNOWN
        DataSourceEc2.identify_platform = lambda: platform
        source = DataSourceEc2.DataSourceEc2(config, distro, paths)
    found = source.get_data()
    parts = user_data.UserDataProcessor(paths).process(source.get_userdata_raw())
    print(
        json.dumps(
            {
                "version": version.version_string(),
                "found": found,
                "mode": source.dsmode,
                "instanceId": source.get_instance_id(),
                "hostname": str(source.get_hostname(fqdn=True).hostname),
                "userDataParts": [part.get_content_type() for part in parts.walk() if not part.is_multipart()],
                "vendorData": (source.get_vendordata_raw() or b"").decode()[:100],
            }
        )
    )
