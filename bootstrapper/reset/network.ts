import { rm } from "node:fs/promises";
import { below, namesIn } from "../machine/files.ts";
import { routeProtocol } from "../network-agent/routes.ts";
import { withoutNodeRules } from "./packet-filter.ts";
import type { ResetContext } from "./reset-context.ts";

/** Links that CNI plugins and kube-proxy make on a node. Those of pods disappear with their namespaces. */
const podLink = /^(cni\d+|flannel\..*|kube-ipvs\d+)$/;

export async function removeNetwork({ root, record, exec, attempt }: ResetContext): Promise<string> {
  const namespaces = (await namesIn(root, "/run/netns")).filter((name) => name.startsWith("cni-"));
  for (const name of namespaces) await rm(below(root, `/run/netns/${name}`), { force: true });
  await exec(["ip", "route", "flush", "proto", routeProtocol]);
  const links = (await namesIn(root, "/sys/class/net")).filter((name) => podLink.test(name));
  // A link may disappear in between.
  for (const link of links) await attempt(["ip", "link", "delete", link]);
  for (const family of ["iptables", "ip6tables"] as const) {
    const saved = await exec([`${family}-save`]);
    const kept = withoutNodeRules(saved, record?.metadata);
    if (kept !== saved) await exec([`${family}-restore`], `${kept}\n`);
  }
  return `links ${links.join(", ") || "(none)"} removed, routes and packet filter cleared`;
}
