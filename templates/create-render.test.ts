import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { createRender } from "./create-render.ts";
import { templatesFolder } from "./folder.ts";

async function overlayWith(text: string) {
  const folder = await temporaryFolder("overlay");
  await mkdir(join(folder, "kubelet"));
  await writeFile(join(folder, "kubelet/kubeadm-flags.env"), text);
  return folder;
}
const node = { name: "w1.example.internal", address: "10.0.0.2" };

describe("createRender", () => {
  it("renders the folder's template, or the overlay's of the same path", async () => {
    const render = createRender(templatesFolder, await overlayWith("ADDRESS={{address}}\n"));
    expect(await render("kubelet/kubeadm-flags.env", node)).toBe("ADDRESS=10.0.0.2\n");
    expect(await render("kubelet/default", {})).toBe(await createRender(templatesFolder)("kubelet/default", {}));
  });

  it("refuses a broken overlay before it renders any template", async () => {
    const render = createRender(templatesFolder, await overlayWith("{{addres}}"));
    await expect(render("kubelet/default", {})).rejects.toThrow(
      'kubelet/kubeadm-flags.env:1: unknown placeholder "addres"',
    );
  });

  it("reads each template once", async () => {
    const folder = await temporaryFolder("templates");
    await writeFile(join(folder, "motd"), "{{name}} v1");
    const render = createRender(folder);
    expect(await render("motd", { name: "a" })).toBe("a v1");
    await writeFile(join(folder, "motd"), "{{name}} v2");
    expect(await render("motd", { name: "b" })).toBe("b v1");
  });
});
