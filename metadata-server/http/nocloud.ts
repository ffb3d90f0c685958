import type { Context, Hono } from "hono";
import { CloudInitReport, PhoneHome } from "#api/cloud-init.ts";
import { createRender, renderMetaData, renderUserData, renderVendorData } from "../cloud-init/documents.ts";
import { findInstance, type Instance } from "../cloud-init/instance.ts";
import { acceptCloudInitReport, acceptPhoneHome } from "../cloud-init/report.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { refuseOtherHosts } from "./own-hosts.ts";
import { answerText, capabilityOf, instanceUrl, serverUrlOf } from "./seed-request.ts";
import { limitBody, parse, parseJsonText } from "./request.ts";

const maxBodyBytes = 16 * 1024;

/**
 * cloud-init's NoCloud seed, `s=http://HOST/nocloud/<capability>/`. Every file it may ask for is there: one that is
 * missing costs it ten seconds. Nothing is held: all of it is known as soon as there is a capability, and what is not
 * yet known the node asks of the node API, which holds.
 */
export function addNoCloudRoutes(app: Hono, deps: PlainDependencies): void {
  const { clusters, executables } = deps;
  app.use("/nocloud/*", refuseOtherHosts(deps.hosts));
  const render = createRender();
  const limit = limitBody(maxBodyBytes);
  const instanceOf = (c: Context): Promise<Instance> => {
    return findInstance(clusters, { capability: capabilityOf(c), serverUrl: serverUrlOf(c, deps) });
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

  // The machine has a network already, or it could not ask.
  app.get("/nocloud/:capability/network-config", async (c) => {
    await instanceOf(c);
    return answerText("");
  });

  app.post("/nocloud/:capability/report", limit, async (c) => {
    // cloud-init sends its JSON without a Content-Type.
    const report = parse(CloudInitReport, parseJsonText(await c.req.text()));
    await acceptCloudInitReport(clusters, { capability: capabilityOf(c), report });
    return noContent();
  });

  app.post("/nocloud/:capability/phone-home", limit, async (c) => {
    const form = parse(PhoneHome, Object.fromEntries(new URLSearchParams(await c.req.text())));
    await acceptPhoneHome(clusters, { capability: capabilityOf(c), instanceId: form.instance_id });
    return noContent();
  });
}

const noContent = () => new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
