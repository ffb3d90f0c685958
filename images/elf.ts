import { open } from "node:fs/promises";
import { architectures, type Architecture } from "#lib/architecture.ts";

interface Elf {
  architecture: Architecture | null;
  /** The dynamic loader; null in a static program and in most libraries. */
  interpreter: string | null;
  /** Names of the shared libraries that the file needs (DT_NEEDED). */
  needed: string[];
}

interface Segment {
  type: number;
  offset: number;
  address: number;
  size: number;
}

const loadSegment = 1;
const dynamicSegment = 2;
const interpreterSegment = 3;
const neededTag = 1;
const stringTableTag = 5;

/** Reads what a 64-bit little-endian ELF file (System V ABI) needs to run. Returns null for any other file. */
export async function readElf(path: string): Promise<Elf | null> {
  await using file = await open(path, "r");
  const read = async (offset: number, size: number) => (await file.read(Buffer.alloc(size), 0, size, offset)).buffer;

  const header = await read(0, 64);
  if (header.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") return null;
  const segments = await readSegments(header, read);
  const machine = header.readUInt16LE(18);

  const interpreter = segments.find(({ type }) => type === interpreterSegment);
  const dynamic = segments.find(({ type }) => type === dynamicSegment);
  return {
    architecture: architectures.find(({ elfMachine }) => elfMachine === machine) ?? null,
    interpreter: interpreter ? toText(await read(interpreter.offset, interpreter.size), 0) : null,
    needed: dynamic ? await readNeeded(await read(dynamic.offset, dynamic.size), segments, read) : [],
  };
}

type Read = (offset: number, size: number) => Promise<Buffer>;

async function readSegments(header: Buffer, read: Read): Promise<Segment[]> {
  const entrySize = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  const table = await read(Number(header.readBigUInt64LE(32)), entrySize * count);
  return Array.from({ length: count }, (_, index) => {
    const at = index * entrySize;
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      size: Number(table.readBigUInt64LE(at + 32)),
    };
  });
}

async function readNeeded(dynamic: Buffer, segments: Segment[], read: Read): Promise<string[]> {
  const entries = Array.from({ length: Math.floor(dynamic.length / 16) }, (_, index) => ({
    tag: Number(dynamic.readBigInt64LE(index * 16)),
    value: Number(dynamic.readBigUInt64LE(index * 16 + 8)),
  }));
  const tableAddress = entries.find(({ tag }) => tag === stringTableTag)?.value ?? 0;
  const home = segments.find(
    ({ type, address, size }) => type === loadSegment && tableAddress >= address && tableAddress < address + size,
  );
  if (!home) return [];
  const tableOffset = home.offset + tableAddress - home.address;
  const names = entries.filter(({ tag }) => tag === neededTag);
  return Promise.all(names.map(async ({ value }) => toText(await read(tableOffset + value, 256), 0)));
}

function toText(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.toString("latin1", start, end === -1 ? bytes.length : end);
}
