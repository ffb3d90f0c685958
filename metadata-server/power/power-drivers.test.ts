import { openRedfish } from "../../test/fixtures/redfish-driver.ts";
import { createManualDriver } from "./manual-driver.ts";
import { describePowerDriver } from "../../test/contract/power-driver-contract.ts";

describePowerDriver("manual", async () => ({
  driver: createManualDriver(),
  kind: "asked",
  changes: () => 0,
  destroy: async () => undefined,
}));

describePowerDriver("redfish, at a fake controller", async () => {
  const { fake, driver, ...under } = await openRedfish();
  const changes = () => fake.requests.filter(({ method }) => method !== "GET").length;
  return { driver, kind: "done", changes, destroy: () => under.destroy() };
});
