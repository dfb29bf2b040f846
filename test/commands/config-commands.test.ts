import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { SPECIALTY_KEYS, toSettingsSchema } from '../../src/domain/settings-file.ts';
import { yardmaster } from '../support/command-line.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const ESCAPE = '\u001B';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'yard-config-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('yardmaster config check', () => {
  test('says what a good file means', async () => {
    await writeFile(
      path.join(folder, 'good.yml'),
      'labels: {bug: backend}\nspecialties: {backend: {test: pytest -q}}\n',
    );

    const { exitCode, stdout } = await yardmaster(['config', 'check', 'good.yml'], folder);

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^backend\n {2}labels +agent:backend, bug$/m);
    expect(stdout).toMatch(/^ {2}tests +pytest -q$/m);
  });

  test('names file, line, key and the mend of every mistake, and exits with 1', async () => {
    await writeFile(
      path.join(folder, 'bad.yml'),
      'specialties:\n  backend:\n    tset: pytest\n    max_turns: 0\n',
    );

    const { exitCode, stderr } = await yardmaster(['config', 'check', 'bad.yml'], folder);

    expect(exitCode).toBe(1);
    expect(stderr.split('\n')).toEqual([
      "bad.yml can't be used:",
      '- line 3, specialties.backend.tset: there is no such setting; did you mean "test"?',
      '- line 4, specialties.backend.max_turns: must be a whole number from 1 to 10000',
    ]);
  });

  test('tells machines the same', async () => {
    await writeFile(path.join(folder, 'bad.yml'), 'specialties: {backend: {tset: pytest}}\n');

    const { exitCode, stdout } = await yardmaster(['config', 'check', 'bad.yml', '--json'], folder);

    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      problems: [{ key: 'specialties.backend.tset', line: 1 }],
    });
  });

  test('a file that is not there is told with what to do', async () => {
    const { exitCode, stderr } = await yardmaster(['config', 'check'], folder);

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/yardmaster\.yml can’t be read \(ENOENT\)\. Name the file/);
  });

  test('control characters of a file never reach the terminal', async () => {
    await writeFile(path.join(folder, 'odd.yml'), String.raw`labels: {"\e]0;owned": backend}`);

    const { stdout, stderr } = await yardmaster(['config', 'check', 'odd.yml'], folder);

    expect(`${stdout}${stderr}`).not.toContain(ESCAPE);
  });
});

describe('the JSON Schema', () => {
  const published: unknown = JSON.parse(
    readFileSync(path.join(root, 'docs', 'yardmaster.schema.json'), 'utf8'),
  );

  test('that is published is what the code reads (npm run schema:write)', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(toSettingsSchema())));
  });

  test('takes the settings of the documentation, and refuses a slip of the pen', () => {
    const check = new Ajv2020({ strict: false }).compile(published as object);
    const page = readFileSync(path.join(root, 'docs', 'settings.md'), 'utf8');
    const example: unknown = parse(/```yaml\n([\s\S]+?)\n```/.exec(page)?.[1] ?? '');

    expect(check(example)).toBe(true);
    expect(check({ specialties: { backend: { tset: 'pytest' } } })).toBe(false);
  });

  test('explains every key of a specialty', () => {
    const described = JSON.stringify(published).match(/"description"/g) ?? [];

    expect(described.length).toBeGreaterThanOrEqual(SPECIALTY_KEYS.length);
  });
});
