import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { LaunchedMachine } from "./launched-machines.ts";

const main = join(import.meta.dirname, "../../cli/main.ts");
const sprout = async (...argv: string[]) => (await execa(process.execPath, [main, ...argv])).stdout;

export const nameOf = (label: string) => `${label}.build126.test`;
export const domains = { apiServer: nameOf("api"), etcd: nameOf("etcd") };

/** Another platform that launches clusters from a baked image: its authorities, and each machine's user-data. */
export interface TestPlatform {
  /** Secrets that must not appear on a console. */
  token: string;
  planLaunch(cluster: PlatformCluster): LaunchedMachine[];
  close(): Promise<void>;
}

export interface PlatformCluster {
  masters: string[];
  workers: string[];
  deadlineSeconds?: number;
  /** Names without a machine. */
  absent?: string[];
}

export async function openTestPlatform(): Promise<TestPlatform> {
  const folder = await mkdtemp(join(tmpdir(), "sprout-platform-"));
  const [pki, keyFile] = [join(folder, "build126"), join(folder, "image.key")];
  await sprout("pki", "new", pki);
  await sprout("pki", "key", keyFile);
  const seal = ["pki", "seal", pki, "--key", keyFile, "--api-server-domain", domains.apiServer];
  const sealed = JSON.parse(await sprout(...seal)) as { master: string; node: string };
  const key = await readFile(keyFile, "utf8");
  const { token } = JSON.parse(await readFile(join(pki, "worker.json"), "utf8")) as { token: string };
  return {
    token,
    planLaunch({ masters, workers, absent = [], ...more }) {
      const plan = (name: string, role: "master" | "node", give: (userData: string) => Partial<LaunchedMachine>) => {
        const userData = {
          domainsEnv: `BASE_DOMAIN=test API_SERVER_DOMAIN=${domains.apiServer} ETCD_DOMAIN=${domains.etcd}`,
          masterAddr: masters.join(" "),
          kubenodesAddr: workers.join(" "),
          myDomain: name,
          myRole: role,
          sealedPki: sealed[role],
          ...more,
        };
        const { files, ...given } = give(JSON.stringify(userData));
        const isAbsent = absent.includes(name);
        const asRole = role === "master" ? ("control-plane" as const) : ("worker" as const);
        return { name, role: asRole, isAbsent, files: { ...files, "etc/sprout/user-data.key": key }, ...given };
      };
      const ways = [
        (userData: string) => ({ instanceUserData: userData }),
        (userData: string) => ({ files: { "var/lib/cloud/seed/nocloud/user-data": userData } }),
        (userData: string) => ({ files: { "etc/sprout/user-data.json": userData } }),
      ];
      return [
        ...masters.map((name) => ({ name, role: "master" as const })),
        ...workers.map((name) => ({ name, role: "node" as const })),
      ].map(({ name, role }, index) => plan(name, role, ways[index % ways.length]!));
    },
    close: () => rm(folder, { recursive: true }),
  };
}
