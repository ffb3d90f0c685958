import { expect, it } from "vitest";
import { parseProgress, startProgress } from "./progress.ts";

it("parseProgress reads which test has passed or failed, and nothing of other messages", () => {
  expect(parseProgress('{"msg":"PASSED [sig-node] Pods run","total":5}')).toEqual({
    name: "[sig-node] Pods run",
    hasPassed: true,
  });
  expect(parseProgress('{"msg":"FAILED [sig-node] Pods run"}')?.hasPassed).toBe(false);
  expect(parseProgress('{"msg":"Test Suite starting"}')).toBeUndefined();
});

it("startProgress reports every test that is posted to it, and refuses what is no message", async () => {
  const done: string[] = [];
  await using progress = await startProgress(({ name }) => done.push(name));
  const post = (body: string) => fetch(progress.url, { method: "POST", body });
  expect((await post('{"msg":"PASSED first"}')).status).toBe(200);
  expect((await post("nonsense")).status).toBe(400);
  expect((await post('{"msg":"FAILED second"}')).status).toBe(200);
  expect(done).toEqual(["first", "second"]);
});
