import { type Document, LineCounter, isMap, isNode, isScalar, parseDocument } from 'yaml';
import type { z } from 'zod';
import { didYouMean } from '../lib/did-you-mean.ts';
import { toError } from '../lib/to-error.ts';
import { SPECIALTY_KEYS, SettingsFile, TOP_LEVEL_KEYS } from './settings-file.ts';
import type { SettingsProblem } from './settings-problem.ts';

/** Settings of fifty specialties with guidance fit in a fraction of this. */
export const MAX_SETTINGS_CHARACTERS = 200_000;
/** Enough to share a block between a few specialties; a bomb needs far more. */
const MAX_ALIASES = 50;

type Reading = { ok: true; file: SettingsFile } | { ok: false; problems: SettingsProblem[] };

/** The text of a settings file, checked: YAML, known keys, sensible values. Hostile input costs no more than its size. */
export function readSettingsDocument(text: string): Reading {
  if (text.length > MAX_SETTINGS_CHARACTERS) {
    return refuse(`it is longer than ${MAX_SETTINGS_CHARACTERS} characters; shorten it`);
  }
  const lines = new LineCounter();
  let document: Document;
  let value: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      const { line } = lines.linePos(error.pos[0]);
      return refuse(`${error.message}; mend the YAML`, line);
    }
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (thrown) {
    // Nesting or aliases beyond all reason: yaml gives up by throwing.
    return refuse(
      `it can't be read as YAML (${toError(thrown).message}); write it without so many aliases or levels`,
    );
  }

  const parsed = SettingsFile.safeParse(value ?? {});
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => toProblems(issue, document, lines));
    return { ok: false, problems: problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
  }
  const twice = findLabelTwice(parsed.data);
  if (twice !== null)
    return refuse(
      `it has the label "${twice}" twice; GitHub does not tell upper from lower case, remove one`,
    );
  return { ok: true, file: parsed.data };
}

function refuse(message: string, line: number | null = null): Reading {
  return { ok: false, problems: [{ key: null, line, message }] };
}

function toProblems(issue: z.core.$ZodIssue, document: Document, lines: LineCounter): SettingsProblem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return problemAt(path, explainUnknownKey(issue.path, key), document, lines);
    });
  }
  // The alternatives of a union tell more than the union: take the one that got furthest.
  if (issue.code === 'invalid_union') {
    const furthest = issue.errors.flat().sort((a, b) => rank(b) - rank(a))[0];
    if (furthest !== undefined && rank(furthest) > 0) {
      return toProblems({ ...furthest, path: [...issue.path, ...furthest.path] }, document, lines);
    }
  }
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [problemAt(issue.path, message, document, lines)];
}

/** A complaint about what was written beats one about its type; a deeper one beats a shallow one. */
function rank(issue: z.core.$ZodIssue): number {
  return issue.path.length * 2 + (issue.code === 'custom' ? 1 : 0);
}

function explainUnknownKey(parent: readonly PropertyKey[], key: string): string {
  const known = parent.length === 0 ? TOP_LEVEL_KEYS : SPECIALTY_KEYS;
  const meant = didYouMean(key, known);
  return meant === null
    ? `there is no such setting; known here: ${known.join(', ')}`
    : `there is no such setting; did you mean "${meant}"?`;
}

function problemAt(
  path: readonly PropertyKey[],
  message: string,
  document: Document,
  lines: LineCounter,
): SettingsProblem {
  const key = path.length === 0 ? null : path.map(String).join('.');
  return { key, line: findLine(path, document, lines), message: tidy(message) };
}

/** The line of the key that `path` ends in, or of the nearest one above it that can be found. */
function findLine(path: readonly PropertyKey[], document: Document, lines: LineCounter): number | null {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true) ?? document.contents;
    const last = path[length - 1];
    const node = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === last)?.key
      : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range != null) return lines.linePos(node.range[0]).line;
  }
  return null;
}

function findLabelTwice({ labels }: SettingsFile): string | null {
  const seen = new Set<string>();
  for (const label of Object.keys(labels ?? {})) {
    if (seen.has(label.toLowerCase())) return label;
    seen.add(label.toLowerCase());
  }
  return null;
}

function tidy(text: string): string {
  const message = text.replace(/^Invalid input: /, '');
  return message.length <= 300 ? message : `${message.slice(0, 299)}…`;
}
