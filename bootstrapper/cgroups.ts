import { access } from "node:fs/promises";
import { below } from "./files.ts";

/** Whether this machine has cgroup v1, alone or beside v2: `cgroup.controllers` is at the top only where v2 is alone. */
export const hasCgroupV1 = (root: string): Promise<boolean> =>
  access(below(root, "/sys/fs/cgroup/cgroup.controllers")).then(
    () => false,
    () => true,
  );
