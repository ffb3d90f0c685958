import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planScenario } from "./faults.ts";
import { runScenarios } from "./run-scenarios.ts";
import { readOptions } from "../script-options.ts";

const help = `Usage: npm run simulate -- [--seed N | --from N --runs N] [--lanes N]

Runs the real server and the real bootstrapper with simulated machines, network and time, and with faults that follow
from a seed. Checks after each cluster what Sprout promises. Exits with 1 if a promise is broken.

Options:
  --seed N   only this seed; prints its scenario and the machines' consoles
  --from N   first seed (1)
  --runs N   number of seeds (500)
  --lanes N  clusters at a time (2)

Takes some minutes for 500 seeds. Needs no root and installs nothing.
`;

const values = readOptions(help, {
  seed: { type: "string" },
  from: { type: "string", default: "1" },
  runs: { type: "string", default: "500" },
  lanes: { type: "string", default: "2" },
});
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.runs) : 1;
const folder = await mkdtemp(join(tmpdir(), "sprout-simulation-"));
const print = (text: string) => process.stdout.write(text);
try {
  const scenarios = Array.from({ length: count }, (_, index) => planScenario(first + index));
  let [done, ready, violated, struck] = [0, 0, 0, 0];
  await runScenarios(scenarios, {
    folder,
    lanes: Number(values.lanes),
    onOutcome(outcome) {
      done += 1;
      if (outcome.state === "ready") ready += 1;
      if (outcome.violations.length > 0) violated += 1;
      struck += outcome.struck.length;
      const { seed } = outcome.scenario;
      const bad = (outcome.state === "failed" && outcome.unavoidable === null) || outcome.violations.length > 0;
      if (bad || done % 50 === 0 || count === 1)
        print(
          `simulated ${done}/${count}: seed ${seed} ${outcome.state} in ${Math.round(outcome.durationMs)} ms${outcome.failure === null ? "" : `: ${outcome.failure}`}\n`,
        );
      for (const { promise, seen } of outcome.violations) print(`  not kept: ${promise}: ${seen}\n`);
      if (count === 1) print(`${JSON.stringify(outcome.scenario)}\n${outcome.consoles}\n`);
    },
  });
  print(
    `${done} simulated clusters, ${struck} faults: ${ready} ready, ${done - ready} failed with a reason, ${violated} broke a promise\n`,
  );
  process.exitCode = violated > 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, maxRetries: 10 });
}
