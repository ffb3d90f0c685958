import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeInstanceMetadata, startFakeInstanceMetadata } from "../fakes/fake-instance-metadata.ts";
import { toInstanceDocuments } from "../fakes/fake-ec2-instance-documents.ts";
import { startFakeEc2 } from "../fakes/fake-ec2.ts";
import { createFakeRegion } from "../fixtures/ec2-identity.ts";
import { walkListings } from "../fixtures/walk-listings.ts";
import { patience } from "../fixtures/patience.ts";

const tokenPath = "/latest/api/token";

describe("the fake instance metadata service", () => {
  let service: FakeInstanceMetadata;
  let token: string;
  const ask = async (path: string, { method = "GET", headers = {} }: { method?: string; headers?: object } = {}) => {
    const answer = await fetch(new URL(path, service.url), { method, headers: { ...headers } });
    return { status: answer.status, headers: answer.headers, text: await answer.text(), body: null };
  };
  const putToken = (headers: object) => ask(tokenPath, { method: "PUT", headers });
  const get = (path: string, value = token) => ask(path, { headers: { "x-aws-ec2-metadata-token": value } });

  beforeAll(async () => {
    const ec2 = await startFakeEc2();
    const instance = ec2.add({ userData: "{}", profile: "sprout-node" });
    const identity = createFakeRegion().identityOf(instance);
    const documents = toInstanceDocuments(instance, { account: ec2.account, identity });
    await ec2.close();
    service = await startFakeInstanceMetadata({ documents });
    token = (await putToken({ "x-aws-ec2-metadata-token-ttl-seconds": "60" })).text;
  });
  afterAll(() => service.close());

  it("issues tokens for one to 21600 seconds, and returns their lifetime", async () => {
    const { status, headers } = await putToken({ "x-aws-ec2-metadata-token-ttl-seconds": "21600" });
    expect([status, headers.get("x-aws-ec2-metadata-token-ttl-seconds")]).toEqual([200, "21600"]);
  });

  it.each([
    ["without a time to live", {}, 400],
    ["for no time", { "x-aws-ec2-metadata-token-ttl-seconds": "0" }, 400],
    ["for longer than six hours", { "x-aws-ec2-metadata-token-ttl-seconds": "21601" }, 400],
    ["by way of a proxy", { "x-aws-ec2-metadata-token-ttl-seconds": "60", "x-forwarded-for": "192.0.2.1" }, 403],
  ])("refuses a token %s", async (_, headers, status) => {
    expect((await putToken(headers)).status).toBe(status);
  });

  it("refuses requests without a token or with an unknown one", async () => {
    expect((await ask("/latest/meta-data/")).status).toBe(401);
    expect((await get("/latest/meta-data/", "x".repeat(54))).status).toBe(401);
    expect((await ask(tokenPath)).status).toBe(405);
    expect((await ask("/latest/meta-data/", { method: "POST" })).status).toBe(405);
  });

  it("refuses an expired token", async () => {
    const short = (await putToken({ "x-aws-ec2-metadata-token-ttl-seconds": "1" })).text;
    expect((await get("/latest/user-data", short)).status).toBe(200);
    await expect.poll(async () => (await get("/latest/user-data", short)).status, patience).toBe(401);
  });

  it.each(["/latest/meta-data/spot/instance-action", "/latest/meta-data/public-keys/", "/2026-01-01/", "/latest/x"])(
    "answers 404 at %s",
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  it("lists directories with and without a slash", async () => {
    expect((await get("/")).text.split("\n")).toContain("2021-03-23");
    expect((await get("/latest/")).text).toBe("dynamic\nmeta-data\nuser-data");
    for (const directory of ["/latest/dynamic", "/latest/dynamic/instance-identity", "/latest/meta-data/iam"])
      expect((await get(directory)).text).toBe((await get(`${directory}/`)).text);
    expect((await get("/latest/dynamic/")).text).toBe("instance-identity/");
  });

  it("serves every path that its listings name, in every version that cloud-init requests", async () => {
    for (const version of ["2009-04-04", "2021-03-23", "latest"]) {
      const found = await walkListings((path) => get(path), `/${version}/meta-data/`);
      expect(found.length).toBeGreaterThan(40);
      expect(found.filter(({ answer }) => answer.status !== 200)).toEqual([]);
    }
  });
});
