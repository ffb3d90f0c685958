import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { askProbes, createAskProbe } from "./ask-probes.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

const pod = (nodeName: string, podIP?: string) => ({
  spec: { nodeName },
  status: podIP === undefined ? {} : { podIP },
});
const podsOf = (...items: object[]) => ({ get: async <T>() => ({ items }) as T });

async function startProbe(status: number, body: string) {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return createAskProbe((server.address() as AddressInfo).port);
}
const ask = async (probe: ReturnType<typeof createAskProbe>) => probe("127.0.0.1", patientSignal());

describe("askProbes", () => {
  it("asks each pod that has an address and has not reported success, until the signal aborts", async () => {
    const asked: string[] = [];
    const askProbe = async (address: string) => {
      asked.push(address);
      return address === "10.244.1.2" ? "Server: 10.96.0.10\n\n** server can't find it: REFUSED\n" : undefined;
    };
    const api = podsOf(
      pod("cp01", "10.244.0.2"),
      pod("node01", "10.244.1.2"),
      pod("node02"),
      pod("node03", "10.244.3.2"),
    );
    const reports = new Map([["cp01", "resolved"]]);
    await askProbes(reports, { api, askProbe, signal: AbortSignal.timeout(700) });
    expect(asked).toEqual(["10.244.1.2", "10.244.3.2"]);
    expect([...reports]).toEqual([
      ["cp01", "resolved"],
      ["node01", "** server can't find it: REFUSED"],
    ]);
  });

  it("continues if the API server does not answer", async () => {
    let asked = 0;
    const get = async () => {
      asked += 1;
      throw new Error("connection refused");
    };
    await askProbes(new Map(), { api: { get }, askProbe: async () => "resolved", signal: AbortSignal.timeout(1300) });
    expect(asked).toBe(2);
  });
});

describe("createAskProbe", () => {
  it("returns the probe's answer, truncated to the limit", async () => {
    expect(await ask(await startProbe(200, "resolved\n"))).toBe("resolved\n");
    expect(await ask(await startProbe(200, "x".repeat(10_000_000)))).toBe("x".repeat(1000));
  });

  it("returns undefined if another server answers, or none", async () => {
    expect(await ask(await startProbe(404, "not found"))).toBeUndefined();
    expect(await ask(createAskProbe(1))).toBeUndefined();
  });
});
