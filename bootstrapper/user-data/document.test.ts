import { describe, expect, it } from "vitest";
import { userDataFields } from "../fixtures.ts";
import { parseUserData } from "./document.ts";

const parse = (fields: object) => parseUserData(JSON.stringify(fields), "user-data");

describe("parseUserData", () => {
  it("reads the document of the prototype as it stands", () => {
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

  it("takes what the prototype did not have, each of it optional", () => {
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
      "Cannot use user-data: /myRole: must be master or node; /colour: unknown field; " +
        "/masterAddr: Master02.test is not a lower-case DNS name of at most 52 characters; " +
        "/masterAddr: names master01.test more than once; " +
        "/kubenodesAddr: names master01.test, which /masterAddr names too; " +
        "/myDomain: is in neither /masterAddr nor /kubenodesAddr; " +
        "/domainsEnv: loose is not NAME=domain; " +
        "/domainsEnv: EXTRA is unknown; there are BASE_DOMAIN, API_SERVER_DOMAIN, ETCD_DOMAIN; " +
        "/domainsEnv: ETCD_DOMAIN is missing; /domainsEnv: API_SERVER_DOMAIN is given more than once; " +
        '/domainsEnv: BASE_DOMAIN is "{{base}}", which is not a lower-case domain name',
    );
  });

  it.each([
    [{ myRole: "master" }, "/myRole: is master, but /kubenodesAddr names this node"],
    [{ myDomain: "master01.build126.test" }, "/myRole: is node, but /masterAddr names this node"],
    [{ masterAddr: "  " }, "/masterAddr: names nobody"],
    [{ sealedPki: "not base64!" }, "/sealedPki: must be what sprout pki seal printed"],
    [{ deadlineSeconds: 5000 }, "/deadlineSeconds: Too big"],
    [
      { network: { plugin: "manifest", podSubnet: "10.8.0.0/16", serviceSubnet: "10.9.0.0/16" } },
      "/network/baked: is missing; without a server a manifest is one that is baked into the image",
    ],
  ])("refuses %j", (changed, problem) => {
    expect(() => parse({ ...userDataFields, ...changed })).toThrow(problem);
  });

  it.each(Object.keys(userDataFields))("refuses a document without %s", (field) => {
    const { [field]: _, ...others } = userDataFields as Record<string, string>;
    expect(() => parse(others)).toThrow(new RegExp(`/${field}: (is missing|must be)`));
  });

  it("refuses two first masters, of which JSON.parse would take the last", () => {
    const text = JSON.stringify(userDataFields).replace("{", '{"masterAddr": "master09.build126.test",');
    expect(() => parseUserData(text, "user-data")).toThrow("/masterAddr: is given more than once");
  });

  it.each([
    ["#cloud-config\npackages: []\n", "it is cloud-init's user-data, not JSON"],
    ['{"domainsEnv": "BASE', "it is cut short or not JSON (line 1 column 21)"],
    ['{"domainsenv": "", "MYROLE": "node"}', "/domainsEnv: is missing"],
    ["", "it is empty"],
    ["[]", "/: Invalid input: expected object, received array"],
  ])("refuses %j", (text, reason) => {
    expect(() => parseUserData(text, "user-data")).toThrow(reason);
  });

  it("refuses what EC2 would not have taken", () => {
    const text = JSON.stringify({ ...userDataFields, kubenodesAddr: "n".repeat(16 * 1024) });
    expect(() => parseUserData(text, "user-data")).toThrow(`it is ${text.length} bytes, and EC2 takes 16384 at most`);
  });
});
