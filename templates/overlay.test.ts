import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/fixtures/temporary-folder.ts";
import { readOverlay } from "./overlay.ts";
import { templates } from "./placeholders.ts";
import { TemplateError } from "./render.ts";

async function overlay(files: Record<string, string | Buffer>) {
  const folder = await temporaryFolder("overlay");
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}

async function problems(folder: string) {
  const error: unknown = await readOverlay(folder).catch((thrown: unknown) => thrown);
  if (!(error instanceof TemplateError)) throw new Error("no TemplateError was thrown");
  return error.problems;
}

describe("readOverlay", () => {
  it("returns files by the paths of the project's templates", async () => {
    const hosts = "{{#endpoint}}{{address}} {{host}}\n{{/endpoint}}{{address}} {{name}}\n";
    const folder = await overlay({ "etc/hosts": hosts, "systemd/system.conf": "[Manager]\n" });
    expect(await readOverlay(folder)).toEqual(
      new Map([
        ["etc/hosts", hosts],
        ["systemd/system.conf", "[Manager]\n"],
      ]),
    );
  });

  it("lists every unknown or unclosed placeholder with its line, and every file that replaces no template", async () => {
    const folder = await overlay({
      "etc/hosts":
        "{{address}} {{nmae}}\n{{#others}}\n{{address}} {{port}}\n{{^unheard}}{{/unheard}}\n{{/others}}\n{{host",
      "kubelet/config.yaml": "a: {{resolvConf}}\n{{#controlPlane}}\nb: {{controlPlane}}\n",
      "kubelet/conifg.yaml": "a: 1\n",
      "kubernetes/network-agent-role.yaml": "name: {{name}}\n",
    });
    expect(await problems(folder)).toEqual([
      "etc/hosts:6: unclosed or empty placeholder",
      'etc/hosts:1: unknown placeholder "nmae"; known are: address, endpoint, name, others, shortName',
      'etc/hosts:3: unknown placeholder "port"; known are: address, endpoint, name, others, shortName',
      'etc/hosts:4: unknown placeholder "unheard"; known are: address, endpoint, name, others, shortName',
      'kubelet/config.yaml:2: unclosed section "controlPlane"',
      'kubelet/config.yaml:3: placeholder "controlPlane" needs a section: {{#controlPlane}} … {{/controlPlane}}',
      "kubelet/conifg.yaml: replaces no template",
      'kubernetes/network-agent-role.yaml:1: unknown placeholder "name"; this template has no placeholders',
      `the templates are: ${Object.keys(templates).join(", ")}`,
    ]);
  });

  it("refuses a template that is not UTF-8", async () => {
    const folder = await overlay({ "systemd/system.conf": Buffer.from("# Z\xfcrich\n", "latin1") });
    expect(await problems(folder)).toEqual([
      "systemd/system.conf: it is not UTF-8 (byte FC on line 1); save it as UTF-8",
    ]);
  });

  it("checks branches that no node of this cluster would take", async () => {
    const text = "{{#etcd}}{{#alone}}{{nothing}}{{/alone}}{{^alone}}{{initialCluster}}{{other}}{{/alone}}{{/etcd}}";
    expect(await problems(await overlay({ "kubeadm/init.yaml": text }))).toEqual([
      expect.stringContaining('kubeadm/init.yaml:1: unknown placeholder "nothing"'),
      expect.stringContaining('kubeadm/init.yaml:1: unknown placeholder "other"'),
    ]);
  });

  it("refuses tags that Sprout's Mustache lacks, and sections closed out of order", async () => {
    const text = "{{> other}}\n{{=<% %>=}}\n{{#controlPlane}}{{/resolvConf}}{{/controlPlane}}\n{{}}\n";
    expect(await problems(await overlay({ "kubelet/config.yaml": text }))).toEqual([
      'kubelet/config.yaml:3: closes "resolvConf", which is not open here',
      "kubelet/config.yaml:4: unclosed or empty placeholder",
      'kubelet/config.yaml:1: ">" tags are not supported',
      'kubelet/config.yaml:2: "=" tags are not supported',
    ]);
  });

  it("accepts JSON's braces, comments and unescaped values", async () => {
    const text = '{"a": {"b": "{{podCidr}}"}}{{! anything {{ goes }}{{{podCidr}}}{{& podCidr }}';
    expect(await readOverlay(await overlay({ "cni/10-sprout.conflist": text }))).toEqual(
      new Map([["cni/10-sprout.conflist", text]]),
    );
  });

  it("follows links to files, and checks what is neither file nor folder", async () => {
    const folder = await overlay({ "etc/hosts": "127.0.0.1 localhost\n" });
    await symlink(join(folder, "etc/hosts"), join(folder, "etc/hosts.old"));
    expect((await problems(folder))[0]).toBe("etc/hosts.old: replaces no template");
  });

  it("refuses a missing folder", async () => {
    await expect(readOverlay("/nonexistent/templates")).rejects.toThrow(
      "Cannot use templates of /nonexistent/templates: it is not a readable folder",
    );
  });
});
