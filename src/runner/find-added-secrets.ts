import type { SecretFinding } from '../domain/change-policy.ts';
import { toPathMatcher } from '../domain/path-patterns.ts';
import { parsePatch, type PatchedFile } from './workspace/parse-patch.ts';

/** More than this of one kind say nothing new, and each costs a look at the base. */
const MAX_FINDINGS = 20;
/** A value that the runner masks in logs may be a common word; so long a one is none. */
const MIN_MASKED_CHARACTERS = 16;
const RULE_PREFIX = '@secretlint/secretlint-rule-';

/**
 * The secrets that a patch would add: by the rules of secretlint, and those that this runner knows itself. What stands in the base
 * already was made known by others. No secret leaves this function.
 */
export async function findAddedSecrets(options: {
  patch: string;
  redact: (text: string) => string;
  /** As in `PhaseDeps`. */
  holdsSecret: (text: string, minLength: number) => boolean;
  /** Whether a line with this text stands in the base. */
  baseHas: (text: string) => Promise<boolean>;
  /** Patterns of paths where secrets are made up. What this runner knows itself is never let through. */
  fakePaths: readonly string[];
}): Promise<SecretFinding[]> {
  const scan = await createScan();
  const isFake = toPathMatcher(options.fakePaths);
  const findings: SecretFinding[] = [];
  for (const file of parsePatch(options.patch)) {
    const seen = new Set<number>();
    const found = isFake(file.path)
      ? findKnown(file, (text) => options.holdsSecret(text, MIN_MASKED_CHARACTERS))
      : [...(await scan(file)), ...findKnown(file, (text) => isMasked(text, options.redact))];
    for (const { text, ...finding } of found) {
      if (findings.length >= MAX_FINDINGS) return findings;
      if (seen.has(finding.line)) continue;
      seen.add(finding.line);
      if (!(await options.baseHas(longestLine(text)))) findings.push(finding);
    }
  }
  return findings;
}

type Scanned = SecretFinding & { text: string };

/** What this runner knows itself, above all its own credentials. */
function findKnown({ path, lines }: PatchedFile, isKnown: (text: string) => boolean): Scanned[] {
  return lines
    .filter(({ text, added }) => added && isKnown(text))
    .map(({ number, text }) => ({ path, line: number, rule: 'masked by this runner', text }));
}

function isMasked(text: string, redact: (text: string) => string): boolean {
  return text.length - redact(text).length >= MIN_MASKED_CHARACTERS;
}

/** Loaded when there is something to look at: 40 ms that most starts of a runner need not wait for. */
async function createScan(): Promise<(file: PatchedFile) => Promise<Scanned[]>> {
  const [{ lintSource }, { creator }] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
  ]);
  const options = {
    config: { rules: [{ id: `${RULE_PREFIX}preset-recommend`, rule: creator }] },
    noPhysicFilePath: true,
    maskSecrets: true,
  };
  return async (file) => {
    const content = withoutDirectives(file.lines.map(({ text }) => text).join('\n'));
    // The name says nothing to the rules that we want: a `.test.js` may hold a real key.
    const source = { filePath: 'added.txt', content, contentType: 'text' as const, ext: '.txt' };
    const { messages } = await lintSource({ source, options });
    return messages.flatMap(({ range: [start, end], ruleId }) => {
      const text = content.slice(start, end);
      // Not by its line numbers: it ends lines at a lone carriage return, too.
      const first = countLines(content.slice(0, start));
      const added = file.lines.slice(first, first + countLines(text) + 1).find((line) => line.added);
      if (added === undefined || isExample(ruleId, text)) return [];
      return [{ path: file.path, line: added.number, rule: ruleId.replace(RULE_PREFIX, ''), text }];
    });
  };
}

/** Comments that switch the rules off would be the agent's; the preset can't be told to take no notice of them. */
function withoutDirectives(content: string): string {
  return content.replaceAll(/secretlint-(?=disable|enable)/gi, 'secretlint_');
}

/** A password for this machine, for a service of a compose file, or for a host that can't exist: examples and tests are full of them. */
function isExample(ruleId: string, text: string): boolean {
  if (!/basicauth|database-connection-string/.test(ruleId)) return false;
  return /@(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1\]|[\w-]+|(?:[\w-]+\.)*(?:example\.(?:com|org|net)|example|test|invalid|localhost|local))(?=[:/?"'\s]|$)/i.test(
    text,
  );
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}

function longestLine(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .reduce((longest, line) => (line.length > longest.length ? line : longest), '');
}
