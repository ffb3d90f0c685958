import type { Context, Hono } from "hono";
import { z } from "zod";
import { createImdsToken, isImdsToken, maxTokenTtlSeconds } from "../cloud-init/imds-token.ts";
import { findImdsNode, renderImdsNode, toImdsTree } from "../cloud-init/imds-tree.ts";
import { createRender, renderArchive, renderUserData, renderVendorData } from "../cloud-init/documents.ts";
import { findInstance } from "../cloud-init/instance.ts";
import { DomainError } from "../errors.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { refuseOtherHosts } from "./own-hosts.ts";
import { HttpProblem } from "./problem.ts";
import { answerText, capabilityOf, instanceUrl, serverUrlOf } from "./seed-request.ts";

const tokenHeader = "x-aws-ec2-metadata-token";
const ttlHeader = `${tokenHeader}-ttl-seconds`;

const Ttl = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(maxTokenTtlSeconds));

/**
 * EC2's instance metadata, versions 1 and 2, for cloud-init's `metadata_urls: [http://HOST/ec2/<capability>]`. Whose it is, is in
 * the path and not guessed from an address: machines need that setting in any case, and addresses can be taken.
 */
export function addEc2Routes(app: Hono, deps: PlainDependencies): void {
  const { clusters, executables } = deps;
  const render = createRender();
  app.use("/ec2/*", refuseOtherHosts(deps.hosts));

  app.put("/ec2/:capability/latest/api/token", async (c) => {
    const capability = capabilityOf(c);
    await findInstance(clusters, { capability, serverUrl: serverUrlOf(c, deps) });
    // A proxy that anybody can talk into a request adds it; a client of its own does not.
    if (c.req.header("x-forwarded-for") !== undefined)
      throw new HttpProblem("forbidden", "Tokens are not given through proxies: X-Forwarded-For is set");
    const ttl = Ttl.safeParse(c.req.header(ttlHeader) ?? "");
    if (!ttl.success)
      throw new DomainError("invalid-request", `Send ${ttlHeader} with 1 to ${maxTokenTtlSeconds} seconds`);
    const token = createImdsToken(clusters, { capability, ttlSeconds: ttl.data });
    return answerText(token, { [ttlHeader]: String(ttl.data) });
  });

  app.get("/ec2/:capability/:path{.*}", async (c) => {
    const capability = capabilityOf(c);
    const instance = await findInstance(clusters, { capability, serverUrl: serverUrlOf(c, deps) });
    // Machines that are not EC2's never ask for a token, so that none is needed; one that is sent must be right.
    const token = c.req.header(tokenHeader);
    if (token !== undefined && !isImdsToken(clusters, { capability, token }))
      throw new HttpProblem(
        "unauthorized",
        "The metadata token is wrong or has ended; PUT latest/api/token for another",
      );
    const tree = toImdsTree(instance, async () => {
      const url = instanceUrl(c);
      // This datasource knows no vendor-data.
      return renderArchive([
        await renderVendorData(render, { executables: await executables.list(), url }),
        await renderUserData(render, { instance, url }),
      ]);
    });
    const path = pathOf(c);
    const node = path === "" ? tree : findImdsNode(tree, path);
    if (node === undefined) throw new DomainError("not-found", "There is no such metadata");
    return answerText(await renderImdsNode(node));
  });
}

/** Below the capability. */
const pathOf = (c: Context) => c.req.path.split("/").slice(3).join("/");
