import { createReadStream } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { execa } from "execa";
import { run } from "#lib/run.ts";

export interface BootServices {
  /** URL of files and scripts for machines. */
  url: string;
  /** Every requested path with its time, in milliseconds since the epoch. */
  requests: { path: string; at: number }[];
  /** Assigns a machine its address and iPXE script. */
  admit(machine: { mac: string; address: string; script: string }): Promise<void>;
  close(): Promise<void>;
}

/** A stand-in for the server's boot surface: dnsmasq and an HTTP server on one bridge, on which the host has `address`. */
export async function startBootServices(options: {
  bridge: string;
  address: string;
  /** The kernel, initrd and root image. */
  filesDir: string;
  workDir: string;
}): Promise<BootServices> {
  const { bridge, address, filesDir, workDir } = options;
  const hostsDir = join(workDir, "dhcp-hosts");
  await mkdir(hostsDir, { recursive: true });
  const scripts = new Map<string, string>();
  const requests: BootServices["requests"] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    requests.push({ path, at: Date.now() });
    const script = scripts.get(path);
    if (script !== undefined) response.end(script);
    else sendFile(join(filesDir, path.slice(1)), response).catch(() => response.destroy());
  });
  server.listen(0, address);
  await once(server, "listening");
  const url = `http://${address}:${(server.address() as AddressInfo).port}`;
  // eslint-disable-next-line no-template-curly-in-string -- iPXE's syntax
  scripts.set("/boot.ipxe", `#!ipxe\nchain ${url}/machines/\${net0/mac:hexhyp}.ipxe\n`);
  // iPXE waits 16 s for a router advertisement otherwise.
  await run("ip", ["address", "add", "fd77::1/64", "dev", bridge, "nodad"]);
  const dnsmasq = execa(
    "setpriv",
    ["--pdeathsig", "KILL", "dnsmasq", ...dnsmasqArguments({ ...options, hostsDir, url })],
    {
      stdin: "ignore",
      reject: false,
    },
  );
  return {
    url,
    requests,
    async admit({ mac, address: machineAddress, script }) {
      scripts.set(`/machines/${mac.replaceAll(":", "-")}.ipxe`, script);
      await writeFile(join(hostsDir, mac.replaceAll(":", "-")), `${mac},${machineAddress},infinite\n`);
    },
    async close() {
      dnsmasq.kill("SIGKILL");
      await dnsmasq;
      server.closeAllConnections();
      server.close();
    },
  };
}

async function sendFile(file: string, response: ServerResponse): Promise<void> {
  const { size } = await stat(file).catch(() => ({ size: null }));
  if (size === null) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-length": size });
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), response);
}

function dnsmasqArguments(options: {
  bridge: string;
  address: string;
  workDir: string;
  hostsDir: string;
  url: string;
}) {
  const { bridge, address, workDir, hostsDir, url } = options;
  return [
    ["--no-daemon", "--conf-file=/dev/null", "--port=0", "--user=root"],
    [`--interface=${bridge}`, "--except-interface=lo", "--bind-interfaces"],
    ["--dhcp-authoritative", "--no-ping", "--dhcp-no-override", `--dhcp-leasefile=${join(workDir, "leases")}`],
    [`--dhcp-range=${address.replace(/\d+$/, "0")},static,255.255.255.0`, `--dhcp-hostsdir=${hostsDir}`],
    [`--dhcp-option=option:router,${address}`, "--dhcp-option=option:dns-server"],
    // dnsmasq serves only iPXE, with the option not to wait for a ProxyDHCP answer.
    ["--dhcp-match=set:ipxe,175", `--dhcp-boot=tag:ipxe,${url}/boot.ipxe`, "--dhcp-option=encap:175,176,1b"],
    ["--enable-ra", `--dhcp-range=::,constructor:${bridge},ra-stateless,64,1h`],
  ].flat();
}
