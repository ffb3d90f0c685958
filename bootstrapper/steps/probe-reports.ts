import { poll } from "../poll.ts";

/** By node: `resolved`, or the last line that the probe's program printed. */
export type ProbeReports = Map<string, string>;

/** The name that every pod of a working cluster resolves. */
export const dnsName = "kubernetes.default.svc.cluster.local";

export const maxReportCharacters = 1000;
export const isResolved = (report: string | undefined): boolean => report === "resolved";

const intervalMs = 20;

/** A pod's text has to fit in one line of an error. */
export const lastLine = (text: string): string => text.trim().split("\n").at(-1)?.trim() ?? "";

/** Waits until the probe on each peer has resolved the name. Throws BootstrapError with each node and its reason. */
export async function waitForReports(
  peers: readonly string[],
  reports: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const judge = async () => {
    const silent = peers.filter((name) => !reports.has(name));
    if (silent.length > 0) throw new Error(`no pod answers on ${silent.join(", ")}`);
    const lost = peers.filter((name) => !isResolved(reports.get(name)));
    if (lost.length === 0) return true;
    const reasons = lost.map((name) => `${name} (${reports.get(name) || "no answer within a second"})`);
    throw new Error(`${dnsName} is not resolved by pods on ${reasons.join(", ")}`);
  };
  await poll(judge, { signal, intervalMs, failure: "Cannot get pods to work on every node" });
}
