import type { Redis } from "ioredis";
import { queryTerms } from "../machine-index.ts";
import type { ApprovalRulesRecord, MachineRecord } from "../machine-record.ts";
import type { Store } from "../store.ts";
import { evaluate, type Scripts } from "./scripts.ts";

type MachineReaders = Pick<
  Store,
  "machine" | "machineByMac" | "machines" | "countMachines" | "longestUnseen" | "approvalRules"
>;

const toMachines = (page: unknown) =>
  (page as (string | null)[]).flatMap((json) => (json === null ? [] : (JSON.parse(json) as MachineRecord)));

/** What the Redis store knows of the inventory. */
export function createMachineReaders(options: {
  read: <T>(call: (redis: Redis) => Promise<T>) => Promise<T>;
  scripts: Scripts;
  prefix: string;
}): MachineReaders {
  const { read, scripts, prefix } = options;
  const key = (...parts: string[]) => prefix + ["machines", ...parts].join(":");
  return {
    async machine(id) {
      return toMachines([await read((redis) => redis.hget(key(), id))])[0];
    },
    async machineByMac(mac) {
      return toMachines([await read((redis) => evaluate(redis, scripts.findByMac, [prefix, mac]))])[0];
    },
    async machines({ states, after, limit, ...query }) {
      const wanted = { states, after, limit, terms: queryTerms({ ...query, limit }) };
      return toMachines(await read((redis) => evaluate(redis, scripts.listMachines, [prefix, JSON.stringify(wanted)])));
    },
    countMachines: (state) => read((redis) => redis.zcard(key("in", state))),
    async longestUnseen(limit) {
      if (limit < 1) return [];
      const ids = await read((redis) => redis.zrange(key("unapproved"), 0, String(limit - 1)));
      if (ids.length === 0) return [];
      return toMachines(await read((redis) => redis.hmget(key(), ...ids)));
    },
    async approvalRules() {
      const json = await read((redis) => redis.hget(`${prefix}documents`, "approval-rules"));
      return json === null ? undefined : (JSON.parse(json) as ApprovalRulesRecord);
    },
  };
}
