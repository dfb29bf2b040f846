/** The new side of a file as far as a patch shows it: what was added, and the lines around. */
export type PatchedFile = { path: string; lines: { number: number; text: string; added: boolean }[] };

/**
 * Reads `git diff-tree --patch`. Hunks are taken by the counts in their heads, so that no content can look like the head of
 * another file. What only loses lines has no lines here.
 */
export function parsePatch(patch: string): PatchedFile[] {
  const files: PatchedFile[] = [];
  let file: PatchedFile | undefined;
  let oldLeft = 0;
  let newLeft = 0;
  let number = 0;
  for (const line of patch.split('\n')) {
    if (oldLeft === 0 && newLeft === 0) {
      const head = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
      if (head !== null) {
        oldLeft = Number(head[1] ?? 1);
        number = Number(head[2]);
        newLeft = Number(head[3] ?? 1);
      } else if (line.startsWith('+++ ')) {
        file = { path: readPath(line.slice(4)), lines: [] };
        files.push(file);
      }
      continue;
    }
    const sign = line.charAt(0);
    if (sign !== '+' && sign !== '\\') oldLeft -= 1;
    if (sign !== ' ' && sign !== '+') continue;
    newLeft -= 1;
    file?.lines.push({ number, text: line.slice(1), added: sign === '+' });
    number += 1;
  }
  return files;
}

/** `b/a file<TAB>`, or in quotes with C escapes where it has odd characters. */
function readPath(written: string): string {
  const quoted = /^"(.*)"$/.exec(written.trimEnd())?.[1];
  return (quoted === undefined ? written.replace(/\t$/, '') : unquote(quoted)).replace(/^b\//, '');
}

function unquote(text: string): string {
  const bytes = [...text.matchAll(/\\([0-7]{3}|.)|([^\\]+)/g)].map(([, escape, plain]) => {
    if (plain !== undefined || escape === undefined) return Buffer.from(plain ?? '');
    const named = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' }[escape];
    return escape.length === 3 ? Buffer.from([Number.parseInt(escape, 8)]) : Buffer.from(named ?? escape);
  });
  return Buffer.concat(bytes).toString('utf8');
}
