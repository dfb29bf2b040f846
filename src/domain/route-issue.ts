import type { IssueSnapshot } from '../contract/issue-snapshot.ts';
import { parseIssueForm, toChoices } from './issue-form.ts';
import { toPathMatcher } from './path-patterns.ts';
import type { RoutingRule } from './routing-rule.ts';
import { BUILT_IN_ROUTING } from './built-in-routing.ts';

/** Which specialty an issue without a label is for. Reasons are plain text and hold the issue's own words. */
export type Routing =
  | { kind: 'sure'; specialty: string; reasons: string[] }
  /** `reasons`: what speaks for it. */
  | { kind: 'unsure'; specialty: string; reasons: string[] }
  | { kind: 'unknown' };

type Weights = { decisive: number; path: number; word: number };
/** Of the settings' own rules, each of which is meant to count. */
const OWN: Weights = { decisive: 6, path: 3, word: 3 };
/** One word says little; in the title it says twice as much. */
const BUILT_IN: Weights = { ...OWN, path: 2, word: 1 };
/** From here on it is sure, as long as nothing else has half as much. */
const SURE_FROM = 3;
/** More of the same kind says no more. */
const MOST_OF_A_KIND = 3;

/** Every path is held against every pattern, and both may be made to take long. */
const MAX_PATHS = 50;
const MAX_REASONS = 4;
const MAX_REASON_CHARACTERS = 80;

/** The words of an issue that rules are held against. */
type Said = {
  title: string;
  all: string;
  titleWords: ReadonlySet<string>;
  words: ReadonlySet<string>;
  paths: readonly string[];
  type: string | null;
  fields: { name: string; choices: Set<string> }[];
};

/**
 * `known`: specialties that there are. The built-in rules are asked only when none of `rules` says anything. The same issue and rules always
 * give the same answer.
 */
export function routeIssue(
  issue: Pick<IssueSnapshot, 'title' | 'body' | 'type'>,
  rules: readonly RoutingRule[],
  known: ReadonlySet<string>,
): Routing {
  const said = readSaid(issue);
  const own = judge(rules, said, OWN, known);
  return own.kind === 'unknown' ? judge(BUILT_IN_ROUTING, said, BUILT_IN, known) : own;
}

function judge(
  rules: readonly RoutingRule[],
  said: Said,
  weights: Weights,
  known: ReadonlySet<string>,
): Routing {
  const points = new Map<string, { score: number; reasons: string[] }>();
  for (const rule of rules.filter(({ specialty }) => known.has(specialty))) {
    const { score, reasons } = weigh(rule, said, weights);
    const before = points.get(rule.specialty) ?? { score: 0, reasons: [] };
    points.set(rule.specialty, { score: before.score + score, reasons: [...before.reasons, ...reasons] });
  }
  const [best, second] = [...points].sort(([, a], [, b]) => b.score - a.score);
  if (best === undefined || best[1].score === 0) return { kind: 'unknown' };
  const [specialty, { score, reasons }] = best;
  const isSure = score >= SURE_FROM && score > 2 * (second?.[1].score ?? 0);
  return {
    kind: isSure ? 'sure' : 'unsure',
    specialty,
    reasons: [...new Set(reasons)].slice(0, MAX_REASONS),
  };
}

function weigh(rule: RoutingRule, said: Said, weights: Weights): { score: number; reasons: string[] } {
  const types = rule.types.filter((type) => type.toLowerCase() === said.type?.toLowerCase());
  const fields = said.fields.flatMap(({ name, choices }) =>
    Object.entries(rule.fields)
      .filter(([question]) => question.toLowerCase() === name.toLowerCase())
      .flatMap(([, answers]) => answers.filter((answer) => choices.has(answer.trim().toLowerCase())))
      .map((answer) => `${name}: ${answer}`),
  );
  const isMatch = toPathMatcher(rule.paths);
  const paths = said.paths.filter(isMatch).slice(0, MOST_OF_A_KIND);
  const words = rule.words.filter((word) => hasWord(said.all, said.words, word)).slice(0, MOST_OF_A_KIND);
  const inTitle = words.filter((word) => hasWord(said.title, said.titleWords, word));
  return {
    score:
      (types.length + fields.length) * weights.decisive +
      paths.length * weights.path +
      (words.length + inTitle.length) * weights.word,
    reasons: [
      ...types.map((type) => `its type is ${cut(type)}`),
      ...fields.map((field) => `its form says “${cut(field)}”`),
      ...paths.map((path) => `it names ${cut(path)}`),
      ...words.map((word) => `it has the word “${cut(word)}”`),
    ],
  };
}

function readSaid({ title, body, type }: Pick<IssueSnapshot, 'title' | 'body' | 'type'>): Said {
  const text = withoutComments(body);
  const all = `${title}\n${text}`;
  return {
    title: toSearchable(title),
    all: toSearchable(all),
    titleWords: new Set(toWords(title)),
    words: new Set(toWords(all)),
    paths: findPaths(all),
    type: type ?? null,
    fields: parseIssueForm(text).map(({ name, answer }) => ({ name, choices: toChoices(answer) })),
  };
}

/** What a template says to whoever fills it in is nobody's report. */
function withoutComments(body: string): string {
  const parts: string[] = [];
  let at = 0;
  for (let start = body.indexOf('<!--'); start !== -1; start = body.indexOf('<!--', at)) {
    parts.push(body.slice(at, start));
    const end = body.indexOf('-->', start);
    if (end === -1) return parts.join(' ');
    at = end + 3;
  }
  return [...parts, body.slice(at)].join(' ');
}

function toWords(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:[-.+#][\p{L}\p{N}+#]+)*/gu) ?? [];
}

/** With one space around and between words, so that phrases are found at words' edges only. */
function toSearchable(text: string): string {
  return ` ${toWords(text).join(' ')} `;
}

function hasWord(searchable: string, words: ReadonlySet<string>, wanted: string): boolean {
  const parts = toWords(wanted);
  const [only = ''] = parts;
  return parts.length > 1 ? searchable.includes(` ${parts.join(' ')} `) : words.has(only);
}

/** What looks like a path of the repository: with a slash, or with an extension. Addresses are none. */
function findPaths(text: string): string[] {
  const tokens = text.match(/[^\s`'"()<>[\]{},;|*]{3,150}/g) ?? [];
  const paths = tokens
    .filter((token) => !token.includes('://') && !token.includes('@'))
    .map((token) =>
      token
        .replace(/:\d+(?::\d+)?$/, '')
        .replace(/[.:!?]+$/, '')
        .replace(/^(?:\.?\/)+/, ''),
    )
    .filter((token) => /^[\w.-]+(?:\/[\w.-]+)+$|^[\w-][\w.-]*\.[A-Za-z][A-Za-z0-9]{0,9}$/.test(token));
  return [...new Set(paths)].slice(0, MAX_PATHS);
}

function cut(text: string): string {
  return text.length > MAX_REASON_CHARACTERS ? `${text.slice(0, MAX_REASON_CHARACTERS)}…` : text;
}
