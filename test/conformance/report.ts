import { z } from "zod";

const Spec = z.object({
  ContainerHierarchyTexts: z.array(z.string()).nullable(),
  ContainerHierarchyLabels: z.array(z.array(z.string()).nullable()).nullable(),
  LeafNodeType: z.string(),
  LeafNodeLabels: z.array(z.string()).nullable(),
  LeafNodeText: z.string(),
  State: z.string(),
  /** Nanoseconds. */
  RunTime: z.number(),
  Failure: z.object({ Message: z.string() }).optional(),
});
type Spec = z.infer<typeof Spec>;

/** The used part of ginkgo's JSON report (https://pkg.go.dev/github.com/onsi/ginkgo/v2/types#Report). */
export const GinkgoReport = z.array(z.object({ SpecReports: z.array(Spec).nullable() }));
export type GinkgoReport = z.infer<typeof GinkgoReport>;

export interface ConformanceResult {
  passed: { name: string; seconds: number }[];
  /** `reason` is the first line of `output`. */
  failed: { name: string; seconds: number; reason: string; output: string }[];
  /** Reason → the tests that it left out. */
  leftOut: Record<string, string[]>;
}

/** Tests with these labels need the cluster for themselves, or break it. */
const leftOutLabels = ["Disruptive", "Serial"] as const;

/** Ginkgo's filter for every conformance test that may share the cluster. */
export const labelFilter = ["Conformance", ...leftOutLabels.map((label) => `!${label}`)].join(" && ");

/** Selects by name like ginkgo's --focus and --skip; without a focus, every test. Throws SyntaxError. */
export function selectTests({ focus, skip }: { focus: readonly string[]; skip: readonly string[] }) {
  const wanted = focus.map((pattern) => new RegExp(pattern));
  const unwanted = skip.map((pattern) => new RegExp(pattern));
  return (name: string): boolean =>
    (wanted.length === 0 || wanted.some((pattern) => pattern.test(name))) &&
    !unwanted.some((pattern) => pattern.test(name));
}

/** Outcome of each selected conformance test, by name; others are omitted. */
export function summarize(report: GinkgoReport, isAskedFor: (name: string) => boolean): ConformanceResult {
  const result: ConformanceResult = { passed: [], failed: [], leftOut: {} };
  for (const spec of report.flatMap(({ SpecReports }) => SpecReports ?? [])) {
    const name = nameOf(spec);
    // A failed set-up is reported, since no test ran then.
    const isSetup = spec.LeafNodeType !== "It";
    if (isSetup ? spec.State === "passed" : !labelsOf(spec).has("Conformance") || !isAskedFor(name)) continue;
    const seconds = spec.RunTime / 1e9;
    const output = spec.Failure?.Message ?? spec.State;
    if (spec.State === "passed") result.passed.push({ name, seconds });
    else if (spec.State === "skipped" || spec.State === "pending") (result.leftOut[whyLeftOut(spec)] ??= []).push(name);
    else result.failed.push({ name, seconds, reason: firstLine(output), output });
  }
  return result;
}

const labelsOf = ({ ContainerHierarchyLabels, LeafNodeLabels }: Spec) =>
  new Set([...(ContainerHierarchyLabels ?? []).flatMap((labels) => labels ?? []), ...(LeafNodeLabels ?? [])]);

const nameOf = ({ ContainerHierarchyTexts, LeafNodeText, LeafNodeType }: Spec) =>
  [...(ContainerHierarchyTexts ?? []), LeafNodeText || LeafNodeType].join(" ");

function whyLeftOut(spec: Spec): string {
  const labels = labelsOf(spec);
  const label = leftOutLabels.find((candidate) => labels.has(candidate));
  if (label !== undefined) return `[${label}]`;
  return spec.Failure === undefined ? "the run ended before" : firstLine(spec.Failure.Message);
}

const firstLine = (text: string) => text.trim().split("\n")[0] ?? "";
