import { describe, expect, it, onTestFinished } from "vitest";
import { listenForProbes } from "./listen-for-probes.ts";

async function startListening() {
  const reports = new Map<string, string>();
  const listener = await listenForProbes({ address: "127.0.0.1", peers: ["cp01", "node01"] }, reports);
  const { url } = listener;
  const close = () => listener[Symbol.dispose]();
  onTestFinished(close);
  const post = async (node: string, body: string, to = url) =>
    (await fetch(`${to}/${node}`, { method: "POST", body })).status;
  return { reports, url, close, post };
}

describe("listenForProbes", () => {
  it("keeps the last line of each node's last report", async () => {
    const { reports, post } = await startListening();
    // busybox's own words.
    await post("node01", "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find it: REFUSED\n\n");
    await post("cp01", "Terminated");
    expect(await post("cp01", "resolved\n")).toBe(204);
    expect(Object.fromEntries(reports)).toEqual({ node01: "** server can't find it: REFUSED", cp01: "resolved" });
  });

  it("refuses a report without its URL, from an unknown node, or that is too long", async () => {
    const { reports, url, post } = await startListening();
    expect(await post("cp01", "resolved", new URL(url).origin)).toBe(404);
    expect((await fetch(`${url}/cp01`)).status).toBe(404);
    expect(await post("node07", "resolved")).toBe(404);
    expect(await post("cp01", "resolved".repeat(1000))).toBe(413);
    expect(reports.size).toBe(0);
  });

  it("stops listening when it is disposed", async () => {
    const { close, post } = await startListening();
    close();
    await expect(post("cp01", "resolved")).rejects.toThrow("fetch failed");
  });
});
