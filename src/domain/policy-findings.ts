import type { AttemptResult, PolicyFinding } from '../contract/attempt-result.ts';
import { toAnnotations } from './annotations.ts';
import type { Annotation } from './check-run-content.ts';
import { toCode, toInline, toTable } from './markdown-escape.ts';

/** What a report takes. */
const MAX_FINDINGS = 50;
const MAX_PATH_CHARACTERS = 1000;
const MAX_RULE_CHARACTERS = 200;
const MAX_ROWS = 20;

/** As many as a report takes; a path that is cut would be another one's. */
export function fitFindings(findings: readonly PolicyFinding[]): PolicyFinding[] {
  return findings
    .filter(({ path }) => path.length <= MAX_PATH_CHARACTERS)
    .slice(0, MAX_FINDINGS)
    .map((finding) => ({ ...finding, rule: finding.rule.slice(0, MAX_RULE_CHARACTERS) }));
}

/** On the lines of work that was pushed although the rules are against it; what is about a whole file stands on its first line. */
export function toFindingAnnotations({ findings = [], headCommit }: AttemptResult): Annotation[] {
  if (headCommit === null) return [];
  return toAnnotations(
    findings.map(({ path, line, rule }) => ({
      path,
      startLine: line ?? 1,
      endLine: line ?? 1,
      level: 'warning' as const,
      title: 'Not accepted',
      message: `This ${line === null ? 'file' : 'line'} ${rule}.`,
    })),
  );
}

/** Of work that was not pushed, which has no lines to mark; `null` when there is nothing to tell. */
export function toFindingsSection({ findings = [], headCommit }: AttemptResult): string | null {
  if (headCommit !== null || findings.length === 0) return null;
  const rows = findings
    .slice(0, MAX_ROWS)
    .map(({ path, line, rule }) => [
      toCode(path, 200),
      line === null ? '' : String(line),
      toInline(rule, 200),
    ]);
  const more = findings.length - rows.length;
  const table = toTable(['File', 'Line', 'What is wrong'], rows);
  return `### What was not accepted\n\n${table}${more > 0 ? `\n\nAnd ${more} more.` : ''}`;
}
