/** A question of an issue form, and what was answered. Hostile text. */
export type FormField = { name: string; answer: string };

const MAX_FIELDS = 50;
const MAX_NAME_CHARACTERS = 200;
const MAX_ANSWER_CHARACTERS = 2000;
/** What GitHub writes where nothing was filled in. */
const NO_ANSWER = '_No response_';

/**
 * The fields of an issue that was written with a form: GitHub makes a heading of the third level of each question, and the first one begins
 * the text. Fields without an answer are left out; of any other text there are none. Anybody may type the same by hand.
 */
export function parseIssueForm(body: string): FormField[] {
  const lines = body.trimStart().split(/\r?\n/);
  if (!/^### +\S/.test(lines[0] ?? '')) return [];
  const fields: { name: string; lines: string[] }[] = [];
  let fence: string | null = null;
  for (const line of lines) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    // Code may have lines that look like headings.
    if (mark !== undefined && (fence === null || mark.startsWith(fence)))
      fence = fence === null ? mark : null;
    const isQuestion = fence === null && line.startsWith('### ');
    if (isQuestion && fields.length === MAX_FIELDS) break;
    if (isQuestion) fields.push({ name: line.slice(4).trim().slice(0, MAX_NAME_CHARACTERS), lines: [] });
    else fields.at(-1)?.lines.push(line);
  }
  return fields.flatMap(({ name, lines: said }) => {
    const answer = said.join('\n').trim().slice(0, MAX_ANSWER_CHARACTERS);
    return name === '' || answer === '' || answer === NO_ANSWER ? [] : [{ name, answer }];
  });
}

/** What was chosen in a field, in lower case: the whole answer, its lines, what its commas part, and the boxes that are ticked. */
export function toChoices(answer: string): Set<string> {
  const lines = answer.split('\n').flatMap((line) => {
    const box = /^- \[([ xX])\] +(.*)$/.exec(line);
    if (box === null) return [line, ...line.split(',')];
    return box[1] === ' ' ? [] : [box[2] ?? ''];
  });
  return new Set([answer, ...lines].map((choice) => choice.trim().toLowerCase()));
}
