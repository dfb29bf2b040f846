/** Text of others as a Markdown code block that it can't end: the fence is longer than any run of backticks in it. */
export function fence(text: string): string {
  const longest = (text.match(/`+/g) ?? []).reduce((length, run) => Math.max(length, run.length), 0);
  const mark = '`'.repeat(Math.max(3, longest + 1));
  return `${mark}text\n${text}\n${mark}`;
}

/** The same within a line. */
export function inlineCode(text: string): string {
  return `\`${text.replaceAll('`', "'").replaceAll(/\s+/g, ' ')}\``;
}
