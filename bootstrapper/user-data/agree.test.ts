import { expect, it } from "vitest";
import { userDataFields } from "../../test/fixtures/node-documents.ts";
import { findDisagreements } from "./agree.ts";
import { parseUserData } from "./document.ts";

const [first, second] = ["master01.build126.test", "master02.build126.test"];
const worker = userDataFields;
const master = { ...worker, myDomain: first, myRole: "master" };
const disagreements = (...documents: object[]) =>
  findDisagreements(
    documents.map((document, index) => ({
      file: `${index}.json`,
      userData: parseUserData(JSON.stringify(document), "user-data"),
    })),
  );

it("finds no disagreement in documents of one cluster, complete or not", () => {
  expect(disagreements()).toEqual([]);
  expect(disagreements(worker)).toEqual([]);
  expect(disagreements(master, worker, { ...master, myDomain: second, deadlineSeconds: 90 })).toEqual([]);
});

it("names every document that would make another cluster", () => {
  const swapped = { ...master, masterAddr: `${second} ${first}`, myDomain: second };
  expect(disagreements(master, swapped)).toEqual([
    "1.json: /masterAddr: Expected the same as in 0.json",
    `${second} and ${first} would both run init; give each machine the same lists`,
  ]);
  const others = {
    ...worker,
    kubenodesAddr: worker.myDomain,
    domainsEnv: worker.domainsEnv.replace("api.", "k8s."),
    network: { plugin: "routes", podSubnet: "10.8.0.0/16", serviceSubnet: "10.9.0.0/16" },
  };
  expect(disagreements(worker, others)).toEqual([
    "1.json: /myDomain: Expected another name than in 0.json",
    "1.json: /kubenodesAddr: Expected the same as in 0.json",
    "1.json: /domainsEnv: Expected the same as in 0.json",
    "1.json: /network: Expected the same as in 0.json",
  ]);
});
