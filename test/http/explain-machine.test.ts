import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MachineSighting } from "#api/machine-sighting.ts";
import { createTestServer, refusal, type TestServer } from "../fixtures/test-server.ts";
import { seeMachine } from "../../metadata-server/machines/see-machine.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const [one, two] = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"];

const explain = async (query: string) => (await server.request(`/v1/machines/explain?${query}`)).body;

describe("GET /v1/machines/explain", () => {
  it("returns what a machine would get, why, and how sure the server is of its identity", async () => {
    const { machine } = await seeMachine(server.clusters, {
      ...MachineSighting.parse({ macs: [one] }),
      from: "10.99.0.50",
    });
    for (const query of [`mac=${one}`, "ip=10.99.0.50"])
      expect(await explain(query)).toMatchObject({
        machines: [
          {
            machine: { id: machine.id },
            identity: { level: "mac", meaning: expect.stringContaining("isolated segment is required") },
            answer: "A script that shows its MAC and UUID and asks again until it is approved",
            because: [
              "It is seen",
              "It waits for approval: sprout machines approve, or an approval rule",
              expect.stringContaining("Its hardware is unknown"),
            ],
          },
        ],
        advice: null,
      });
  });

  it("returns advice if no machine matches", async () => {
    expect(await explain(`mac=${two}`)).toEqual({
      machines: [],
      advice: `No machine with ${two} is known: it never asked, or newer machines displaced it. Check that it boots from the network and reaches this server`,
    });
  });

  it("requires one of MAC, UUID and address, well formed", async () => {
    for (const query of [
      "",
      `mac=${one}&ip=10.0.0.1`,
      "mac=zz",
      "uuid=1",
      "ip=host",
      "uuid=00000000-0000-0000-0000-000000000000",
    ])
      expect(refusal(await server.request(`/v1/machines/explain?${query}`))).toBe("400 invalid-request");
  });

  it("shows no secret of the power controller", async () => {
    const power = { driver: "redfish", url: "https://bmc1/", username: "root", password: "hunter22" };
    await server.request("/v1/machines", { body: { macs: [one], power } });
    const text = JSON.stringify(await explain(`mac=${one}`));
    expect(text).not.toMatch(/hunter22|sealed/);
  });
});
