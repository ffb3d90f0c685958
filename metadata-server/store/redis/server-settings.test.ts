import { describe, expect, it } from "vitest";
import { parseRedisUrl } from "./redis-url.ts";
import { checkSettings, type Settings } from "./server-settings.ts";

const durable: Settings = {
  redis_version: "7.0.15",
  redis_mode: "standalone",
  role: "master",
  connected_slaves: "0",
  appendonly: "yes",
  appendfsync: "always",
  "maxmemory-policy": "noeviction",
  "min-replicas-to-write": "0",
};

const check = (settings: Settings, parameters = "") =>
  checkSettings({ ...durable, ...settings }, parseRedisUrl(`redis://redis.example${parameters}`));
const lossy =
  "it may lose what it acknowledged; set appendonly yes and appendfsync always, or wait for replicas (?replicas=1), or accept the loss (?durability=relaxed)";

describe("checkSettings", () => {
  it("accepts a Redis that has commits on disk before it acknowledges them", () => {
    expect(check({})).toEqual({ onDisk: true, replicas: 0 });
  });

  it.for([
    { title: "the URL gives it", settings: {}, parameters: "?replicas=2", replicas: 2 },
    { title: "replicas are connected", settings: { connected_slaves: "3" }, parameters: "", replicas: 1 },
    {
      title: "the server's settings need some",
      settings: { "min-replicas-to-write": "2" },
      parameters: "",
      replicas: 2,
    },
    {
      title: "the URL says none",
      settings: { connected_slaves: "3" },
      parameters: "?replicas=0",
      replicas: 0,
    },
  ])("returns how many replicas to wait for if $title", ({ settings, parameters, replicas }) => {
    expect(check(settings, parameters)).toEqual({ onDisk: true, replicas });
  });

  it("accepts a Redis that is not on disk if there are replicas or the URL accepts the loss", () => {
    const settings = { appendfsync: "everysec" };
    expect(check(settings, "?replicas=1")).toEqual({ onDisk: false, replicas: 1 });
    expect(check(settings, "?durability=relaxed")).toEqual({ onDisk: false, replicas: 0 });
  });

  it.for<[string, Settings, string]>([
    ["no append-only file", { appendonly: "no" }, lossy],
    ["an append-only file that is flushed later", { appendfsync: "everysec" }, lossy],
    ["settings that it does not report", { appendonly: "", appendfsync: "" }, lossy],
    [
      "eviction",
      { "maxmemory-policy": "allkeys-lru" },
      "its maxmemory-policy is allkeys-lru, which drops clusters; set it to noeviction",
    ],
    [
      "eviction of keys that expire",
      { "maxmemory-policy": "volatile-ttl" },
      "its maxmemory-policy is volatile-ttl, which drops clusters; set it to noeviction",
    ],
    ["the role of a replica", { role: "slave" }, "it is a replica; use the address of the master"],
    [
      "many shards",
      { redis_mode: "cluster" },
      "it is a Redis Cluster, where one commit cannot span all keys; use one Redis with replicas",
    ],
    ["an old version", { redis_version: "6.0.16" }, "it is version 6.0.16; Sprout needs Redis 6.2 or newer"],
  ])("refuses a Redis with %s", ([, settings, why]) => {
    expect(() => check(settings)).toThrow(new Error(`Cannot open store redis://redis.example:6379/0: ${why}`));
  });
});
