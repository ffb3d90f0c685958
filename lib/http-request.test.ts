import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { httpRequest } from "./http-request.ts";

let server: Server | undefined;
afterEach(() => server?.close());

async function serve(listener: RequestListener): Promise<URL> {
  const listening = createServer(listener).listen(0, "127.0.0.1");
  server = listening;
  await new Promise((resolve) => listening.once("listening", resolve));
  return new URL(`http://127.0.0.1:${(listening.address() as AddressInfo).port}/path?query=1`);
}

const { signal } = new AbortController();
const common = { agent: false, signal, maxBytes: 10 } as const;

describe("httpRequest", () => {
  it("sends method, headers and body, and returns status, headers and body", async () => {
    const url = await serve((request, response) => {
      request.setEncoding("utf8").once("data", (body: string) => {
        const { method, url: path, headers } = request;
        response.writeHead(201, { "x-own": headers["x-own"] });
        response.end([method, path, headers["content-length"], body].join(" "));
      });
    });
    const sent = { method: "PUT", headers: { "x-own": "yes" }, body: "größe" } as const;
    const answer = await httpRequest({ ...common, url, ...sent, maxBytes: 100 });
    expect(answer).toMatchObject({ status: 201, headers: { "x-own": "yes" }, body: "PUT /path?query=1 7 größe" });
  });

  it("returns statuses of errors as answers", async () => {
    const url = await serve((_, response) => response.writeHead(503).end());
    expect(await httpRequest({ ...common, url })).toMatchObject({ status: 503, body: "" });
  });

  it("accepts a body of the limit, and refuses a larger one before its end", async () => {
    const exact = await serve((_, response) => response.end("0123456789"));
    expect((await httpRequest({ ...common, url: exact })).body).toBe("0123456789");
    server?.close();
    const endless = await serve((_, response) => void response.write("0123456789a"));
    await expect(httpRequest({ ...common, url: endless })).rejects.toMatchObject({
      name: "BodyTooLargeError",
      message: "the answer is larger than 10 bytes",
    });
  });

  it("rejects a truncated body", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": "9" });
      response.write("half", () => response.destroy());
    });
    await expect(httpRequest({ ...common, url })).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("rejects when the signal aborts, even in the middle of a body", async () => {
    const stop = new AbortController();
    const url = await serve((_, response) => response.write("half", () => setTimeout(() => stop.abort(), 50)));
    await expect(httpRequest({ ...common, url, signal: stop.signal })).rejects.toMatchObject({ code: "ABORT_ERR" });
  });
});
