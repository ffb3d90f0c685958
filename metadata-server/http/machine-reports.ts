import type { Context, Hono } from "hono";
import { DomainError } from "../errors.ts";
import { noteBootFailure } from "../machines/boot-failure.ts";
import { seeMachine } from "../machines/see-machine.ts";
import { acceptWipe } from "../machines/wipe.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { addressOf } from "./origin.ts";
import { refuseOtherHosts } from "./own-hosts.ts";
import { limitBody, parseText } from "./request.ts";
import { type Fields, parseHardware, parseSighting, textOf } from "./sighting-fields.ts";

const maxBodyBytes = 16_384;

/** What the initrd tells, which knows no TLS: claims, like all that firmware says, in forms that a shell can write. */
export function addMachineReportRoutes(app: Hono, deps: PlainDependencies): void {
  app.use("/machine-reports/*", refuseOtherHosts(deps.hosts), limitBody(maxBodyBytes));

  app.post("/machine-reports/inspection", async (c) => {
    const fields = await parseForm(c);
    const sighting = { ...parseSighting(fields), hardware: parseHardware(fields) };
    await seeMachine(deps.clusters, { ...sighting, from: addressOf(c) });
    return new Response(null, { status: 204 });
  });

  app.post("/machine-reports/failure", async (c) => {
    const fields = await parseForm(c);
    const { mac } = identify(fields);
    await noteBootFailure(deps.clusters, { mac, reason: textOf(fields["message-hex"]) ?? "without a reason" });
    return new Response(null, { status: 204 });
  });

  app.post("/machine-reports/wiped", async (c) => {
    const fields = await parseForm(c);
    const { token = [] } = fields;
    if (token.length !== 1) throw new DomainError("invalid-request", "The request must have one token");
    await acceptWipe(deps.clusters, { ...identify(fields), token: token[0] ?? "", from: addressOf(c) });
    return new Response(null, { status: 204 });
  });
}

function identify(fields: Fields): { mac: string } {
  const [mac = ""] = parseSighting(fields).macs;
  return { mac };
}

async function parseForm(c: Context): Promise<Fields> {
  const form = new URLSearchParams(await parseText(c, "application/x-www-form-urlencoded"));
  return Object.fromEntries(Array.from(new Set(form.keys()), (name) => [name, form.getAll(name)]));
}
