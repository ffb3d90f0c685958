import type { Hono } from "hono";
import { addAssetRoutes } from "./assets.ts";
import { createBaseApp } from "./base-app.ts";
import { addBootRoutes } from "./boot.ts";
import { addBootstrapperRoutes } from "./bootstrapper.ts";
import type { PlainDependencies } from "./dependencies.ts";
import { addEc2Routes } from "./ec2.ts";
import { addMachineReportRoutes } from "./machine-reports.ts";
import { addNoCloudRoutes } from "./nocloud.ts";

/**
 * What firmware and cloud-init ask, which know no TLS or pin no authority; never the cluster API or the node API.
 * Whoever is on that network can read and change all of it.
 */
export function createPlainApp(deps: PlainDependencies): Hono {
  return createBaseApp(deps, (app) => {
    addBootstrapperRoutes(app, deps);
    addAssetRoutes(app, deps);
    addBootRoutes(app, deps);
    addMachineReportRoutes(app, deps);
    addEc2Routes(app, deps);
    addNoCloudRoutes(app, deps);
  });
}
