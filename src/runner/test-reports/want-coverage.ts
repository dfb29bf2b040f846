import type { Command } from '../../contract/command-run.ts';
import { appendArguments, findJavascriptFramework, insertAfter } from './want-reports.ts';

export type CoverageKind = 'lcov' | 'go';

/** How a test command is run so that it tells which lines it ran, and where it does. */
export type WantedCoverage = {
  command: string[];
  env: Record<string, string>;
  kind: CoverageKind;
  /** Absolute. */
  file: string;
};

/**
 * Adds what makes a framework tell which lines it ran, where it can by what comes with it or is installed often; `null` where it can't. A
 * framework that lacks a part refuses the options and writes nothing, which is an answer, too.
 */
export function wantCoverage(
  command: Command,
  where: {
    /** Exists and is empty; absolute. */
    reportFolder: string;
    /** Text of the `package.json` script that the command runs; `null` when it runs none. */
    script: string | null;
  },
): WantedCoverage | null {
  const { reportFolder, script } = where;
  const names = command.map((part) => part.slice(part.lastIndexOf('/') + 1));
  const [program = ''] = names;
  const folder = `${reportFolder}/coverage`;
  const lcov = { env: {}, kind: 'lcov', file: `${folder}/lcov.info` } as const;

  switch (findJavascriptFramework(command, script)) {
    case 'vitest':
      return { ...lcov, command: appendArguments([...command], program, toVitestOptions(folder)) };
    case 'jest':
      return { ...lcov, command: appendArguments([...command], program, toJestOptions(folder)) };
    case null:
      break;
  }
  if (isPlainNodeTest(script === null ? command : script.trim().split(/\s+/))) {
    const file = `${reportFolder}/node.info`;
    const options = [
      '--experimental-test-coverage',
      '--test-reporter=lcov',
      `--test-reporter-destination=${file}`,
    ];
    const asked =
      script === null ? [...command, ...options] : appendArguments([...command], program, options);
    return { ...lcov, command: asked, file };
  }
  if (names.includes('pytest')) {
    const file = `${reportFolder}/pytest.info`;
    const env = { PYTEST_ADDOPTS: `--cov --cov-report= --cov-report='lcov:${file}' --cov-fail-under=0` };
    return { ...lcov, command: [...command], env, file };
  }
  if (program === 'go' && names.includes('test')) {
    const file = `${reportFolder}/go.cover`;
    const asked = [...command];
    insertAfter(asked, 'test', `-coverprofile=${file}`);
    return { command: asked, env: {}, kind: 'go', file };
  }
  return null;
}

function toVitestOptions(folder: string): string[] {
  return [
    '--coverage.enabled=true',
    '--coverage.reporter=lcovonly',
    `--coverage.reportsDirectory=${folder}`,
    '--coverage.reportOnFailure=true',
  ];
}

function toJestOptions(folder: string): string[] {
  return ['--coverage', '--coverageReporters=lcovonly', `--coverageDirectory=${folder}`];
}

/** `node --test` with nothing but options: behind the name of a file, options would be the file's. */
function isPlainNodeTest(words: readonly string[]): boolean {
  const [program, ...rest] = words;
  return program === 'node' && rest.includes('--test') && rest.every((word) => /^-[\w=./-]+$/.test(word));
}
