import type { Hono, MiddlewareHandler } from "hono";
import { getPath } from "hono/utils/url";
import { addAssetRoutes } from "./assets.ts";
import { createBaseApp } from "./base-app.ts";
import { addBootRoutes } from "./boot.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { addEc2Routes, withSingleSlashes } from "./ec2.ts";
import { addMachineReportRoutes } from "./machine-reports.ts";
import { HttpProblem } from "./problem.ts";
import { addNoCloudRoutes } from "./nocloud.ts";

/**
 * The surfaces for firmware and cloud-init, which know no TLS or pin no authority. Never the cluster API or the node
 * API: an attacker on that network can read and change all of this traffic.
 */
export function createPlainApp(deps: PlainDependencies): Hono {
  const addSurfaces = (app: Hono) => {
    app.use(refuseOrigins);
    addAssetRoutes(app, deps);
    addBootRoutes(app, deps);
    addMachineReportRoutes(app, deps);
    addEc2Routes(app, deps);
    addNoCloudRoutes(app, deps);
  };
  return createBaseApp(deps, addSurfaces, { getPath: (request) => withSingleSlashes(getPath(request)) });
}

/** Firmware and cloud-init send no Origin; browsers do, with every form that a web page posts here. */
const refuseOrigins: MiddlewareHandler = async (c, next) => {
  if (c.req.header("origin") !== undefined)
    throw new HttpProblem("forbidden", "The request comes from a web page: it has an Origin header");
  await next();
};
