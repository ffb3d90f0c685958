import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeStoreContract } from "../store-contract.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };

describeStoreContract("SQLite", async (options) => {
  const directory = await mkdtemp(join(tmpdir(), "sprout-store-"));
  const open = () => openSqliteStore({ file: join(directory, "sprout.db"), logger: silent, ...options });
  let store = await open();
  return {
    store,
    async reopen() {
      await store.close();
      store = await open();
      return store;
    },
    async destroy() {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});
