import type { ConformanceResult } from "./report.ts";

/** The result as JUnit XML, the format that CI systems read: tests that were left out count as skipped, with the reason. */
export function renderJunit(suite: string, { passed, failed, leftOut }: ConformanceResult): string {
  const skipped = Object.entries(leftOut).flatMap(([reason, names]) => names.map((name) => ({ name, reason })));
  const cases = [
    ...passed.map(({ name, seconds }) => testCase(name, { seconds })),
    ...failed.map(({ name, seconds, reason, output }) =>
      testCase(name, { seconds, inner: `<failure message="${escape(reason)}">${escape(output)}</failure>` }),
    ),
    ...skipped.map(({ name, reason }) => testCase(name, { inner: `<skipped message="${escape(reason)}"/>` })),
  ];
  const counts = `tests="${cases.length}" failures="${failed.length}" skipped="${skipped.length}"`;
  const opened = `<testsuites>\n<testsuite name="${escape(suite)}" ${counts}>`;
  return ['<?xml version="1.0" encoding="UTF-8"?>', opened, ...cases, "</testsuite>\n</testsuites>\n"].join("\n");
}

function testCase(name: string, { seconds = 0, inner = "" }: { seconds?: number; inner?: string }): string {
  // "[sig-node] Pods …": the group serves as the class name.
  const group = /^\[([\w-]+)\]/.exec(name)?.[1] ?? "suite";
  return `<testcase classname="${group}" name="${escape(name)}" time="${seconds.toFixed(1)}">${inner}</testcase>`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** XML 1.0 cannot represent control characters other than tabs and line ends, so they are left out. */
const escape = (text: string) =>
  text.replaceAll(/[^\P{Cc}\t\n\r]/gu, "").replaceAll(/[&<>"]/g, (sign) => entities[sign] ?? "");
