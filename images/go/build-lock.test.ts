import { once } from "node:events";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { lockBuild } from "./build-lock.ts";
import { patience } from "../../test/fixtures/patience.ts";

describe("lockBuild", () => {
  const { signal } = new AbortController();
  let count = 0;
  /** A name that only this test uses, longer than a socket's name may be. */
  const newName = () => `/cache/${process.pid}/${(count += 1)}/${"long/".repeat(40)}v1.37.2`;

  it("makes the second caller wait until the first is done, and reports the wait once", async () => {
    const name = newName();
    const onWait = vi.fn<() => void>();
    const first = await lockBuild(name, { signal, onWait });
    let isLocked = false;
    const second = lockBuild(name, { signal, onWait }).then((lock) => ((isLocked = true), lock));
    await vi.waitFor(() => expect(onWait).toHaveBeenCalled(), patience);
    // Longer than the pause between two attempts.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(isLocked).toBe(false);
    first[Symbol.dispose]();
    (await second)[Symbol.dispose]();
    expect(onWait).toHaveBeenCalledTimes(1);
  });

  it("lets builds with different names run at once", async () => {
    const onWait = vi.fn<() => void>();
    using locks = new DisposableStack();
    for (const name of [newName(), newName()]) locks.use(await lockBuild(name, { signal, onWait }));
    expect(onWait).not.toHaveBeenCalled();
  });

  it("stops waiting when its signal aborts", async () => {
    const name = newName();
    using locks = new DisposableStack();
    locks.use(await lockBuild(name, { signal, onWait: () => undefined }));
    const abort = new AbortController();
    const enough = new Error("enough");
    const waiting = lockBuild(name, { signal: abort.signal, onWait: () => abort.abort(enough) });
    await expect(waiting).rejects.toMatchObject({ name: "AbortError", cause: enough });
  });

  it("frees the lock when its process is killed", async () => {
    const name = newName();
    const script = `
      const { lockBuild } = await import(${JSON.stringify(join(import.meta.dirname, "build-lock.ts"))});
      await lockBuild(${JSON.stringify(name)}, { signal: new AbortController().signal, onWait() {} });
      console.log("locked");
      setInterval(() => {}, 1000);`;
    const other = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void other.kill("SIGKILL"));
    await once(other.stdout, "data");
    const lock = await lockBuild(name, { signal, onWait: () => void other.kill("SIGKILL") });
    lock[Symbol.dispose]();
    expect(other.killed).toBe(true);
  });
});
