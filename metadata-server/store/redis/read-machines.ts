import type { Redis } from "ioredis";
import { queryTerms } from "../machine-index.ts";
import type { ApprovalRulesRecord, MachineRecord } from "../machine-record.ts";
import type { MachineReaders } from "../store.ts";
import { evaluate, type Scripts } from "./scripts.ts";

const toMachines = (page: unknown) =>
  (page as (string | null)[]).flatMap((json) => (json === null ? [] : (JSON.parse(json) as MachineRecord)));

/** Creates the functions that read the inventory from Redis. */
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
    async mostCrowded(limit) {
      return toMachines(await read((redis) => evaluate(redis, scripts.crowdedMachines, [prefix, String(limit)])));
    },
    async approvalRules() {
      const json = await read((redis) => redis.hget(`${prefix}documents`, "approval-rules"));
      return json === null ? undefined : (JSON.parse(json) as ApprovalRulesRecord);
    },
  };
}
