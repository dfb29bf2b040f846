import type { Command } from '../../contract/command-run.ts';
import type { ReportKind } from './parse-report.ts';

/** How a test command is run so that it tells of single tests, and where it does. */
export type WantedReports = {
  /** The command with what has to be added; the same where nothing has. */
  command: string[];
  env: Record<string, string>;
  /** In the report folder; a name's beginning and end. */
  files: { kind: ReportKind; begins: string; ends: string }[];
  /** Whether Maven's and Gradle's own reports in the work tree are looked for. */
  buildReports: boolean;
  /** What prints its tests instead. */
  lines: 'cargo' | 'go' | null;
};

/** The file that `node:test` loads; written by whoever runs the command. */
export const NODE_REPORTER_FILE = 'node-reporter.mjs';

/** It may hold comments. */
const TESTING_PLATFORM = /"runner"\s*:\s*"Microsoft\.Testing\.Platform"/i;
const SCRIPT_RUNNERS = new Set(['npm', 'pnpm', 'yarn', 'bun']);
const NODE_PROGRAMS = new Set([...SCRIPT_RUNNERS, 'node', 'npx', 'bunx', 'make']);

/**
 * Adds to a test command what makes its framework tell of single tests, by its name or by the script that it runs. What can't be told
 * from these is left as it is: then there are exit codes. Environment variables that only one framework knows are always set.
 */
export function wantReports(
  command: Command,
  where: {
    /** Exists and is empty; absolute. */
    reportFolder: string;
    /** Text of the `package.json` or `composer.json` script that the command runs; `null` when it runs none. */
    script: string | null;
    /** Whether the `node` of the machine takes a reporter by NODE_OPTIONS. */
    nodeTakesReporter: boolean;
    /** Text of the `global.json` that the command would obey; `null` when there is none. */
    globalJson: string | null;
  },
): WantedReports {
  const { reportFolder, script, nodeTakesReporter, globalJson } = where;
  const wanted: WantedReports = {
    command: [...command],
    env: {
      PYTEST_ADDOPTS: `--junitxml='${reportFolder}/pytest.xml'`,
      SPEC_OPTS: `--format progress --format json --out '${reportFolder}/rspec.json'`,
    },
    files: [
      { kind: 'junit', begins: 'pytest', ends: '.xml' },
      { kind: 'rspec', begins: 'rspec', ends: '.json' },
    ],
    buildReports: false,
    lines: null,
  };
  const names = command.map((part) => part.slice(part.lastIndexOf('/') + 1));
  const [program = ''] = names;
  const text = script ?? command.join(' ');

  // Our reporter writes its files itself; what it is given to write to is a plain file, since Node flushes it.
  if (nodeTakesReporter && NODE_PROGRAMS.has(program) && !text.includes('--test-reporter')) {
    wanted.env['NODE_OPTIONS'] = [
      '--test-reporter=spec --test-reporter-destination=stdout',
      `--test-reporter="${reportFolder}/${NODE_REPORTER_FILE}" --test-reporter-destination="${reportFolder}/nothing"`,
    ].join(' ');
    wanted.files.push({ kind: 'node', begins: 'node-', ends: '.jsonl' });
  }
  const javascript = findJavascriptFramework(command, script);
  if (javascript !== null) {
    const file = `${reportFolder}/${javascript}.json`;
    const extra =
      javascript === 'jest'
        ? ['--json', `--outputFile=${file}`]
        : ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    wanted.command = appendArguments(wanted.command, program, extra);
    wanted.files.push({ kind: 'jest', begins: javascript, ends: '.json' });
  }
  if (program === 'go' && names.includes('test')) {
    if (!command.includes('-v') && !command.includes('-json')) insertAfter(wanted.command, 'test', '-v');
    wanted.lines = 'go';
  }
  if (program === 'cargo' && names.includes('test')) {
    // Otherwise one red test program hides those after it.
    if (!command.includes('--no-fail-fast')) insertAfter(wanted.command, 'test', '--no-fail-fast');
    wanted.lines = 'cargo';
  }
  if (['mvn', 'mvnw', 'gradle', 'gradlew'].includes(program)) wanted.buildReports = true;
  // Gradle keeps results of what has not changed, and then writes no report.
  if (['gradle', 'gradlew'].includes(program) && command.includes('test')) {
    wanted.command.splice(wanted.command.indexOf('test'), 0, 'cleanTest');
  }
  // The other runner, from .NET 10 on, refuses the options of this one.
  if (program === 'dotnet' && names[1] === 'test' && !TESTING_PLATFORM.test(globalJson ?? '')) {
    wanted.command.push('--logger', 'trx', '--results-directory', reportFolder);
    wanted.files.push({ kind: 'trx', begins: '', ends: '.trx' });
  }
  if (runsPhpUnit(command, script)) {
    const extra = ['--log-junit', `${reportFolder}/phpunit.xml`];
    wanted.command = appendArguments(wanted.command, program, extra);
    wanted.files.push({ kind: 'junit', begins: 'phpunit', ends: '.xml' });
  }
  return wanted;
}

/** The name of the script that a package manager is told to run: `test` of `npm test`, `check` of `pnpm run check`. */
export function findScriptName(command: Command): string | null {
  const [program = '', ...rest] = command;
  if (!SCRIPT_RUNNERS.has(program) && program !== 'composer') return null;
  const words = rest.filter((part, at) => !part.startsWith('-') && !takesValue(rest[at - 1]));
  const [verb, name] = words;
  if (verb === 'run' || verb === 'run-script') return name ?? null;
  // Composer has a command for every script whose name is not one of its own commands.
  if (program === 'composer') return verb === 'test' ? verb : null;
  // `bun test` is bun's own runner.
  return program !== 'bun' && (verb === 'test' || verb === 't') ? 'test' : null;
}

/** The folder of the package whose script a package manager is told to run; '' is the one that it is started in. */
export function findScriptFolder(command: Command): string {
  const joined = command.find((part) => part.startsWith('--working-dir='));
  if (joined !== undefined) return joined.slice(joined.indexOf('=') + 1);
  const at = command.findIndex((part) => takesValue(part));
  return at === -1 ? '' : (command[at + 1] ?? '');
}

/** Options that name a folder, which the analysis uses. */
function takesValue(part: string | undefined): boolean {
  return part === '--prefix' || part === '--dir' || part === '--cwd' || part === '-C';
}

/** One framework, called plainly, by a command or the script that it runs: what comes after a pipe, a variable or a second command can't be given arguments. */
export function findJavascriptFramework(command: Command, script: string | null): 'jest' | 'vitest' | null {
  const words = toPlainWords(command, script);
  if (words === null) return null;
  const start = words.findIndex(
    (word) => !/^[A-Za-z_]\w*=/.test(word) && !['npx', 'cross-env'].includes(word),
  );
  const name = (words[start] ?? '').split('/').at(-1);
  if (name !== 'jest' && name !== 'vitest') return null;
  if (words.some((word) => /^--(?:json|reporter|outputFile)\b/.test(word))) return null;
  return name;
}

/** PHPUnit, or what hands its arguments on to it (Pest, Laravel's `artisan test`), called as plainly. */
function runsPhpUnit(command: Command, script: string | null): boolean {
  const plain = toPlainWords(command, script) ?? [];
  const words = plain.map((word) => word.slice(word.lastIndexOf('/') + 1));
  const at = words.findIndex((word) => ['phpunit', 'pest', 'artisan'].includes(word));
  if (at === -1 || plain.some((word) => word.startsWith('--log-junit'))) return false;
  // Variables, and PHP with its options.
  const isPlain = words.slice(0, at).every((word) => /^(?:@?php|-.*|\w+=.*)$/.test(word));
  return isPlain && (words[at] !== 'artisan' || words[at + 1] === 'test');
}

/** Of the script, or else of the command; `null` where the end of the words is not the end of its arguments. */
function toPlainWords(command: Command, script: string | null): string[] | null {
  if (script === null) return [...command];
  return /[;&|<>()`$\\"'#]/.test(script) ? null : script.trim().split(/\s+/);
}

export function appendArguments(command: string[], program: string, extra: string[]): string[] {
  // These take for themselves what does not stand behind two dashes; the others hand on, two dashes included.
  if ((program === 'npm' || program === 'composer') && !command.includes('--'))
    return [...command, '--', ...extra];
  return [...command, ...extra];
}

export function insertAfter(command: string[], word: string, added: string): void {
  command.splice(command.indexOf(word) + 1, 0, added);
}
