import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCaseCollector, type CaseReport } from '../../../src/runner/test-reports/case-report.ts';
import { readReports } from '../../../src/runner/test-reports/read-reports.ts';
import { wantReports } from '../../../src/runner/test-reports/want-reports.ts';

const GREEN = '<testsuite><testcase classname="a" name="fine"/></testsuite>';
const RED = '<testsuite><testcase classname="a" name="red"><failure/></testcase></testsuite>';

let root: string;
let folder: string;
let reportFolder: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'reports-'));
  folder = path.join(root, 'work');
  reportFolder = path.join(root, 'reports');
  await mkdir(folder);
  await mkdir(reportFolder);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function read(command: string[], startedAtMs = 0): Promise<CaseReport> {
  const into = createCaseCollector(
    (name) => name,
    (text) => text,
  );
  const wanted = wantReports(command, {
    reportFolder,
    script: null,
    globalJson: null,
    nodeTakesReporter: true,
  });
  await readReports(wanted, { reportFolder, folder, startedAtMs }, into);
  return into.report();
}

test('a report where it was wanted is read', async () => {
  await writeFile(path.join(reportFolder, 'pytest.xml'), GREEN);

  expect(await read(['pytest'])).toEqual({
    failures: new Map(),
    cases: new Map([['a › fine', 'passed']]),
    complete: true,
  });
});

test('reports of Maven’s modules are found, those from before the command are not', async () => {
  for (const [module, text] of [
    ['one', GREEN],
    ['two/inner', RED],
  ] as const) {
    const place = path.join(folder, module, 'target/surefire-reports');
    await mkdir(place, { recursive: true });
    await writeFile(path.join(place, 'TEST-a.xml'), text);
    await writeFile(path.join(place, 'TEST-old.xml'), RED.replace('red', 'old'));
    await utimes(path.join(place, 'TEST-old.xml'), 1000, 1000);
  }

  const { cases } = await read(['mvn', 'test'], Date.now() - 60_000);

  expect(Object.fromEntries(cases)).toEqual({ 'a › fine': 'passed', 'a › red': 'failed' });
});

describe('what a hostile command leaves', () => {
  test('a link to a file outside is not read', async () => {
    await writeFile(path.join(root, 'secret.xml'), RED);
    await symlink(path.join(root, 'secret.xml'), path.join(reportFolder, 'pytest.xml'));

    expect(await read(['pytest'])).toEqual({ failures: new Map(), cases: new Map(), complete: false });
  });

  test('folders behind links are not looked into', async () => {
    const place = path.join(root, 'elsewhere/target/surefire-reports');
    await mkdir(place, { recursive: true });
    await writeFile(path.join(place, 'TEST-a.xml'), RED);
    await symlink(path.join(root, 'elsewhere'), path.join(folder, 'module'));
    await symlink(path.join(root, 'elsewhere/target'), path.join(folder, 'target'));

    expect((await read(['mvn', 'test'])).cases.size).toBe(0);
  });

  test('a pipe, a folder and a file without end are not waited for', { timeout: 10_000 }, async () => {
    execFileSync('mkfifo', [path.join(reportFolder, 'pytest.xml')]);
    await mkdir(path.join(reportFolder, 'pytest-2.xml'));
    await writeFile(path.join(reportFolder, 'pytest-3.xml'), '');
    await truncate(path.join(reportFolder, 'pytest-3.xml'), 1024 ** 4);

    expect(await read(['pytest'])).toEqual({ failures: new Map(), cases: new Map(), complete: false });
  });

  test('a thousand files too many cost no more than the first of them', { timeout: 30_000 }, async () => {
    const names = Array.from({ length: 1500 }, (_, at) => `pytest-${at}.xml`);
    await Promise.all(names.map((name) => writeFile(path.join(reportFolder, name), GREEN)));

    expect((await read(['pytest'])).complete).toBe(false);
  });

  test('a folder that is gone has told nothing', async () => {
    await rm(reportFolder, { recursive: true });

    expect(await read(['pytest'])).toEqual({ failures: new Map(), cases: new Map(), complete: true });
  });
});
