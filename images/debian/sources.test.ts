import { describe, expect, it } from "vitest";
import { parseCodename, parseIndexTargets, toSourceLine } from "./sources.ts";

const debian = "http://deb.example.org/debian/|bookworm|main|Debian";

describe("parseCodename", () => {
  it("reads Debian's release name", () => {
    expect(parseCodename('PRETTY_NAME="Debian"\nID=debian\nVERSION_CODENAME=bookworm\n')).toBe("bookworm");
  });

  it("refuses another distribution and names it", () => {
    expect(() => parseCodename("ID=ubuntu\nVERSION_CODENAME=noble\n")).toThrow(
      'Cannot bake an image: this host is "ubuntu"; bake on Debian',
    );
  });
});

describe("parseIndexTargets", () => {
  it("returns Debian's suites and leaves out other vendors", () => {
    const output = [
      debian,
      "http://deb.example.org/debian/|bookworm-updates|main|Debian",
      "http://deb.example.org/debian-security/|bookworm-security|main|Debian",
      "http://deb.example.org/debian/|bookworm-backports|main|Debian Backports",
      "http://deb.example.org/debian/|bookworm|contrib|Debian",
      "http://apt.example.com/|bookworm|main|Example",
      "http://apt.example.com/|nodistro|main|. nodistro",
    ].join("\n");
    expect(parseIndexTargets(output, "bookworm").map((source) => toSourceLine("deb", source))).toEqual([
      "deb http://deb.example.org/debian/ bookworm main",
      "deb http://deb.example.org/debian/ bookworm-updates main",
      "deb http://deb.example.org/debian-security/ bookworm-security main",
    ]);
  });

  it("returns each source once, even if its lists were never fetched", () => {
    const unfetched = "http://deb.example.org/debian/|bookworm|main|$(ORIGIN)";
    expect(parseIndexTargets(`${unfetched}\n${unfetched}\n`, "bookworm")).toEqual([
      { uri: "http://deb.example.org/debian/", suite: "bookworm", component: "main" },
    ]);
  });

  it("says what is missing if the release has no source", () => {
    expect(() => parseIndexTargets("http://deb.example.org/debian/|bookworm-updates|main|Debian", "bookworm")).toThrow(
      'Cannot bake an image: apt has no Debian source for "bookworm main"; add one to /etc/apt',
    );
  });
});
