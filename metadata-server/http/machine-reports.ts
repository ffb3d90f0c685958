import type { Context, Hono } from "hono";
import { DomainError } from "../errors.ts";
import { noteBootFailure } from "../machines/boot-failure.ts";
import { seeMachine } from "../machines/see-machine.ts";
import { acceptWipe } from "../machines/wipe.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { addressOf } from "./caller.ts";
import { refuseOtherHosts } from "./own-hosts.ts";
import { limitBody, parseText } from "./request.ts";
import { type Fields, parseHardware, parseReporter, textOf, toFields } from "./sighting-fields.ts";

/** About 3,000 disks and interfaces. */
const maxBodyBytes = 65_536;

/** Reports of the initrd, which knows no TLS: unverified claims, in forms that a shell can write. */
export function addMachineReportRoutes(app: Hono, deps: PlainDependencies): void {
  app.use("/machine-reports/*", refuseOtherHosts(deps.hosts), limitBody(maxBodyBytes));

  app.post("/machine-reports/inspection", async (c) => {
    const fields = await parseForm(c);
    const sighting = { ...parseReporter(fields), hardware: parseHardware(fields) };
    await seeMachine(deps.clusters, { ...sighting, from: addressOf(c) });
    return new Response(null, { status: 204 });
  });

  app.post("/machine-reports/failure", async (c) => {
    const fields = await parseForm(c);
    const reason = textOf(fields["message-hex"]) ?? "without a reason";
    await noteBootFailure(deps.clusters, { ...parseReporter(fields), reason });
    return new Response(null, { status: 204 });
  });

  app.post("/machine-reports/wiped", async (c) => {
    const fields = await parseForm(c);
    const { token = [] } = fields;
    if (token.length !== 1) throw new DomainError("invalid-request", "The request must have one token");
    await acceptWipe(deps.clusters, { ...parseReporter(fields), token: token[0] ?? "", from: addressOf(c) });
    return new Response(null, { status: 204 });
  });
}

const parseForm = async (c: Context): Promise<Fields> =>
  toFields(await parseText(c, "application/x-www-form-urlencoded"));
