import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { Namespace } from "../../fixtures/namespaces.ts";

/** How long all the clients of one run may take. */
const timeoutMs = 120_000;
const attempts = 100;

const curl = (url: string) => ["curl", "--silent", "--show-error", "--fail", url];
const inside = ({ pid }: Namespace) => ["--target", String(pid), "--net"];

export async function untilServed(clients: Namespace, url: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { failed, stderr } = await execa("nsenter", [...inside(clients), ...curl(url), "--head"], { reject: false });
    if (!failed) return;
    if (attempt === attempts) throw new Error(`Cannot measure ${url}: ${stderr}`);
    await sleep(100);
  }
}

/** Of what one client is sent. */
export async function sha256OfFetched(clients: Namespace, url: string): Promise<string> {
  const fetching = execa("nsenter", [...inside(clients), ...curl(url)], { encoding: "buffer", maxBuffer: 1e9 });
  const { stdout } = await fetching.pipe("sha256sum", [], { encoding: "utf8" });
  return stdout.split(" ")[0] ?? "";
}

/** As many curls at once, each a process; throws where one of them did not get every byte. */
export async function fetchAtOnce(
  namespace: Namespace,
  { url, clients, sizeBytes }: { url: string; clients: number; sizeBytes: number },
): Promise<{ seconds: number }> {
  const args = [...inside(namespace), ...curl(url), "--output", "/dev/null"];
  const write = ["--write-out", "%{http_code} %{size_download}"];
  const startedAt = performance.now();
  const answers = await Promise.all(
    Array.from({ length: clients }, () => execa("nsenter", [...args, ...write], { timeout: timeoutMs })),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  for (const { stdout } of answers)
    if (stdout !== `200 ${sizeBytes}`) throw new Error(`Cannot measure ${url}: a client got "${stdout}"`);
  return { seconds };
}
