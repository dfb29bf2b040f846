import { describe, expect, test } from 'vitest';
import {
  findScriptFolder,
  findScriptName,
  wantReports,
} from '../../../src/runner/test-reports/want-reports.ts';

const want = (
  command: string[],
  script: string | null = null,
  nodeTakesReporter = true,
  globalJson: string | null = null,
) => wantReports(command, { reportFolder: '/r', script, nodeTakesReporter, globalJson });
const JSON_OF_VITEST = ['--reporter=default', '--reporter=json', '--outputFile.json=/r/vitest.json'];

describe('how a command is made to tell of its tests', () => {
  test.each<[string[], string | null, string[]]>([
    [['npm', 'test'], 'vitest run', ['npm', 'test', '--', ...JSON_OF_VITEST]],
    [['pnpm', 'test'], 'vitest run', ['pnpm', 'test', ...JSON_OF_VITEST]],
    [['yarn', '--cwd', 'web', 'test'], 'vitest', ['yarn', '--cwd', 'web', 'test', ...JSON_OF_VITEST]],
    [['npx', 'vitest', 'run'], null, ['npx', 'vitest', 'run', ...JSON_OF_VITEST]],
    [
      ['npm', 'test'],
      'NODE_ENV=test jest --ci',
      ['npm', 'test', '--', '--json', '--outputFile=/r/jest.json'],
    ],
    [['go', 'test', './...'], null, ['go', 'test', '-v', './...']],
    [['go', '-C', 'api', 'test', './...'], null, ['go', '-C', 'api', 'test', '-v', './...']],
    [['cargo', 'test', '--workspace'], null, ['cargo', 'test', '--no-fail-fast', '--workspace']],
    [['./gradlew', '--no-daemon', 'test'], null, ['./gradlew', '--no-daemon', 'cleanTest', 'test']],
    [['dotnet', 'test'], null, ['dotnet', 'test', '--logger', 'trx', '--results-directory', '/r']],
    [['vendor/bin/phpunit'], null, ['vendor/bin/phpunit', '--log-junit', '/r/phpunit.xml']],
    [
      ['php', '-d', 'memory_limit=-1', 'vendor/bin/phpunit'],
      null,
      ['php', '-d', 'memory_limit=-1', 'vendor/bin/phpunit', '--log-junit', '/r/phpunit.xml'],
    ],
    [['api/vendor/bin/pest'], null, ['api/vendor/bin/pest', '--log-junit', '/r/phpunit.xml']],
    ...[
      'phpunit',
      'XDEBUG_MODE=off vendor/bin/phpunit --colors',
      '@php vendor/bin/pest',
      '@php artisan test',
    ].map((script): [string[], string, string[]] => [
      ['composer', '--working-dir=api', 'test'],
      script,
      ['composer', '--working-dir=api', 'test', '--', '--log-junit', '/r/phpunit.xml'],
    ]),
  ])('%j (%s)', (command, script, expected) => {
    expect(want(command, script).command).toEqual(expected);
  });

  test.each<[string[], string | null]>([
    [['npm', 'test'], 'tsc && vitest run'],
    [['npm', 'test'], 'vitest run | tee log'],
    [['npm', 'test'], 'vitest run --reporter=dot'],
    [['npm', 'test'], 'npm run unit'],
    [['npm', 'test'], null],
    [['make', 'check'], null],
    [['composer', 'test'], 'phpunit && phpstan'],
    [['composer', 'test'], '@lint phpunit'],
    [['composer', 'test'], 'phpunit --log-junit=build/junit.xml'],
    [['composer', 'test'], null],
    [['node', '--test'], null],
    [['python3', '-m', 'pytest', 'tests'], null],
    [['mvn', '--batch-mode', 'test'], null],
  ])('%j (%s) is run as it is', (command, script) => {
    expect(want(command, script).command).toEqual(command);
  });

  test('node:test is given a reporter by its environment, where Node takes it and no other is asked for', () => {
    expect(want(['npm', 'test'], 'node --test').env['NODE_OPTIONS']).toContain('/r/node-reporter.mjs');
    expect(want(['npm', 'test'], 'node --test', false).env['NODE_OPTIONS']).toBe(undefined);
    expect(want(['npm', 'test'], 'node --test --test-reporter=tap').env['NODE_OPTIONS']).toBe(undefined);
    expect(want(['cargo', 'test']).env['NODE_OPTIONS']).toBe(undefined);
  });

  test.each([
    ['{ "test": { "runner": "Microsoft.Testing.Platform" } } // from .NET 10 on', false],
    ['{ "test": { "runner": "VSTest" }, "sdk": { "version": "10.0.100" } }', true],
  ])('dotnet test is given no options of the runner that %s does not take', (globalJson, isAsked) => {
    const command = ['dotnet', 'test', 'shop.sln'];

    const wanted = want(command, null, true, globalJson);

    expect(wanted.command.includes('--logger')).toBe(isAsked);
    expect(wanted.files.some(({ kind }) => kind === 'trx')).toBe(isAsked);
  });

  test.each<[string[], string | null, string]>([
    [['npm', 'test'], 'test', ''],
    [['npm', '--prefix', 'web', 'test'], 'test', 'web'],
    [['pnpm', '--dir', 'web', 'run', 'check'], 'check', 'web'],
    [['bun', 'run', 'test'], 'test', ''],
    [['bun', 'test'], null, ''],
    [['composer', 'test'], 'test', ''],
    [['composer', '--working-dir=api', 'run-script', 'unit'], 'unit', 'api'],
    [['composer', 'install'], null, ''],
    [['make', 'test'], null, ''],
  ])('%j runs the script %s in “%s”', (command, name, folder) => {
    expect(findScriptName(command)).toBe(name);
    expect(findScriptFolder(command)).toBe(folder);
  });
});
