import { expect, it } from "vitest";
import { createManualClock } from "../../test/fakes/manual-clock.ts";
import { loadConfig } from "../config.ts";
import { createListenerLimits } from "./listener-limits.ts";
import { createRequestLimiter } from "./request-limiter.ts";

const logger = { info() {}, warn() {}, error() {} };
const [machines, connectionsOfNode, requestsOfNode, requestsOfFirmware] = [400, 4, 50, 25];

it("The default bounds admit a rack of 400 machines that boots at once behind one address", () => {
  const clock = createManualClock();
  const settings = loadConfig({}, {});
  const { api, plain } = createListenerLimits({ settings, openFiles: 20_000, logger, clock, count: () => undefined });
  expect(api.connections.perAddress).toBeGreaterThan(machines * connectionsOfNode);
  expect(api.heldPerAddress).toBeGreaterThan(machines);
  expect(plain.connections.perAddress).toBeGreaterThan(machines);

  const address = "192.0.2.1";
  const refused = { plain: 0, api: 0 };
  const plainRequests = createRequestLimiter(plain, clock);
  for (let times = 0; times < machines * requestsOfFirmware; times += 1)
    if (plainRequests.admit({ address, tokenHash: undefined })) refused.plain += 1;
  const apiRequests = createRequestLimiter(api, clock);
  for (let machine = 0; machine < machines; machine += 1)
    for (let times = 0; times < requestsOfNode; times += 1) {
      const asking = { address, tokenHash: `token of ${machine}` };
      if (apiRequests.admit(asking)) refused.api += 1;
      apiRequests.judged(asking, true);
    }
  expect(refused).toEqual({ plain: 0, api: 0 });
});
