import { describe, expect, it } from "vitest";
import { GinkgoReport, labelFilter, selectTests, summarize } from "./report.ts";

const spec = (text: string, state: string, more: { labels?: string[]; message?: string } = {}) => ({
  ContainerHierarchyTexts: ["[sig-node] Pods"],
  ContainerHierarchyLabels: [["sig-node"]],
  LeafNodeType: "It",
  LeafNodeLabels: ["Conformance", ...(more.labels ?? [])],
  LeafNodeText: text,
  State: state,
  RunTime: 1_500_000_000,
  ...(more.message === undefined ? {} : { Failure: { Message: more.message } }),
});

const setup = (state: string) => ({
  ...spec("", state, { message: "nodes are not ready" }),
  ContainerHierarchyTexts: null,
  ContainerHierarchyLabels: null,
  LeafNodeType: "SynchronizedBeforeSuite",
  LeafNodeLabels: null,
});

const reportOf = (...specs: unknown[]) => GinkgoReport.parse([{ SpecReports: specs }]);
const everything = () => true;

describe("summarize", () => {
  it("sorts conformance tests by outcome, and keeps a failure's first line", () => {
    const report = reportOf(
      spec("run", "passed"),
      spec("fail", "failed", { message: "Timed out\n  after 5 minutes" }),
      spec("share a node", "skipped", { labels: ["Serial"] }),
      spec("break a node", "skipped", { labels: ["Serial", "Disruptive"] }),
      spec("need a cloud", "skipped", { message: "Only supported for providers [gce]" }),
      spec("come too late", "skipped"),
    );
    expect(summarize(report, everything)).toEqual({
      passed: [{ name: "[sig-node] Pods run", seconds: 1.5 }],
      failed: [
        {
          name: "[sig-node] Pods fail",
          seconds: 1.5,
          reason: "Timed out",
          output: "Timed out\n  after 5 minutes",
        },
      ],
      leftOut: {
        "[Serial]": ["[sig-node] Pods share a node"],
        "[Disruptive]": ["[sig-node] Pods break a node"],
        "Only supported for providers [gce]": ["[sig-node] Pods need a cloud"],
        "the run ended before": ["[sig-node] Pods come too late"],
      },
    });
  });

  it("counts every outcome but passed as a failure, such as a timeout", () => {
    const { failed } = summarize(reportOf(spec("hang", "timedout")), everything);
    expect(failed).toMatchObject([{ name: "[sig-node] Pods hang", reason: "timedout" }]);
  });

  it("omits tests outside conformance and tests that were not selected", () => {
    const other = { ...spec("do more", "skipped"), LeafNodeLabels: null };
    const report = reportOf(other, spec("start", "passed"), spec("stop", "skipped"));
    expect(summarize(report, (name) => name.endsWith("start"))).toEqual({
      passed: [{ name: "[sig-node] Pods start", seconds: 1.5 }],
      failed: [],
      leftOut: {},
    });
  });

  it("reports a failed set-up, whatever was selected", () => {
    expect(summarize(reportOf(setup("passed"), setup("failed")), () => false).failed).toMatchObject([
      { name: "SynchronizedBeforeSuite", reason: "nodes are not ready" },
    ]);
  });
});

it("labelFilter leaves out tests that cannot share a cluster with others", () => {
  expect(labelFilter).toBe("Conformance && !Disruptive && !Serial");
});

describe("selectTests", () => {
  const names = ["Pods start", "Pods stop", "DNS answers"];
  const selected = (focus: string[], skip: string[]) => names.filter(selectTests({ focus, skip }));

  it("selects everything by default", () => {
    expect(selected([], [])).toEqual(names);
  });

  it("selects tests that any focus matches and no skip does", () => {
    expect(selected(["^Pods", "DNS"], ["stop$"])).toEqual(["Pods start", "DNS answers"]);
  });
  it("refuses an invalid regular expression immediately", () => {
    expect(() => selectTests({ focus: ["Pods ("], skip: [] })).toThrow("Invalid regular expression: /Pods (/");
  });
});
