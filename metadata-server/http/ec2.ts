import type { Context, Hono } from "hono";
import { queryInteger } from "#api/query.ts";
import { createImdsToken, isImdsToken, maxTokenTtlSeconds } from "../cloud-init/imds-token.ts";
import { findImdsNode, renderImdsNode, toImdsTree } from "../cloud-init/imds-tree.ts";
import { createRender } from "../../templates/create-render.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { renderArchive, renderUserData, renderVendorData } from "../cloud-init/documents.ts";
import { findInstance } from "../cloud-init/instance.ts";
import { withSnapshot } from "../clusters/snapshot.ts";
import { DomainError } from "../errors.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { refuseOtherHosts } from "./own-hosts.ts";
import { HttpProblem } from "./problem.ts";
import { answerText, capabilityOf, instanceUrl, serverUrlOf } from "./seed-request.ts";

const tokenHeader = "x-aws-ec2-metadata-token";
const ttlHeader = `${tokenHeader}-ttl-seconds`;

const Ttl = queryInteger(1, maxTokenTtlSeconds);

/**
 * EC2's instance metadata, versions 1 and 2, for cloud-init's `metadata_urls: [http://HOST/ec2/<capability>]`. The path
 * identifies the machine, not its address: machines need that setting anyway, and another machine can take an address.
 */
export function addEc2Routes(app: Hono, deps: PlainDependencies): void {
  const { clusters, executables } = deps;
  const reading = withSnapshot(clusters);
  const render = createRender(templatesFolder);
  app.use("/ec2/*", refuseOtherHosts(deps.hosts));

  app.put("/ec2/:capability/latest/api/token", async (c) => {
    const capability = capabilityOf(c);
    await findInstance(reading, { capability, serverUrl: serverUrlOf(c, deps) });
    // An open proxy, which an attacker could use, adds this header; the machine's own client does not.
    if (c.req.header("x-forwarded-for") !== undefined)
      throw new HttpProblem("forbidden", "The server issues no tokens through proxies, and X-Forwarded-For is set");
    const ttl = Ttl.safeParse(c.req.header(ttlHeader) ?? "");
    if (!ttl.success)
      throw new DomainError("invalid-request", `Send ${ttlHeader} with 1 to ${maxTokenTtlSeconds} seconds`);
    const token = createImdsToken(clusters, { capability, ttlSeconds: ttl.data });
    return answerText(token, { [ttlHeader]: String(ttl.data) });
  });

  app.get("/ec2/:capability/:path{.*}", async (c) => {
    const capability = capabilityOf(c);
    const instance = await findInstance(reading, { capability, serverUrl: serverUrlOf(c, deps) });
    // Machines outside EC2 never request a token, so none is required; a token that is sent must be valid.
    const token = c.req.header(tokenHeader);
    if (token !== undefined && !isImdsToken(clusters, { capability, token }))
      throw new HttpProblem(
        "unauthorized",
        "The metadata token is wrong or has expired; PUT latest/api/token for a new one",
      );
    const tree = toImdsTree(instance, async () => {
      const url = instanceUrl(c);
      // This data source knows no vendor-data.
      return renderArchive([
        await renderVendorData(render, { executables: await executables.list(), url }),
        await renderUserData(render, { instance, url }),
      ]);
    });
    const path = pathOf(c);
    const node = path === "" ? tree : findImdsNode(tree, path);
    if (node === undefined) throw new DomainError("not-found", "Unknown metadata");
    return answerText(await renderImdsNode(node));
  });
}

/** As EC2 does, takes any number of slashes for one; cloud-init adds one to a `metadata_urls` that ends with it. */
export const withSingleSlashes = (path: string): string =>
  path.replace(/^(\/ec2\/[^/]+)(\/.*)$/, (_, start: string, rest: string) => start + rest.replaceAll(/\/{2,}/g, "/"));

/** The path below the capability. */
const pathOf = (c: Context) => c.req.path.split("/").slice(3).join("/");
