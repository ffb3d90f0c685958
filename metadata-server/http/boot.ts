import { X509Certificate } from "node:crypto";
import type { Context, Hono } from "hono";
import { MachineSighting } from "#api/machine-sighting.ts";
import { FirmwareText, InterfaceMac } from "#api/hardware-identity.ts";
import { bootScript, renderDiskBoot, renderNetworkBoot, renderWait, type ShownMachine } from "../boot/ipxe-scripts.ts";
import { DomainError } from "../errors.ts";
import type { BootDecision } from "../machines/boot-decision.ts";
import { issueCapability } from "../machines/issue-capability.ts";
import { type SeenMachine, seeMachine } from "../machines/see-machine.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { addressOf } from "./origin.ts";
import { refuseOtherHosts } from "./own-hosts.ts";
import { parse } from "./request.ts";

/** How soon approval, or a cluster, is to have an effect. */
const waitSeconds = 10;
const refusedSeconds = 60;

/** What iPXE runs: first the same for every machine, then what this machine is to do now. */
export function addBootRoutes(app: Hono, deps: PlainDependencies): void {
  // dnsmasq's proxy mode of some versions asks for layer 0 of a boot file.
  for (const path of ["/boot.ipxe", "/boot.ipxe.0"]) app.get(path, () => script(bootScript));

  app.use("/ipxe", refuseOtherHosts(deps.hosts));
  app.get("/ipxe", async (c) => {
    const origin = new URL(c.req.url);
    const from = addressOf(c);
    const seen = await seeMachine(deps.clusters, { ...sightingOf(c), from });
    return script(await answer(deps, seen, { origin, from }));
  });
}

interface Asked {
  /** As the machine reached this server, and will reach it again. */
  origin: URL;
  from: string | null;
}

async function answer(deps: PlainDependencies, { machine, decision }: SeenMachine, asked: Asked): Promise<string> {
  const shown = { ...machine, mac: machine.provisioningMac };
  if (decision.do === "boot" && decision.from === "disk") return renderDiskBoot(await ownerOf(deps, machine));
  if (decision.do === "boot" && !decision.install) return bootFromNetwork(deps, { machine, shown }, asked);
  const seconds = decision.do === "nothing" ? refusedSeconds : waitSeconds;
  return renderWait(shown, { lines: explain(machine.id, decision), seconds });
}

async function bootFromNetwork(
  deps: PlainDependencies,
  { machine, shown }: { machine: SeenMachine["machine"]; shown: ShownMachine },
  { origin, from }: Asked,
): Promise<string> {
  const { kubernetesVersion } = await ownerOf(deps, machine);
  const root = await deps.assets.open(kubernetesVersion, "root.squashfs");
  await root?.handle.close();
  if (root === undefined) {
    // Before a capability is issued: this window has but one.
    const lines = [
      `There is no image of ${kubernetesVersion} for network boot`,
      "Bake it: sprout image bake --network-boot",
    ];
    return renderWait(shown, { lines, seconds: waitSeconds });
  }
  const issued = await issueCapability(deps.clusters, { machineId: machine.id, from });
  if ("refused" in issued) return renderWait(shown, { lines: [issued.refused], seconds: waitSeconds });
  return renderNetworkBoot({
    name: issued.member.name,
    cluster: issued.cluster.name,
    kubernetesVersion,
    assetsUrl: `${origin.origin}/assets/${kubernetesVersion}`,
    rootSha256: root.sha256,
    bootInterface: machine.provisioningMac,
    server: `https://${origin.hostname}:${deps.apiPort}`,
    caSha256: fingerprintOf(deps.clusters.ca),
    capability: issued.capability,
  });
}

async function ownerOf({ clusters }: PlainDependencies, { assignment }: SeenMachine["machine"]) {
  const cluster = assignment && (await clusters.store.cluster(assignment.clusterId));
  if (!assignment || !cluster) throw new DomainError("not-found", "The machine's cluster is gone");
  return { name: assignment.member, cluster: cluster.name, kubernetesVersion: cluster.kubernetesVersion };
}

function explain(machineId: string, decision: BootDecision): string[] {
  if (decision.do === "nothing") return [decision.because];
  if (decision.do === "wipe")
    return ["Its disk holds what a cluster left there", `When it is wiped: sprout machines release ${machineId}`];
  if (decision.do === "boot") return ["It is to be installed to its disk, which Sprout cannot do yet"];
  return decision.for === "approval"
    ? ["This machine is new here and waits for approval", `sprout machines approve ${machineId}`]
    : ["This machine is approved, and no cluster needs it now"];
}

/** The MAC it boots from decides who it is and must be one; of the rest, what firmware fills with nonsense counts as not there. */
function sightingOf(c: Context): MachineSighting {
  const { mac = [], nic = [], uuid = [], "serial-hex": serial, "manufacturer-hex": manufacturer } = c.req.queries();
  if (mac.length !== 1 || uuid.length > 1)
    throw new DomainError("invalid-request", "The request must have one mac, and at most one uuid");
  const others = nic.flatMap((text) => InterfaceMac.safeParse(text).data ?? []).slice(0, 31);
  const sighting = { macs: [...mac, ...others], uuid: uuid[0] || null };
  const parsed = parse(MachineSighting, { ...sighting, serial: textOf(serial), manufacturer: textOf(manufacturer) });
  return { ...parsed, macs: [...new Set(parsed.macs)] };
}

const textOf = ([hex = ""]: string[] = []) => FirmwareText.safeParse(Buffer.from(hex, "hex").toString()).data ?? null;

/** SHA-256 of the certificate's DER, lower-case hexadecimal. */
const fingerprintOf = (ca: string) => new X509Certificate(ca).fingerprint256.replaceAll(":", "").toLowerCase();

const script = (text: string) =>
  new Response(text, { headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" } });
