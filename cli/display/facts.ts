/** Renders named values, one a line, with the values aligned. */
export function renderFacts(facts: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...facts.map(([name]) => name.length)) + 3;
  return facts.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}\n`).join("");
}
