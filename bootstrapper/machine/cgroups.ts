import { exists } from "#lib/files.ts";
import { below } from "./files.ts";

/** Whether this machine has cgroup v1, alone or with v2: only v2 alone has `cgroup.controllers` at the top. */
export const hasCgroupV1 = async (root: string): Promise<boolean> =>
  !(await exists(below(root, "/sys/fs/cgroup/cgroup.controllers")));
