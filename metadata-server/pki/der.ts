import forge from "node-forge";

const { asn1 } = forge;
const { Class, Type } = asn1;

/** A node of an ASN.1 tree. node-forge keeps bytes as binary strings, one character a byte. */
export type Der = forge.asn1.Asn1;

const binary = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const primitive = (type: forge.asn1.Type, value: string) => asn1.create(Class.UNIVERSAL, type, false, value);

export const sequence = (...items: Der[]) => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, items);
export const set = (...items: Der[]) => asn1.create(Class.UNIVERSAL, Type.SET, true, items);
export const integer = (bytes: Uint8Array) => primitive(Type.INTEGER, binary(bytes));
export const boolean = (value: boolean) => primitive(Type.BOOLEAN, value ? "\xff" : "\0");
export const octetString = (bytes: Uint8Array) => primitive(Type.OCTETSTRING, binary(bytes));
export const utf8String = (text: string) => primitive(Type.UTF8, binary(Buffer.from(text, "utf8")));
export const objectIdentifier = (dotted: string) => primitive(Type.OID, asn1.oidToDer(dotted).getBytes());
export const bitString = (bytes: Uint8Array, unusedBits = 0) =>
  primitive(Type.BITSTRING, String.fromCharCode(unusedBits) + binary(bytes));
export const explicitTag = (tag: number, item: Der) => asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [item]);
export const implicitTag = (tag: number, bytes: Uint8Array) =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, false, binary(bytes));

/**
 * Encodes named bits. DER (X.690, 11.2.2) drops trailing zero bits, so the unused count follows from the last named
 * bit. OpenSSL accepts a count that covers a set bit; Go's parser, and with it kubeadm, refuses the certificate.
 */
export function namedBits(bits: readonly number[]): Der {
  const last = Math.max(...bits);
  const bytes = new Uint8Array((last >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return bitString(bytes, 7 - (last & 7));
}

/** Encodes UTCTime through 2049 and GeneralizedTime from 2050 (RFC 5280, 4.1.2.5). Drops fractions of a second. */
export function time(epochMs: number): Der {
  const date = new Date(epochMs);
  return date.getUTCFullYear() < 2050
    ? primitive(Type.UTCTIME, asn1.dateToUtcTime(date))
    : primitive(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

export const toBytes = (item: Der): Buffer => Buffer.from(asn1.toDer(item).getBytes(), "latin1");

export const parseDer = (bytes: Uint8Array): Der => asn1.fromDer(binary(bytes));
