import { lookup } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { BootstrapError } from "../errors.ts";
import { ownAddresses } from "../machine/hardware.ts";
import type { UserData } from "./document.ts";

export interface Resolver {
  /** Returns the IPv4 addresses of a name by hosts file and DNS, without loopback ones. Throws if it has none. */
  lookUp(name: string): Promise<string[]>;
  ownAddresses(): string[];
}

export const systemResolver: Resolver = {
  async lookUp(name) {
    const all = (await lookup(name, { family: 4, all: true })).map(({ address }) => address);
    // Debian maps a machine's own name to one (127.0.1.1).
    const usable = all.filter((address) => !address.startsWith("127."));
    if (usable.length === 0) throw new Error(`${all.join(", ")} alone`);
    return usable;
  },
  ownAddresses: () => ownAddresses(),
};

/** DNS records of machines may appear a little later than the machines. */
const patienceMs = 60_000;
const intervalMs = 500;

/**
 * Resolves this node, every control plane and the domains. Workers may be missing; the deadline names them. Retries for
 * a minute. Throws BootstrapError `invalid-input` with each name that does not resolve.
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

/** Returns the lowest of several addresses, so that every node takes the same one. */
async function addressOf(name: string, resolver: Resolver): Promise<{ address: string } | { problem: string }> {
  try {
    const [address] = (await resolver.lookUp(name)).toSorted();
    return address === undefined ? { problem: "does not resolve" } : { address };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { problem: `does not resolve (${code ?? message})` };
  }
}
