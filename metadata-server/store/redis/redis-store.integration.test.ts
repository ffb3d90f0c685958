import { afterAll, beforeAll } from "vitest";
import { type RedisServer, startRedisServer } from "../../../test/fixtures/redis-server.ts";
import { describeStoreContract } from "../../../test/contract/store/store-contract.ts";
import { openRedisStore } from "./redis-store.ts";
import { parseRedisUrl } from "./redis-url.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };
let server: RedisServer;
let stores = 0;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.destroy());

describeStoreContract("Redis", async (options) => {
  const target = parseRedisUrl(`${server.url}?prefix=test-${(stores += 1)}`);
  const open = () => openRedisStore({ target, logger: silent, ...options });
  let store = await open();
  return {
    store,
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    destroy: () => store.close(),
  };
});
