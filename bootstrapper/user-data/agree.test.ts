import { expect, it } from "vitest";
import { userDataFields } from "../fixtures.ts";
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

it("finds nothing in documents of one cluster, whether or not all are there", () => {
  expect(disagreements()).toEqual([]);
  expect(disagreements(worker)).toEqual([]);
  expect(disagreements(master, worker, { ...master, myDomain: second, deadlineSeconds: 90 })).toEqual([]);
});

it("names every pair that would not be one cluster", () => {
  const swapped = { ...master, masterAddr: `${second} ${first}`, myDomain: second };
  expect(disagreements(master, swapped)).toEqual([
    "1.json: /masterAddr: is another than in 0.json",
    `${second} and ${first} would both run init; give each machine the same lists`,
  ]);
  const others = {
    ...worker,
    kubenodesAddr: worker.myDomain,
    domainsEnv: worker.domainsEnv.replace("api.", "k8s."),
    network: { plugin: "routes", podSubnet: "10.8.0.0/16", serviceSubnet: "10.9.0.0/16" },
  };
  expect(disagreements(worker, others)).toEqual([
    "1.json: /myDomain: is node02.build126.test, as in 0.json",
    "1.json: /kubenodesAddr: is another than in 0.json",
    "1.json: /domainsEnv: is another than in 0.json",
    "1.json: /network: is another than in 0.json",
  ]);
});
