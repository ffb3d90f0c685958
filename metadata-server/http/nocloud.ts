import type { Context, Hono, MiddlewareHandler } from "hono";
import { CloudInitReport, PhoneHome } from "#api/cloud-init.ts";
import { createRender } from "../../templates/create-render.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { renderMetaData, renderUserData, renderVendorData } from "../cloud-init/documents.ts";
import { findInstance, findMember, type Instance } from "../cloud-init/instance.ts";
import { acceptCloudInitReport, acceptPhoneHome } from "../cloud-init/report.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { withSnapshot } from "../clusters/snapshot.ts";
import { readFormPairs } from "./form-pairs.ts";
import { refuseOtherHosts } from "./own-hosts.ts";
import { answerText, capabilityOf, instanceUrl, serverUrlOf } from "./seed-request.ts";
import { parse, parseJsonText } from "./parse-body.ts";
import { limitBody } from "./request.ts";

const maxBodyBytes = 16 * 1024;

/**
 * cloud-init's NoCloud seed, `s=http://HOST/nocloud/<capability>/`. Every file that it may request exists: a missing
 * one delays it by ten seconds. No request is held: everything is known as soon as the capability exists. What becomes
 * known later, the node gets from the node API, which holds requests.
 */
export function addNoCloudRoutes(app: Hono, deps: PlainDependencies): void {
  const { clusters, executables } = deps;
  app.use("/nocloud/*", refuseOtherHosts(deps.hosts));
  const render = createRender(templatesFolder);
  const limit = limitBody(maxBodyBytes);
  /** Before any body is read. */
  const requireCapability: MiddlewareHandler = async (c, next) => {
    await findMember(clusters, capabilityOf(c));
    await next();
  };
  const reading = withSnapshot(clusters);
  const instanceOf = (c: Context): Promise<Instance> => {
    return findInstance(reading, { capability: capabilityOf(c), serverUrl: serverUrlOf(c, deps) });
  };

  app.get("/nocloud/:capability/meta-data", async (c) => answerText(renderMetaData(await instanceOf(c))));

  app.get("/nocloud/:capability/user-data", async (c) => {
    const instance = await instanceOf(c);
    return answerText(await renderUserData(render, { instance, url: instanceUrl(c) }));
  });

  app.get("/nocloud/:capability/vendor-data", async (c) => {
    await instanceOf(c);
    return answerText(await renderVendorData(render, { executables: await executables.list(), url: instanceUrl(c) }));
  });

  // The machine already has a network, or it could not send this request.
  app.get("/nocloud/:capability/network-config", async (c) => {
    await instanceOf(c);
    return answerText("");
  });

  app.post("/nocloud/:capability/report", requireCapability, limit, async (c) => {
    // cloud-init sends its JSON without a Content-Type.
    const report = parse(CloudInitReport, parseJsonText(await c.req.text()));
    await acceptCloudInitReport(clusters, { capability: capabilityOf(c), report });
    return noContent();
  });

  app.post("/nocloud/:capability/phone-home", requireCapability, limit, async (c) => {
    const form = parse(PhoneHome, Object.fromEntries(readFormPairs(await c.req.text())));
    await acceptPhoneHome(clusters, { capability: capabilityOf(c), instanceId: form.instance_id });
    return noContent();
  });
}

const noContent = () => new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
