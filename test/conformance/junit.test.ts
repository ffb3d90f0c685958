import { expect, it } from "vitest";
import { renderJunit } from "./junit.ts";

it("renderJunit writes passed, failed and left-out tests, with every text escaped", () => {
  const output = 'Timed out\n\u001B[31mexpected <1>, got "2" & more';
  const junit = renderJunit("Kubernetes v1.37.2", {
    passed: [{ name: '[sig-node] Pods say "hello"', seconds: 1.26 }],
    failed: [{ name: "SynchronizedBeforeSuite", seconds: 300, reason: "Timed out", output }],
    leftOut: { "[Serial]": ["[sig-apps] Daemon set <all>"] },
  });
  expect(junit).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
<testsuite name="Kubernetes v1.37.2" tests="3" failures="1" skipped="1">
<testcase classname="sig-node" name="[sig-node] Pods say &quot;hello&quot;" time="1.3"></testcase>
<testcase classname="suite" name="SynchronizedBeforeSuite" time="300.0"><failure message="Timed out">Timed out
[31mexpected &lt;1&gt;, got &quot;2&quot; &amp; more</failure></testcase>
<testcase classname="sig-apps" name="[sig-apps] Daemon set &lt;all&gt;" time="0.0"><skipped message="[Serial]"/></testcase>
</testsuite>
</testsuites>
`);
});
