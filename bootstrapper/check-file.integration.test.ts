import { describe, expect, it } from "vitest";
import { clusterPki } from "../test/fakes/simulated-launch.ts";
import { checkFiles } from "./check-file.ts";
import { pem, userDataFields } from "../test/fixtures/node-documents.ts";

const capability = "c".repeat(43);
const server = { server: "https://metadata.example:8443", ca: clusterPki.worker.pki["ca.crt"] };
const check = (...documents: (object | string)[]) =>
  checkFiles(
    documents.map((document, index) => ({
      file: `${index}.json`,
      text: typeof document === "string" ? document : JSON.stringify(document),
    })),
  );

describe("checkFiles", () => {
  it("recognizes both kinds of user-data, and a seed", () => {
    const ofServer = { sprout: { ...server, capabilities: [capability] } };
    expect(check(userDataFields, ofServer, { ...server, capability })).toBe(
      "0.json is valid user-data\n1.json is valid user-data of a metadata server\n2.json is valid seed\n",
    );
  });

  it("lists every problem of a metadata server's user-data", () => {
    const sprout = { server: "http://ms", ca: "no", capabilities: ["short"], more: 1 };
    expect(() => check({ sprout, myRole: "node" })).toThrow(
      "Cannot use user-data of a metadata server 0.json: /sprout/server: Expected a URL with https://; " +
        "/sprout/ca: Expected PEM; /sprout/capabilities/0: Expected 256 bits in base64url; /sprout/more: Unknown field; " +
        "/myRole: Unknown field",
    );
    expect(() => check({ sprout: {} })).toThrow(
      "/sprout/ca: Expected PEM, got nothing; /sprout/capabilities: Expected a list of 1 to 64 items, got nothing",
    );
    const large = { sprout: { ...server, capabilities: Array.from({ length: 400 }, () => capability) } };
    expect(() => check(large)).toThrow(/Expected at most 16384 bytes \(EC2's limit\), got \d+/);
  });

  it("checks the authority that machines would pin", () => {
    const damaged = { ...server, ca: pem("CERTIFICATE", "damaged") };
    for (const document of [{ ...damaged, capability }, { sprout: { ...damaged, capabilities: [capability] } }])
      expect(() => check(document)).toThrow("Cannot use the pinned authority: it is not a certificate in PEM");
  });

  it("lists the problems of all files, and what keeps their machines from becoming one cluster", () => {
    const twin = { ...userDataFields, masterAddr: "master02.build126.test master01.build126.test" };
    expect(() => check(userDataFields, "#!/bin/sh\n", twin)).toThrow(
      "Cannot use 1.json: it is cloud-init's user-data, not JSON | Cannot make one cluster: 2.json: /myDomain: " +
        "Expected another name than in 0.json; 2.json: /masterAddr: Expected the same as in 0.json; " +
        "master02.build126.test and master01.build126.test would both run init; give each machine the same lists",
    );
  });

  it.each([
    ["{}", "it has no field of user-data (domainsEnv, "],
    ['{"a": 1,\n"b" 2}', "it is truncated or not JSON (line 2 column 5)"],
    ["\ufeff{}", "it begins with a byte order mark"],
    ["\ufffd\ufffd{\u0000", "it is not UTF-8, such as UTF-16: save it as UTF-8"],
    ["\u001f\ufffd\b", "it is compressed, not JSON: it must be plain"],
    ["eyJzcHJvdXQiOnt9fQ==\n", "it is base64, not JSON: it was encoded twice"],
    [" \n", "it is empty"],
  ])("reports what %j is", (text, reason) => {
    expect(() => check(text)).toThrow(`Cannot use 0.json: ${reason}`);
  });
});
