import { describe, expect, it } from "vitest";
import { redfishPerTest } from "../../../test/fixtures/redfish-driver.ts";
import type { RedfishClient } from "./client.ts";
import { patchCurrent } from "./patch-current.ts";

const under = redfishPerTest();
const { open } = under;

const signal = () => AbortSignal.timeout(10_000);
const system = "/redfish/v1/Systems/1";
/** `If-Match` of each PATCH, and how often the resource was read right before it. */
const ifMatches = () =>
  under.fake.requests.flatMap(({ method, headers }, index) => {
    const previous = under.fake.requests[index - 1];
    return method === "PATCH" ? [{ value: headers["if-match"], isFresh: previous?.method === "GET" }] : [];
  });
const fresh = (...values: (string | undefined)[]) => values.map((value) => ({ value, isFresh: true }));
const precondition = (status: number) => ({ kind: "answer", status }) as const;

describe("patchCurrent", () => {
  it.for([{}, { hasSettings: true }])(
    "sends no If-Match if the controller refuses every one, after the other spellings (%j)",
    async (options) => {
      await open({ ifMatch: "refused", ...options });
      const etag = `"${under.fake.system.etag}"`;
      await under.driver.bootFromNetwork(signal());
      expect(ifMatches()).toEqual(fresh(`W/${etag}`, etag, "*", undefined));
      expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
    },
  );

  it("sends the ETag of the body if the header has it quoted twice", async () => {
    await open({ ifMatch: "body" });
    const etag = `W/"${under.fake.system.etag}"`;
    await under.driver.bootFromNetwork(signal());
    expect(ifMatches()).toEqual(fresh(`"${etag}"`, etag));
    expect(under.fake.system.boots).toEqual(["Pxe, UEFI"]);
  });

  it("reports the last refusal if no spelling is accepted", async () => {
    await open();
    under.fake.faults.set(
      `PATCH ${system}`,
      Array.from({ length: 20 }, () => precondition(412)),
    );
    await expect(under.driver.bootFromNetwork(signal())).rejects.toMatchObject({
      code: "rejected",
      message: `Cannot boot over the network: ${under.fake.url.host} answered 412`,
    });
  });

  it("sends * for an ETag that no header can have", async () => {
    const sent: unknown[] = [];
    const call: RedfishClient["call"] = async ({ method, headers = {} }) => {
      if (method === "PATCH") sent.push(headers["if-match"]);
      const status = method === "PATCH" && headers["if-match"] !== "*" ? 428 : 200;
      return { status, headers: {}, body: { "@odata.etag": 'W/"\u2028"' } };
    };
    await patchCurrent({ call } as RedfishClient, { path: system, body: {}, signal: signal() });
    expect(sent).toEqual([undefined, "*"]);
  });

  it("tries no other spelling after another refusal", async () => {
    await open();
    under.fake.faults.set(`PATCH ${system}`, [precondition(403)]);
    await expect(under.driver.bootFromNetwork(signal())).rejects.toMatchObject({ code: "forbidden" });
    expect(under.fake.faults.get(`PATCH ${system}`)).toEqual([]);
    expect(ifMatches()).toEqual([]);
  });
});
