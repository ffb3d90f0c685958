import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { BootstrapError } from "../errors.ts";
import type { UserData } from "./document.ts";

export interface Resolver {
  /** IPv4 addresses of a name, by hosts file and DNS, but for loopback ones. Throws where it has none. */
  lookUp(name: string): Promise<string[]>;
  ownAddresses(): string[];
}

export const systemResolver: Resolver = {
  async lookUp(name) {
    const all = (await lookup(name, { family: 4, all: true })).map(({ address }) => address);
    // Debian gives a machine's own name one (127.0.1.1).
    const usable = all.filter((address) => !address.startsWith("127."));
    if (usable.length === 0) throw new Error(`${all.join(", ")} alone`);
    return usable;
  },
  ownAddresses: () =>
    Object.values(networkInterfaces())
      .flatMap((entries = []) => entries)
      .filter(({ family, internal }) => family === "IPv4" && !internal)
      .map(({ address }) => address),
};

/** Records of machines that were just launched may come a little later than the machines. */
const patienceMs = 60_000;
const intervalMs = 500;

/**
 * Addresses of this node, of every control plane and of the domains; workers may be missing, and are then named at the
 * deadline. Asks again for a minute. Throws BootstrapError `invalid-input` naming each that does not resolve.
 */
export async function resolveNames(
  { self, controlPlanes, apiServerDomain, etcdDomain }: UserData,
  { resolver, signal }: { resolver: Resolver; signal: AbortSignal },
): Promise<Map<string, string>> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const names = [...new Set([self.name, ...controlPlanes, apiServerDomain, etcdDomain])];
  const pointerOf = (name: string) => {
    if (name === self.name) return "/myDomain";
    return controlPlanes.includes(name) ? "/masterAddr" : "/domainsEnv";
  };
  for (;;) {
    const answers = await Promise.all(names.map(async (name) => [name, await addressOf(name, resolver)] as const));
    const found = new Map(answers.flatMap(([name, answer]) => ("address" in answer ? [[name, answer.address]] : [])));
    const own = found.get(self.name);
    const problems = [
      ...answers.flatMap(([name, answer]) =>
        "problem" in answer ? [`${pointerOf(name)}: ${name} ${answer.problem}`] : [],
      ),
      ...(own === undefined || resolver.ownAddresses().includes(own)
        ? []
        : [
            `/myDomain: ${self.name} is ${own}, which this machine does not have (it has ${resolver.ownAddresses().join(", ")})`,
          ]),
    ];
    if (problems.length === 0) return found;
    if (limit.aborted)
      throw new BootstrapError(
        "invalid-input",
        `Cannot use user-data: ${problems.join("; ")}; each needs an IPv4 address in DNS or /etc/hosts`,
      );
    await sleep(intervalMs, undefined, { signal: limit }).catch(() => undefined);
  }
}

/** The lowest of several, so that every node takes the same one. */
async function addressOf(name: string, resolver: Resolver): Promise<{ address: string } | { problem: string }> {
  try {
    const [address] = (await resolver.lookUp(name)).toSorted();
    return address === undefined ? { problem: "does not resolve" } : { address };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { problem: `does not resolve (${code ?? message})` };
  }
}
