import { type Document, LineCounter, isCollection, isNode, isPair, isScalar, parseDocument } from 'yaml';
import type { z } from 'zod';
import { didYouMean } from '../lib/did-you-mean.ts';
import { toOneLine } from '../lib/strip-control.ts';
import { toError } from '../lib/to-error.ts';
import { knownKeys, SettingsFile } from './settings-file.ts';
import { findCircle } from './specialty-order.ts';
import { readOrder } from './specialty-names.ts';
import { MAX_PROBLEMS, type SettingsProblem } from './settings-problem.ts';

/** Settings of twenty specialties with a page of guidance each fit. */
export const MAX_SETTINGS_CHARACTERS = 32_000;
/** Enough to share a block between a few specialties; a bomb needs far more. */
const MAX_ALIASES = 50;
/** Twice what any setting needs. */
const MAX_LEVELS = 10;
const MAX_KEY_CHARACTERS = 200;
const MAX_MESSAGE_CHARACTERS = 300;

/** `more`: how many problems there are beside those that are told. */
export type SettingsReading =
  { ok: true; file: SettingsFile } | { ok: false; problems: SettingsProblem[]; more: number };

/** A mistake before it is put into words, which takes time. */
type Complaint = { path: readonly PropertyKey[]; explain: () => string };

/**
 * The text of a settings file, checked: YAML, known keys, sensible values. Of many problems the first `most` by line are told. Hostile input
 * costs no more than its size.
 */
export function readSettingsDocument(text: string, most = MAX_PROBLEMS): SettingsReading {
  if (text.length > MAX_SETTINGS_CHARACTERS) {
    return refuse(`it is longer than ${MAX_SETTINGS_CHARACTERS} characters; shorten it`);
  }
  const lines = new LineCounter();
  let document: Document;
  let value: unknown;
  try {
    // The parser compares every key with every other one; `findOddity` does it in one go.
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
    const [error] = document.errors;
    if (error !== undefined) {
      const { line } = lines.linePos(error.pos[0]);
      return refuse(`${error.message}; mend the YAML`, line);
    }
    const oddity = findOddity(document.contents);
    if (oddity !== null) return refuse(oddity.message, lines.linePos(oddity.position).line);
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (thrown) {
    // Nesting or aliases beyond all reason: yaml gives up by throwing.
    return refuse(
      `it can't be read as YAML (${toError(thrown).message}); write it without so many aliases or levels`,
    );
  }

  const parsed = SettingsFile.safeParse(value ?? {});
  if (!parsed.success) {
    const complaints = parsed.error.issues.flatMap(toComplaints);
    const places = findPlaces(document.contents, lines);
    // By line before they are cut: whoever mends a file begins at its top.
    const problems = complaints
      .map((complaint) => ({ complaint, line: findLine(complaint.path, places) }))
      .sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
      .slice(0, most)
      .map(({ complaint, line }) => toProblem(complaint, line));
    return { ok: false, problems, more: complaints.length - problems.length };
  }
  const { labels, priority_labels: priorityLabels } = parsed.data;
  const twice = findLabelTwice(labels) ?? findLabelTwice(priorityLabels);
  if (twice !== null)
    return refuse(
      `it has the label "${twice}" twice; GitHub does not tell upper from lower case, remove one`,
    );
  const circle = findCircle(readOrder(parsed.data));
  if (circle !== null) {
    const [first = ''] = circle;
    const explain = (): string =>
      `${[...circle, first].join(' → ')}: each would wait for the next one's work; take one of them out of needs`;
    const path = ['specialties', first, 'needs'];
    const line = findLine(path, findPlaces(document.contents, lines));
    return { ok: false, problems: [toProblem({ path, explain }, line)], more: 0 };
  }
  return { ok: true, file: parsed.data };
}

function refuse(message: string, line: number | null = null): SettingsReading {
  return {
    ok: false,
    problems: [{ key: null, line, message: toOneLine(message, MAX_MESSAGE_CHARACTERS) }],
    more: 0,
  };
}

/**
 * A key twice, a key that is no plain text, or more levels than make sense. What is nested in keys has to be found before it is made
 * into a value: that would take time beyond all measure.
 */
function findOddity(root: unknown): { message: string; position: number } | null {
  const open = [{ node: root, level: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, level } = next;
    if (!isCollection(node)) continue;
    const position = node.range?.[0] ?? 0;
    if (level > MAX_LEVELS) return { message: `it has more than ${MAX_LEVELS} levels`, position };
    const seen = new Set<string>();
    for (const item of node.items) {
      if (!isPair(item)) {
        open.push({ node: item, level: level + 1 });
        continue;
      }
      if (!isScalar(item.key)) return { message: 'a key must be plain text', position };
      const key = String(item.key.value);
      const keyPosition = item.key.range?.[0] ?? position;
      if (seen.has(key)) return { message: 'Map keys must be unique; remove one', position: keyPosition };
      seen.add(key);
      open.push({ node: item.value, level: level + 1 });
    }
  }
  return null;
}

function toComplaints(issue: z.core.$ZodIssue): Complaint[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      explain: () => explainUnknownKey(issue.path, key),
    }));
  }
  // The alternatives of a union tell more than the union: take the one that got furthest.
  if (issue.code === 'invalid_union') {
    const furthest = issue.errors.flat().sort((a, b) => rank(b) - rank(a))[0];
    if (furthest !== undefined && rank(furthest) > 0) {
      return toComplaints({ ...furthest, path: [...issue.path, ...furthest.path] });
    }
  }
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [{ path: issue.path, explain: () => message }];
}

/** A complaint about what was written beats one about its type; a deeper one beats a shallow one. */
function rank(issue: z.core.$ZodIssue): number {
  return issue.path.length * 2 + (issue.code === 'custom' ? 1 : 0);
}

function explainUnknownKey(parent: readonly PropertyKey[], key: string): string {
  const known = knownKeys(parent);
  const meant = didYouMean(key, known);
  return meant === null
    ? `there is no such setting; known here: ${known.join(', ')}`
    : `there is no such setting; did you mean "${meant}"?`;
}

function toProblem({ path, explain }: Complaint, line: number | null): SettingsProblem {
  const key = path.length === 0 ? null : toOneLine(path.map(String).join('.'), MAX_KEY_CHARACTERS);
  const message = toOneLine(explain().replace(/^Invalid input: /, ''), MAX_MESSAGE_CHARACTERS);
  return { key, line, message };
}

/** Where a value stands, and what is in it by key or index. */
type Place = { line: number | null; inner: Map<string, Place> };

/** The lines of everything in the document, in one walk: a search for each mistake would take its time where there are thousands. */
function findPlaces(root: unknown, lines: LineCounter): Place {
  const top: Place = { line: null, inner: new Map() };
  const open = [{ node: root, place: top }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, place } = next;
    if (!isCollection(node)) continue;
    for (const [index, item] of node.items.entries()) {
      const [key, value] = isPair(item) ? [item.key, item.value] : [index, item];
      const marked = isPair(item) ? key : item;
      const line = isNode(marked) && marked.range != null ? lines.linePos(marked.range[0]).line : null;
      const inner: Place = { line, inner: new Map() };
      place.inner.set(String(isScalar(key) ? key.value : key), inner);
      open.push({ node: value, place: inner });
    }
  }
  return top;
}

/** The line of the key that `path` ends in, or of the nearest one above it that can be found. */
function findLine(path: readonly PropertyKey[], places: Place): number | null {
  let place = places;
  for (const key of path) {
    const inner = place.inner.get(String(key));
    if (inner === undefined) break;
    place = inner;
  }
  return place.line;
}

function findLabelTwice(labels: Readonly<Record<string, unknown>> | null | undefined): string | null {
  const seen = new Set<string>();
  for (const label of Object.keys(labels ?? {})) {
    if (seen.has(label.toLowerCase())) return label;
    seen.add(label.toLowerCase());
  }
  return null;
}
