import { describe, expect, it } from "vitest";
import { userDataFields } from "../../test/fixtures/node-documents.ts";
import { parseUserData } from "./document.ts";

const parse = (fields: object) => parseUserData(JSON.stringify(fields), "user-data");

describe("parseUserData", () => {
  it("reads the document of the prototype unchanged", () => {
    expect(parse(userDataFields)).toEqual({
      self: { name: "node02.build126.test", role: "worker" },
      controlPlanes: ["master01.build126.test", "master02.build126.test"],
      workers: ["node01.build126.test", "node02.build126.test"],
      baseDomain: "test",
      apiServerDomain: "api.build126.test",
      etcdDomain: "etcd.build126.test",
      sealedPki: undefined,
      network: undefined,
      deadlineSeconds: 180,
    });
  });

  it("reads optional fields that the prototype did not have", () => {
    const network = {
      plugin: "manifest",
      baked: "calico.yaml",
      podSubnet: "10.8.0.0/16",
      serviceSubnet: "10.9.0.0/16",
    };
    const more = { sealedPki: "A".repeat(64), network, deadlineSeconds: 90, kubenodesAddr: "" };
    const self = { myDomain: "master02.build126.test", myRole: "master" };
    expect(parse({ ...userDataFields, ...more, ...self })).toMatchObject({
      self: { role: "control-plane" },
      workers: [],
      sealedPki: "A".repeat(64),
      network,
      deadlineSeconds: 90,
    });
  });

  it("lists every problem at once", () => {
    const fields = {
      domainsEnv: "BASE_DOMAIN={{base}} API_SERVER_DOMAIN=api.test API_SERVER_DOMAIN=api.test EXTRA=1 loose",
      masterAddr: "master01.test master01.test Master02.test",
      kubenodesAddr: "node01.test master01.test",
      myDomain: "node09.test",
      myRole: "boss",
      colour: "green",
    };
    expect(() => parse(fields)).toThrow(
      "Cannot use user-data: /masterAddr/2: Expected a lower-case DNS name of at most 52 characters; /myRole: Expected master or node; /colour: Unknown field; " +
        "/masterAddr/1: Expected a name that is not in the list yet; " +
        "/kubenodesAddr/1: Expected a name that is not in /masterAddr; " +
        "/myDomain: Expected a name in /masterAddr or /kubenodesAddr; " +
        "/domainsEnv: Expected NAME=domain pairs; " +
        "/domainsEnv/BASE_DOMAIN: Expected a lower-case domain name; " +
        "/domainsEnv/ETCD_DOMAIN: Expected a lower-case domain name, got nothing; " +
        "/domainsEnv/EXTRA: Unknown field; /domainsEnv/API_SERVER_DOMAIN: Expected one value, got several",
    );
  });

  it.each([
    [{ myRole: "master" }, "/myRole: Expected node, because /kubenodesAddr names this node"],
    [{ myDomain: "master01.build126.test" }, "/myRole: Expected master, because /masterAddr names this node"],
    [{ masterAddr: "  " }, "/masterAddr: Expected at least one name"],
    [{ sealedPki: "not base64!" }, "/sealedPki: Expected what sprout pki seal printed"],
    [{ deadlineSeconds: 5000 }, "/deadlineSeconds: Expected a number from 10 to 3600"],
    [
      { network: { plugin: "manifest", podSubnet: "10.8.0.0/16", serviceSubnet: "10.9.0.0/16" } },
      "/network/baked: Expected a manifest that is baked into the image, got nothing",
    ],
  ])("refuses %j", (changed, problem) => {
    expect(() => parse({ ...userDataFields, ...changed })).toThrow(problem);
  });

  it.each(Object.keys(userDataFields))("refuses a document without %s", (field) => {
    const { [field]: _, ...others } = userDataFields as Record<string, string>;
    expect(() => parse(others)).toThrow(new RegExp(`/${field}: Expected .*, got nothing`));
  });

  it("refuses a repeated field, of which JSON.parse would take the last", () => {
    const text = JSON.stringify(userDataFields).replace("{", '{"masterAddr": "master09.build126.test",');
    expect(() => parseUserData(text, "user-data")).toThrow("/masterAddr: Expected one value, got several");
  });

  it.each([
    ["#cloud-config\npackages: []\n", "it is cloud-init's user-data, not JSON"],
    ['{"domainsEnv": "BASE', "it is truncated or not JSON (line 1 column 21)"],
    ['{"domainsenv": "", "MYROLE": "node"}', "/domainsEnv: Expected text, got nothing"],
    ["", "it is empty"],
    ["[]", "Cannot use user-data: Expected an object"],
  ])("refuses %j", (text, reason) => {
    expect(() => parseUserData(text, "user-data")).toThrow(reason);
  });

  it("refuses user-data that is too large for EC2", () => {
    const text = JSON.stringify({ ...userDataFields, kubenodesAddr: "n".repeat(16 * 1024) });
    expect(() => parseUserData(text, "user-data")).toThrow(
      `Expected at most 16384 bytes (EC2's limit), got ${text.length}`,
    );
  });
});
