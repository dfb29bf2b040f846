import type { Evidence } from '../contract/evidence.ts';
import { stripControl, toOneLine } from '../lib/strip-control.ts';
import type { Annotation } from './check-run-content.ts';

/** GitHub shows few, and each fifty are a request. */
const MAX_ANNOTATIONS = 100;
/** GitHub takes 64 KB; nobody reads as much beside a line. */
const MAX_MESSAGE_CHARACTERS = 4000;
/** GitHub takes 255. */
const MAX_TITLE_CHARACTERS = 200;
const MAX_PATH_CHARACTERS = 1000;
/** Beyond any file; GitHub refuses numbers that are no 32-bit integers. */
const MAX_LINE = 10_000_000;

/** What GitHub takes of these, in their order: hostile text becomes plain and short, and what is on no line of a repository is left out. */
export function toAnnotations(wanted: readonly Annotation[]): Annotation[] {
  return wanted
    .filter(({ path, startLine, endLine }) => isPath(path) && isLine(startLine) && isLine(endLine))
    .map((annotation) => ({
      ...annotation,
      endLine: Math.max(annotation.startLine, annotation.endLine),
      title: toOneLine(annotation.title, MAX_TITLE_CHARACTERS),
      message: stripControl(annotation.message.slice(0, MAX_MESSAGE_CHARACTERS)).trim(),
    }))
    .filter(({ message }) => message !== '')
    .slice(0, MAX_ANNOTATIONS);
}

/** The tests that fail, where their frameworks say on which line. */
export function toFailureAnnotations({ failures = [] }: Evidence): Annotation[] {
  return toAnnotations(
    failures.flatMap(({ name, message, place }) =>
      place === null
        ? []
        : {
            path: place.path,
            startLine: place.line,
            endLine: place.line,
            level: 'failure' as const,
            title: `Failing test: ${name}`,
            message: message.trim() === '' ? 'The test fails.' : message,
          },
    ),
  );
}

function isPath(path: string): boolean {
  const isPlain = path.length <= MAX_PATH_CHARACTERS && !/[\t\n]/.test(path) && stripControl(path) === path;
  return isPlain && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function isLine(line: number): boolean {
  return Number.isInteger(line) && line >= 1 && line <= MAX_LINE;
}
