/** A line of JSON; `null` for one that was cut, or was never meant for us. */
export function readJsonLine(line: string): unknown {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
