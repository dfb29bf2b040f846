/** Length of a text as GitHub's limits count it: in characters, an emoji being one. */
export function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
