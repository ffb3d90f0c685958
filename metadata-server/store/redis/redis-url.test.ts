import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/fixtures/temporary-folder.ts";
import { parseRedisUrl } from "./redis-url.ts";

describe("parseRedisUrl", () => {
  it("has a default for all but the host", () => {
    expect(parseRedisUrl("redis://redis.example")).toEqual({
      name: "redis://redis.example:6379/0",
      connection: { host: "redis.example", port: 6379, db: 0 },
      prefix: "sprout:",
      replicas: undefined,
      durability: "strict",
    });
  });

  it("keeps credentials out of the name", () => {
    const target = parseRedisUrl(
      "redis://sprout:p%40ss%2Fword@[::1]:7000/3?prefix=ci-{a}&replicas=2&durability=relaxed",
    );
    expect(target).toEqual({
      name: "redis://[::1]:7000/3",
      connection: { host: "::1", port: 7000, db: 3, username: "sprout", password: "p@ss/word" },
      prefix: "ci-{a}:",
      replicas: 2,
      durability: "relaxed",
    });
  });

  it("takes a socket", () => {
    expect(parseRedisUrl("unix:///run/redis/redis.sock")).toMatchObject({
      name: "unix:///run/redis/redis.sock",
      connection: { path: "/run/redis/redis.sock", db: 0 },
    });
  });

  it("speaks TLS to rediss, with an authority of its own where one is given", async () => {
    expect(parseRedisUrl("rediss://redis.example").connection.tls).toEqual({});
    const file = join(await temporaryFolder("redis-ca"), "ca.pem");
    await writeFile(file, "PEM");
    expect(parseRedisUrl(`rediss://redis.example?ca=${file}`).connection.tls).toEqual({
      ca: Buffer.from("PEM"),
    });
  });

  const form = "must be sqlite, or a URL: redis://HOST[:PORT][/DATABASE], rediss://… or unix:///SOCKET";
  it.for([
    ["", form],
    ["postgres://db.example", form],
    ["redis.example:6379", form],
    ["redis://:secret@redis.example/zero", "has a path that is not the number of a database"],
    ["redis://:secret@redis.example/0/1", "has a path that is not the number of a database"],
    [
      "redis://redis.example?prefix=",
      "has a prefix that is not 1 to 64 letters, digits, dots, dashes, underscores or braces",
    ],
    [
      "redis://redis.example?prefix=a:b",
      "has a prefix that is not 1 to 64 letters, digits, dots, dashes, underscores or braces",
    ],
    [
      "redis://redis.example?prefix=*",
      "has a prefix that is not 1 to 64 letters, digits, dots, dashes, underscores or braces",
    ],
    ["redis://redis.example?replicas=-1", "has a number of replicas that is not 0 to 9"],
    ["redis://redis.example?durability=some", "has a durability that is neither strict nor relaxed"],
    ["redis://redis.example?db=1&tls=1", "has unknown parameters: db, tls; known: prefix, replicas, durability, ca"],
  ] as const)("refuses %j", ([text, message]) => {
    expect(() => parseRedisUrl(text)).toThrow(new Error(message));
  });

  it("names an authority's file that cannot be read", () => {
    expect(() => parseRedisUrl("rediss://redis.example?ca=/nonexistent/ca.pem")).toThrow("/nonexistent/ca.pem");
  });
});
