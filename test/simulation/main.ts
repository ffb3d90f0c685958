import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { planScenario } from "./faults.ts";
import { runScenarios } from "./run-scenarios.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    from: { type: "string", default: "1" },
    runs: { type: "string", default: "500" },
    lanes: { type: "string", default: "2" },
  },
});
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.runs) : 1;
const folder = await mkdtemp(join(tmpdir(), "sprout-simulation-"));
const print = (text: string) => process.stdout.write(text);
try {
  const scenarios = Array.from({ length: count }, (_, index) => planScenario(first + index));
  let done = 0;
  const outcomes = await runScenarios(scenarios, {
    folder,
    lanes: Number(values.lanes),
    onOutcome(outcome) {
      done += 1;
      const { seed } = outcome.scenario;
      const bad = outcome.state === "failed" || outcome.violations.length > 0;
      if (bad || done % 50 === 0 || count === 1)
        print(
          `simulated ${done}/${count}: seed ${seed} ${outcome.state} in ${Math.round(outcome.durationMs)} ms${outcome.failure === null ? "" : `: ${outcome.failure}`}\n`,
        );
      for (const { promise, seen } of outcome.violations) print(`  not kept: ${promise}: ${seen}\n`);
      if (count === 1) print(`${JSON.stringify(outcome.scenario)}\n${outcome.consoles}\n`);
    },
  });
  const ready = outcomes.filter(({ state }) => state === "ready").length;
  const violated = outcomes.filter(({ violations }) => violations.length > 0).length;
  const struck = outcomes.reduce((sum, outcome) => sum + outcome.struck.length, 0);
  print(
    `${outcomes.length} simulated clusters, ${struck} faults: ${ready} ready, ${outcomes.length - ready} failed with a reason, ${violated} broke a promise\n`,
  );
  process.exitCode = violated > 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, maxRetries: 10 });
}
