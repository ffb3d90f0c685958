import { expect, it } from "vitest";
import { createManualClock } from "../../test/fakes/manual-clock.ts";
import { createReportExcess, type Excess } from "./report-excess.ts";

it("createReportExcess counts every refusal and warns once a minute, with the address of the most", () => {
  const clock = createManualClock();
  const counted: Excess[] = [];
  const lines: unknown[] = [];
  const logger = { info() {}, error() {}, warn: (_: string, fields?: object) => void lines.push(fields) };
  const report = createReportExcess({ logger, clock, count: (excess) => void counted.push(excess) });
  const excess: Excess = { what: "connection", by: "address" };
  for (let times = 0; times < 500; times += 1) report(excess, "192.0.2.1");
  for (let times = 0; times < 20; times += 1) report(excess, "192.0.2.2");
  expect(lines).toEqual([{ ...excess, address: "192.0.2.1", refused: 1, addresses: 1 }]);
  clock.advance(60_000);
  report(excess, "192.0.2.3");
  expect(lines.slice(1)).toEqual([{ ...excess, address: "192.0.2.1", refused: 499, addresses: 3 }]);
  expect(counted).toHaveLength(521);
});
