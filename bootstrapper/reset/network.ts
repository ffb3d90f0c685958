import { readdir, rm } from "node:fs/promises";
import { below } from "../files.ts";
import { routeProtocol } from "../route-agent/routes.ts";
import { withoutNodeRules } from "./packet-filter.ts";
import type { Undo } from "./undo.ts";

/** Links that CNI plugins and kube-proxy make on a node; those of pods go with their namespaces. */
const podLink = /^(cni\d+|flannel\..*|kube-ipvs\d+)$/;

export async function removeNetwork({ root, record, exec, attempt }: Undo): Promise<string> {
  const namespaces = (await readdir(below(root, "/run/netns")).catch((): string[] => [])).filter((name) =>
    name.startsWith("cni-"),
  );
  for (const name of namespaces) await rm(below(root, `/run/netns/${name}`), { force: true });
  await exec(["ip", "route", "flush", "proto", routeProtocol]);
  const links = (await readdir(below(root, "/sys/class/net")).catch((): string[] => [])).filter((name) =>
    podLink.test(name),
  );
  // One that is gone in between is gone.
  for (const link of links) await attempt(["ip", "link", "delete", link]);
  for (const family of ["iptables", "ip6tables"] as const) {
    const saved = await exec([`${family}-save`]);
    const kept = withoutNodeRules(saved, record?.metadata);
    if (kept !== saved) await exec([`${family}-restore`], `${kept}\n`);
  }
  return `links ${links.join(", ") || "(none)"} removed, routes and packet filter cleared`;
}
