/** Issues of its own repository that a pull request's text promises to close. */
export function closingNumbers(text: string): number[] {
  const matches = text.matchAll(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)/gi);
  return [...new Set([...matches].map((match) => Number(match[1])))];
}
