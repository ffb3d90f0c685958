import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { onTestFinished } from "vitest";
import { createPrivateApt } from "../../images/debian/apt.ts";
import { findHostSources } from "../../images/debian/sources.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import { run } from "#lib/run.ts";
import { createServerTls } from "../fakes/test-certificates.ts";

export interface RealRegistry {
  /** `127.0.0.1:PORT`. */
  host: string;
  caFile: string;
  /** In the format of --registry-auth-file. */
  authFile: string;
  /** Uploads an OCI archive under a name and a tag. */
  push(archive: string, nameAndTag: string): Promise<void>;
}

/** bcrypt of `stand-in`, the only password. */
const htpasswd = "robot:$2b$05$abcdefghijklmnopqrstuuL5OcNFaeiMiBT9ahw60BXKrDbZAzOxK\n";

/** Debian's docker-registry, unpacked but not installed, with TLS and a password, on loopback alone; it ends with the test. */
export async function startRealRegistry(folder: string): Promise<RealRegistry> {
  const signal = AbortSignal.timeout(120_000);
  const { sources } = await findHostSources({ signal });
  const apt = await createPrivateApt({ sources, kind: "deb", stateDir: join(folder, "apt") }, { signal });
  await apt.unpack(["docker-registry"], join(folder, "package"));
  const tls = await createServerTls(join(folder, "tls"));
  const host = `127.0.0.1:${await findFreePort()}`;
  const path = (name: string) => join(folder, name);
  await mkdir(path("data"));
  await writeFile(path("registry.crt"), tls.certificate);
  await writeFile(path("registry.key"), tls.key, { mode: 0o600 });
  await writeFile(path("htpasswd"), htpasswd);
  await writeFile(path("auth.json"), JSON.stringify({ auths: { [host]: { auth: btoa("robot:stand-in") } } }));
  const config = {
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: path("data") } },
    http: { addr: host, tls: { certificate: path("registry.crt"), key: path("registry.key") } },
    auth: { htpasswd: { realm: "stand-in", path: path("htpasswd") } },
  };
  await writeFile(path("config.yml"), JSON.stringify(config));
  const server = execa(path("package/usr/bin/docker-registry"), ["serve", path("config.yml")], { reject: false });
  onTestFinished(async () => {
    server.kill();
    await server;
  });
  const caFile = join(folder, "tls/ca.crt");
  await waitUntilAnswering(`https://${host}/v2/`, caFile);
  return {
    host,
    caFile,
    authFile: path("auth.json"),
    push: async (archive, nameAndTag) => {
      const to = [`--dest-authfile=${path("auth.json")}`, `oci-archive:${archive}`, `docker://${host}/${nameAndTag}`];
      await run("skopeo", ["--insecure-policy", "copy", "--quiet", ...to], { env: { SSL_CERT_FILE: caFile } });
    },
  };
}

async function waitUntilAnswering(url: string, caFile: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await run("curl", ["--silent", "--cacert", caFile, "--write-out", "%{http_code}", url]).catch(
      () => "",
    );
    if (answer.endsWith("401")) return;
    await sleep(100);
  }
  throw new Error(`The registry does not answer at ${url}`);
}
