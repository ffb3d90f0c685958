/** A value in EC2's XML form: lists have `item`s; undefined fields are left out. */
export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml };

const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

export function toXml(value: Xml): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map((each: Xml) => `<item>${toXml(each)}</item>`).join("");
  if (typeof value !== "object") return escape(String(value));
  return Object.entries(value)
    .filter(([, child]) => child !== undefined)
    .map(([name, child]) => `<${name}>${toXml(child)}</${name}>`)
    .join("");
}
