import { stripVTControlCharacters } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fakeCluster, fakeEvents, fakeMember } from "../../test/fakes/fake-api.ts";
import { renderEventLine } from "../timeline/line.ts";
import { applyEvent, createTimeline } from "../timeline/model.ts";
import { renderTimeline } from "../timeline/render.ts";
import { renderCluster, renderFailure } from "./cluster-view.ts";
import { printable } from "./printable.ts";
import { createStyle } from "./style.ts";

const hostile = "kubeadm\u001b[2J\u001b]0;title\u0007 failed\r\u0008\u009b31m\u202e\u200b\u2028";
const member = "node01.build126.sprout.internal";

describe("printable", () => {
  it.each([
    ["a colour", "\u001b[31mred\u001b[0m", "red"],
    ["a cleared screen", "a\u001b[2Jb", "ab"],
    ["a terminal's title", "a\u001b]0;title\u0007b", "ab"],
    ["a carriage return that hides the line", "failed\rready", "failedready"],
    ["a lone escape", "a\u001b", "a"],
    ["C1 controls", "a\u0085b", "ab"],
    ["text that turns around", "a\u202eb\u2066c\u2069\u200f\u061cd", "abcd"],
    ["characters without width", "a\u200bb\u200d\u2060\ufeff\u00adc", "abc"],
    ["invisible tags", "a\u{e0041}\u{e007f}b", "ab"],
    ["line and paragraph separators", "a\u2028b\u2029c", "abc"],
  ])("removes %s", (_, text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it("keeps nothing that a terminal would act on, and all of a harmless text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/u);
        expect(printable(shown)).toBe(stripVTControlCharacters(shown));
      }),
    );
    expect(printable("zwei Zeilen\n\tüber 日本 🙂")).toBe("zwei Zeilen\n\tüber 日本 🙂");
  });

  it("filters what machines report before the terminal", () => {
    const failure = { phase: "static-pods", error: hostile };
    const cluster = fakeCluster({
      state: "failed",
      labels: { note: hostile },
      failure: { message: hostile, missing: [{ name: member, lastPhase: hostile, lastReportAgoMs: null }] },
      members: [fakeMember("node01", { state: "failed", failure })],
    });
    const events = fakeEvents(
      { ms: 1, type: "phase", member, phase: "static-pods", state: "failed", error: hostile },
      { ms: 2, type: "alert", member, code: "wrong-machine", message: hostile },
      { ms: 3, type: "cluster", state: "failed", message: hostile },
    );
    const timeline = events.reduce(applyEvent, createTimeline(cluster));
    const shown = [
      renderFailure(cluster),
      renderCluster(cluster, { now: Date.parse(cluster.createdAt), style: createStyle(false) }),
      ...events.map((event) => renderEventLine(event, 0)),
      renderTimeline(timeline, {
        now: Date.parse(cluster.createdAt) + 10,
        columns: 120,
        rows: 30,
        style: createStyle(false),
      }),
    ];
    for (const text of shown) {
      expect(text).toContain("kubeadm");
      expect(text).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/u);
    }
  });
});
