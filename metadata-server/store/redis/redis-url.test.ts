import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/fixtures/temporary-folder.ts";
import { parseRedisUrl, RedisUrlError } from "./redis-url.ts";

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

  it("accepts the path of a socket", () => {
    expect(parseRedisUrl("unix:///run/redis/redis.sock")).toMatchObject({
      name: "unix:///run/redis/redis.sock",
      connection: { path: "/run/redis/redis.sock", db: 0 },
    });
  });

  it("uses TLS for rediss, with the given authority if there is one", async () => {
    expect(parseRedisUrl("rediss://redis.example").connection.tls).toEqual({ servername: "redis.example" });
    const file = join(await temporaryFolder("redis-ca"), "ca.pem");
    await writeFile(file, "PEM");
    expect(parseRedisUrl(`rediss://redis.example?ca=${file}`).connection.tls).toEqual({
      servername: "redis.example",
      ca: Buffer.from("PEM"),
    });
  });

  it("sends a server name in lower case, without the dot at its end", () => {
    expect(parseRedisUrl("rediss://Redis.Example.").connection.tls).toEqual({ servername: "redis.example" });
  });

  it.each(["192.0.2.1", "[2001:db8::1]", "127.1", "0x7f000001"])(
    "sends no server name to the address %s (RFC 6066, 3)",
    (host) => {
      expect(parseRedisUrl(`rediss://${host}:6380`).connection.tls).toEqual({});
    },
  );

  it("accepts sentinels and the name of what they watch", () => {
    const text = "redis+sentinel://sprout:p%40ss@one.example,[::1]:7000,192.0.2.3/main/3?prefix=ci&sentinel-password=s";
    expect(parseRedisUrl(text)).toEqual({
      name: "redis+sentinel://one.example,[::1]:7000,192.0.2.3/main/3",
      connection: {
        sentinels: [
          { host: "one.example", port: 26_379 },
          { host: "::1", port: 7000 },
          { host: "192.0.2.3", port: 26_379 },
        ],
        name: "main",
        db: 3,
        username: "sprout",
        password: "p@ss",
        sentinelPassword: "s",
      },
      prefix: "ci:",
      replicas: undefined,
      durability: "strict",
    });
  });

  it("uses TLS for rediss+sentinel, to the sentinels too", () => {
    expect(parseRedisUrl("rediss+sentinel://one.example/main").connection).toMatchObject({
      tls: {},
      sentinelTLS: {},
      enableTLSForSentinelMode: true,
    });
  });

  it.each([
    ["redis+sentinel://one.example", "sqlite, or a URL: redis://HOST[:PORT][/DATABASE]"],
    ["redis+sentinel://one.example,two.example", "redis+sentinel://HOST[:PORT],…/NAME"],
    ["redis+sentinel://one.example:0/main", "a port from 1 to 65535"],
    [`redis+sentinel://${"a,".repeat(16)}a/main`, "1 to 16 sentinels before the slash"],
    ["redis+sentinel://one.example/main?sentinels=3", "no parameters but prefix, replicas, durability, ca, sentinel-"],
    ["redis://one.example?sentinel-password=s", "no parameters but prefix, replicas, durability, ca"],
  ])("refuses %s: expects %s", (text, expected) => {
    expect(() => parseRedisUrl(text)).toThrow(expected);
  });

  it("decodes the path of a socket", () => {
    expect(parseRedisUrl("unix:///run/my%20redis/s%25.sock")).toMatchObject({
      name: "unix:///run/my redis/s%.sock",
      connection: { path: "/run/my redis/s%.sock" },
    });
  });

  const socket = "an absolute path of a socket, such as unix:///run/redis.sock";
  const form =
    "sqlite, or a URL: redis://HOST[:PORT][/DATABASE], rediss://…, unix:///SOCKET or redis+sentinel://HOST[:PORT],…/NAME";
  it.for([
    ["", form],
    ["postgres://db.example", form],
    ["redis.example:6379", form],
    ["redis://:secret@redis.example/zero", "the number of a database as the URL's path"],
    ["redis://:secret@redis.example/0/1", "the number of a database as the URL's path"],
    ["redis://:sec%ret@redis.example", "a percent sign as %25, and two hexadecimal digits after each other one"],
    ["unix:///run/100%/s.sock", "a percent sign as %25, and two hexadecimal digits after each other one"],
    ["unix:///run/%ff.sock", "a percent sign as %25, and two hexadecimal digits after each other one"],
    ["redis:6379", form],
    ["redis:/3", form],
    ["unix:run/redis.sock", form],
    ["redis://redis.example:0", "a port from 1 to 65535"],
    ["redis://r%65dis.example", "a host name or address without percent signs; unix:///SOCKET is a socket"],
    ["redis://%2Frun%2Fredis.sock", "a host name or address without percent signs; unix:///SOCKET is a socket"],
    ["unix://", socket],
    ["unix:///", socket],
    ["unix://run/redis.sock", socket],
    ["unix:///run/%0aredis.sock", socket],
    ["redis://redis.example?prefix=", "a prefix of 1 to 64 letters, digits, dots, dashes, underscores or braces"],
    ["redis://redis.example?prefix=a:b", "a prefix of 1 to 64 letters, digits, dots, dashes, underscores or braces"],
    ["redis://redis.example?prefix=*", "a prefix of 1 to 64 letters, digits, dots, dashes, underscores or braces"],
    ["redis://redis.example?replicas=-1", "0 to 9 replicas"],
    ["redis://redis.example?durability=some", "durability strict or relaxed"],
    ["redis://redis.example?db=1&tls=1", "no parameters but prefix, replicas, durability, ca"],
  ] as const)("refuses %j", ([text, message]) => {
    expect(() => parseRedisUrl(text)).toThrow(new RedisUrlError(message));
  });

  it("names a file of an authority that it cannot read", () => {
    expect(() => parseRedisUrl("rediss://redis.example?ca=/nonexistent/ca.pem")).toThrow("/nonexistent/ca.pem");
    expect(() => parseRedisUrl("rediss://redis.example?ca=/nonexistent/%1b[2J")).toThrow(String.raw`\u001b[2J`);
  });
});
