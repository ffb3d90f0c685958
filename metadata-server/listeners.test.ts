import { describe, expect, it } from "vitest";
import { toListeners } from "./listeners.ts";

const known = ["127.0.0.1", "10.77.0.1", "192.0.2.10"];

describe("toListeners", () => {
  it("returns each listener at its own address", () => {
    const config = { listenAddress: "192.0.2.10", port: 8443, httpListen: { address: "192.0.2.11", port: 8080 } };
    expect(toListeners(config, known)).toEqual([
      { address: "192.0.2.10", port: 8443 },
      { address: "192.0.2.11", port: 8080 },
    ]);
  });

  it("returns a listener on every address at each one that the server is known by, without loopback", () => {
    const config = { listenAddress: "0.0.0.0", port: 8443, httpListen: { address: "0.0.0.0", port: 8080 } };
    expect(toListeners(config, known)).toEqual([
      { address: "10.77.0.1", port: 8443 },
      { address: "192.0.2.10", port: 8443 },
      { address: "10.77.0.1", port: 8080 },
      { address: "192.0.2.10", port: 8080 },
    ]);
  });

  it("returns none for a server that only its own host reaches", () => {
    expect(toListeners({ listenAddress: "127.0.0.1", port: 8443, httpListen: null }, known)).toEqual([]);
  });
});
