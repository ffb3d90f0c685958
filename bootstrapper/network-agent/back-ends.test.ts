import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { createRender } from "../../templates/create-render.ts";
import { templatesFolder } from "../../templates/folder.ts";
import { controlPlaneLabel, type KubernetesNode } from "../kubernetes/node.ts";
import { createBackEnds, toBackEnds } from "./back-ends.ts";

const planned = [
  { name: "cp01", address: "10.77.0.11" },
  { name: "cp02", address: "10.77.0.12" },
];
const node = (name: string, address: string, labels: Record<string, string> = { [controlPlaneLabel]: "" }) => ({
  metadata: { name, labels },
  status: { addresses: [{ type: "InternalIP", address }] },
});
const byName = (...nodes: KubernetesNode[]) => new Map(nodes.map((each) => [each.metadata.name, each]));
const cp02 = node("cp02", "10.77.0.12");
const cp03 = node("cp03", "10.77.0.13");
const names = (nodes: KubernetesNode[], seen: string[] = []) =>
  toBackEnds(byName(...nodes), { planned, seen: new Set(seen) }).map(({ name }) => name);

describe("toBackEnds", () => {
  it("keeps planned control planes whose Nodes do not exist yet", () => {
    expect(names([])).toEqual(["cp01", "cp02"]);
    expect(names([cp02])).toEqual(["cp01", "cp02"]);
  });

  it("adds control planes that were attached, and leaves out those that were detached", () => {
    expect(names([cp02, cp03], ["cp01", "cp02"])).toEqual(["cp02", "cp03"]);
  });

  it("adds neither workers nor Nodes without a usable address", () => {
    const evil = node("cp04", "10.77.0.14:6443\n  server evil 192.0.2.1:6443");
    expect(names([cp02, node("node01", "10.77.0.21", {}), evil])).toEqual(["cp01", "cp02"]);
  });
});

describe("createBackEnds", () => {
  it("tries again after a restart if HAProxy could not read its configuration again", async () => {
    const root = await temporaryFolder("back-ends");
    const file = join(root, "etc/haproxy/sprout.cfg");
    await mkdir(join(root, "etc/haproxy"), { recursive: true });
    await writeFile(file, "as it was");
    const keep = createBackEnds({
      loadBalancer: { endpoint: "api.build126.test:6443", controlPlanes: planned },
      root,
      render: createRender(templatesFolder),
      run: () => Promise.reject(new Error("Job failed")),
      log: () => undefined,
    });
    await expect(keep(byName(cp02))).rejects.toThrow("Job failed");
    expect(await readFile(file, "utf8")).toBe("as it was");
  });

  it("writes the configuration and has HAProxy read it again, only if the control planes have changed", async () => {
    const root = await temporaryFolder("back-ends");
    const file = join(root, "etc/haproxy/sprout.cfg");
    await mkdir(join(root, "etc/haproxy"), { recursive: true });
    await writeFile(file, "");
    const commands: string[] = [];
    const keep = createBackEnds({
      loadBalancer: { endpoint: "api.build126.test:6443", controlPlanes: planned },
      root,
      render: createRender(templatesFolder),
      run: async (...command) => {
        commands.push(command.join(" "));
        return "";
      },
      log: () => undefined,
    });
    const servers = async () => (await readFile(file, "utf8")).match(/^ {4}server .*$/gm);
    await keep(byName(cp02));
    expect(await servers()).toEqual(["    server cp01 10.77.0.11:6443", "    server cp02 10.77.0.12:6443"]);
    await keep(byName(cp02, node("node01", "10.77.0.21", {})));
    expect(commands).toEqual(["systemctl try-reload-or-restart sprout-load-balancer.service"]);
    await keep(byName(cp03));
    expect(await servers()).toEqual(["    server cp01 10.77.0.11:6443", "    server cp03 10.77.0.13:6443"]);
    await keep(byName());
    expect(await servers()).toHaveLength(1);
    expect(commands).toHaveLength(3);
  });
});
