import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Cluster } from "#api/cluster.ts";
import { Seed } from "#api/seed.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { type Answer, createTestServer, plainUrl, type TestServer } from "../fixtures/test-server.ts";
import { walkListings } from "../fixtures/walk-listings.ts";

const versions = ["2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23", "latest"];
const seedFiles = ["meta-data", "user-data", "vendor-data", "network-config"];

let server: TestServer;
let created = 0;
beforeAll(async () => {
  server = await createTestServer();
});
afterAll(() => server.close());

/** How far the machine has come: no machine has called, all have, it has its credentials, its capability is dead. */
const progress = fc.constantFrom("launched", "called", "claimed", "confirmed");
const instance = fc.record({
  name: fc.stringMatching(/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/),
  controlPlanes: fc.constantFrom(1, 3),
  workers: fc.integer({ min: 0, max: 3 }),
  labels: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[A-Za-z0-9._-]{0,8}$/), { maxKeys: 3 }),
  plansAddresses: fc.boolean(),
  hasBootstrapper: fc.boolean(),
  member: fc.nat(),
  progress,
});
type Instance = typeof instance extends fc.Arbitrary<infer T> ? T : never;

async function bringTo(cluster: Cluster, { member, progress: end }: Instance): Promise<TestMachine> {
  const machines = cluster.members.map((_, index) => createTestMachine(server, cluster, index));
  const machine = machines[member % machines.length]!;
  if (end === "launched") return machine;
  // All in parallel: if the provider plans no addresses, each waits for the others.
  await Promise.all(machines.map((each, index) => each.getMetadata(`mac=${each.mac}&address=192.0.2.${index + 1}`)));
  if (end !== "called") await machine.claim();
  if (end === "confirmed") await machine.confirm();
  return machine;
}

async function create(wanted: Instance): Promise<TestMachine> {
  const { name, controlPlanes, workers, labels } = wanted;
  const folder = join(server.directory, "bootstrapper/x64");
  await rm(folder, { recursive: true, force: true });
  if (wanted.hasBootstrapper) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "sprout-bootstrap"), name);
  }
  server.provider.plansAddresses = wanted.plansAddresses;
  created += 1;
  // `a7` and 8, `a` and 78: without the hyphen two names could be equal.
  const unique = `${name}-${created}`;
  const cluster = await server.create({ name: unique, nodes: undefined, controlPlanes, workers, labels });
  return bringTo(cluster, wanted);
}

const get = (url: string, headers: Record<string, string> = {}) => server.request(url, { token: null, headers });
const isGood = ({ status, headers }: Answer) => status === 200 && headers.get("cache-control") === "no-store";
const isListing = (path: string) => path === "" || path.endsWith("/");

describe("cloud-init's surfaces, for any instance", () => {
  it("serve every file that a listing of EC2's metadata names, in every version, with and without a token", async () => {
    await fc.assert(
      fc.asyncProperty(instance, async (wanted) => {
        const { capability } = await create(wanted);
        const url = `${plainUrl}/ec2/${capability}`;
        const headers = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
        const token = await server.request(`${url}/latest/api/token`, { method: "PUT", token: null, headers });
        const [bare, withToken] = await Promise.all(
          [{}, { "x-aws-ec2-metadata-token": token.text }].map((sent) =>
            walkListings((path) => get(`${url}/${path}`, sent), ""),
          ),
        );
        expect(bare!.filter(({ answer }) => !isGood(answer) || answer.text === "")).toEqual([]);
        const said = (walked = bare!) => walked.map(({ path, answer }) => [path, answer.text]);
        expect(said(withToken)).toEqual(said());
        for (const { answer } of bare!.filter(({ path }) => isListing(path))) {
          const names = answer.text.split("\n");
          expect(new Set(names).size).toBe(names.length);
          // An equals sign would name a key, and a client would trim a blank.
          expect(names.filter((name) => !/^[\w.:-]+\/?$/.test(name))).toEqual([]);
        }
        expect(bare![0]!.answer.text).toBe(versions.map((version) => `${version}/`).join("\n"));
        for (const file of versions.map((version) => `${version}/dynamic/instance-identity`))
          expect((await get(`${url}/${file}`)).text).toBe("document");
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it("serve every file of the NoCloud seed, with the same content as EC2's metadata", async () => {
    await fc.assert(
      fc.asyncProperty(instance, async (wanted) => {
        const { capability, allocation, name } = await create(wanted);
        const answers = await Promise.all(seedFiles.map((file) => get(`${plainUrl}/nocloud/${capability}/${file}`)));
        expect(answers.filter((answer) => !isGood(answer))).toEqual([]);
        const [metaData, userData, vendorData, networkConfig] = answers.map(({ text }) => text);
        expect(parse(metaData!)).toEqual({ "instance-id": allocation, "local-hostname": name });
        const { write_files: written } = parse(userData!) as { write_files: { content: string }[] };
        const seed = Seed.parse(JSON.parse(Buffer.from(written[0]!.content, "base64").toString()));
        expect(seed.capability).toBe(capability);
        expect([vendorData!.startsWith("#!/usr/bin/python3\n"), networkConfig]).toEqual([wanted.hasBootstrapper, ""]);
        const archive = parse((await get(`${plainUrl}/ec2/${capability}/latest/user-data`)).text) as string[];
        expect(archive).toEqual([...(wanted.hasBootstrapper ? [vendorData] : []), userData]);
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it("answer 404 for every file that no listing names", async () => {
    const { capability } = await create({ ...fc.sample(instance, { numRuns: 1, seed: 1 })[0]!, progress: "called" });
    const walked = await walkListings((path) => get(`${plainUrl}/ec2/${capability}/${path}`), "");
    const known = new Set(walked.map(({ path }) => path.replace(/\/$/, "")));
    const name = fc.oneof(fc.constantFrom("latest", "meta-data", "mac", "tags", "__proto__"), fc.string());
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          name.filter((each) => !/^\.*$/.test(each)),
          { minLength: 1, maxLength: 6 },
        ),
        async (names) => {
          const path = names.map((each) => encodeURIComponent(each.toWellFormed())).join("/");
          const { status } = await get(`${plainUrl}/ec2/${capability}/${path}`);
          const url = new URL(`${plainUrl}/ec2/${capability}/${path}`);
          const asked = url.pathname.replace(`/ec2/${capability}`, "").replace(/^\/|\/$/g, "");
          expect([path, status === 200]).toEqual([path, known.has(asked)]);
          expect(status).toBeLessThan(500);
        },
      ),
      { numRuns: 600 },
    );
  }, 60_000);
});
