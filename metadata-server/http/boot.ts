import { X509Certificate } from "node:crypto";
import type { Hono } from "hono";
import { imageFolder } from "#lib/image-folder.ts";
import { toServerUrl } from "#lib/server-url.ts";
import {
  bootScript,
  type ImageBoot,
  renderDiskBoot,
  renderImageBoot,
  renderWait,
  type ShownMachine,
} from "../boot/ipxe-scripts.ts";
import { DomainError } from "../errors.ts";
import type { BootDecision } from "../machines/boot-decision.ts";
import { leastDiskGiB } from "../machines/wanted-machines.ts";
import { needsInspection, offerInspection } from "../machines/inspection.ts";
import { issueCapability } from "../machines/issue-capability.ts";
import { type SeenMachine, seeMachine } from "../machines/see-machine.ts";
import { startWipe } from "../machines/wipe.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { addressOf } from "./caller.ts";
import { refuseOtherHosts, requestUrlOf } from "./own-hosts.ts";
import { parseSighting } from "./sighting-fields.ts";

/** A waiting machine asks again after this time, so approval or a cluster takes effect as soon. */
const waitSeconds = 10;
const refusedSeconds = 60;

/** iPXE scripts: first one that is the same for every machine, then what this machine does now. */
export function addBootRoutes(app: Hono, deps: PlainDependencies): void {
  // In proxy mode, some versions of dnsmasq name layer 0 of a boot file.
  for (const path of ["/boot.ipxe", "/boot.ipxe.0"]) app.get(path, () => script(bootScript));

  app.use("/ipxe", refuseOtherHosts(deps.hosts));
  app.get("/ipxe", async (c) => {
    const from = addressOf(c);
    const seen = await seeMachine(deps.clusters, { ...parseSighting(c.req.queries()), from });
    return script(await answer(deps, seen, { url: requestUrlOf(c), from }));
  });
}

interface Asked {
  /** URL by which the machine reached this server, and will reach it again. */
  url: URL;
  from: string | null;
}

async function answer(deps: PlainDependencies, { machine, decision }: SeenMachine, asked: Asked): Promise<string> {
  const { provisioningMac: mac, uuid, serial } = machine;
  const shown = { mac, uuid, serial };
  if (decision.do === "boot" && decision.from === "disk") return renderDiskBoot(await ownerOf(deps, machine));
  if (decision.do === "boot") return bootFromNetwork(deps, { machine, shown, install: decision.install }, asked);
  const task = await findTask(deps, { machine, decision }, asked.from);
  if (task !== undefined) return bootForTask(machine, task, asked);
  const seconds = decision.do === "nothing" ? refusedSeconds : waitSeconds;
  return renderWait(shown, { lines: explain(machine.id, decision), seconds });
}

async function bootFromNetwork(
  deps: PlainDependencies,
  { machine, shown, install }: { machine: MachineRecord; shown: ShownMachine; install: boolean },
  { url, from }: Asked,
): Promise<string> {
  const { image } = await ownerOf(deps, machine);
  const name = install ? "disk.squashfs" : "root.squashfs";
  const rootSha512 = await deps.assets.digest(image, name);
  if (rootSha512 === undefined) {
    // Checked before a capability is issued, because a boot window has only one.
    const lines = [`The server has no network boot image of ${image}`, "Bake it: sprout image bake --network-boot"];
    return renderWait(shown, { lines, seconds: waitSeconds });
  }
  const issued = await issueCapability(deps.clusters, { machineId: machine.id, from });
  if ("refused" in issued) return renderWait(shown, { lines: [issued.refused], seconds: waitSeconds });
  const { origin, hostname } = url;
  const assetsUrl = `${origin}/assets/${image}`;
  const { member, cluster, capability } = issued;
  return renderImageBoot({
    lines: [`${member.name} of cluster ${cluster.name}, Kubernetes ${image}`],
    assetsUrl,
    bootInterface: machine.provisioningMac,
    settings: {
      ...(install && { do: "install", "disk-gib": diskGiBOf(machine) }),
      ...(machine.clusterMac !== machine.provisioningMac && { "cluster-mac": machine.clusterMac }),
      root: `${assetsUrl}/${name}`,
      "root-sha512": rootSha512,
      report: `${origin}/machine-reports`,
      server: toServerUrl(hostname, deps.apiPort),
      "ca-sha256": fingerprintOf(deps.clusters.ca),
      capability,
    },
  });
}

const diskGiBOf = ({ assignment }: MachineRecord) => Math.max(leastDiskGiB, Math.ceil(assignment?.diskGiB ?? 0));

interface Task {
  line: string;
  /** Any version will do: only its kernel and initrd are loaded. */
  kubernetesVersion: string;
  settings: ImageBoot["settings"];
}

/**
 * A task that runs in the initrd alone: inspect the hardware, or wipe the disk. Undefined if the machine must wait, or
 * if there is no image.
 */
async function findTask(
  { assets, clusters }: PlainDependencies,
  { machine, decision }: SeenMachine,
  from: string | null,
): Promise<Task | undefined> {
  const isInspection = decision.do === "wait" && needsInspection(machine, clusters.clock.now());
  if (!isInspection && decision.do !== "wipe") return undefined;
  const [kubernetesVersion] = await assets.versions();
  if (kubernetesVersion === undefined) return undefined;
  if (isInspection) {
    if (!(await offerInspection(clusters, machine.id))) return undefined;
    const line = "Inspects the hardware of this machine, and reboots";
    return { line, kubernetesVersion, settings: { do: "inspect" } };
  }
  const token = await startWipe(clusters, { machineId: machine.id, from });
  if (token === undefined) return undefined;
  // An operator who switches it on by hand also switches it off. A worker in memory starts after the wipe.
  const end = machine.power.driver === "manual" || machine.state === "assigned" ? "reboot" : "off";
  const line = "Wipes the disk, which holds data of its last cluster";
  return { line, kubernetesVersion, settings: { do: "wipe", "wipe-token": token, end } };
}

function bootForTask(
  { provisioningMac, uuid }: MachineRecord,
  { line, kubernetesVersion, settings }: Task,
  { url }: Asked,
): string {
  const { origin } = url;
  return renderImageBoot({
    lines: [line, `MAC ${provisioningMac}`, `UUID ${uuid ?? "none"}`],
    assetsUrl: `${origin}/assets/${kubernetesVersion}`,
    bootInterface: provisioningMac,
    settings: { ...settings, report: `${origin}/machine-reports` },
  });
}

async function ownerOf({ clusters }: PlainDependencies, { assignment }: SeenMachine["machine"]) {
  const cluster = assignment && (await clusters.store.cluster(assignment.clusterId));
  if (!assignment || !cluster) throw new DomainError("not-found", "The machine's cluster no longer exists");
  const image = imageFolder({ kubernetesVersion: cluster.kubernetesVersion, name: assignment.image });
  return { name: assignment.member, cluster: cluster.name, image };
}

function explain(machineId: string, decision: Exclude<BootDecision, { do: "boot" }>): string[] {
  if (decision.do === "nothing") return [decision.because];
  if (decision.do === "wipe")
    return [
      "Its disk holds data of its last cluster, and the server has no image to wipe it",
      "Bake it: sprout image bake --network-boot",
      `Or wipe it another way, then: sprout machines release ${machineId}`,
    ];
  return decision.for === "approval"
    ? ["This machine is unknown and waits for approval", `sprout machines approve ${machineId}`]
    : ["This machine is approved, and no cluster needs it now"];
}

/** SHA-256 of the certificate's DER, lower-case hexadecimal. */
const fingerprintOf = (ca: string) => new X509Certificate(ca).fingerprint256.replaceAll(":", "").toLowerCase();

const script = (text: string) =>
  new Response(text, { headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } });
