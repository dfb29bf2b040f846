import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startStandin } from '../support/standin.ts';
import { at, repo, startSetting } from './setting.ts';

test('every html_url leads to a page that shows hostile text as text', async () => {
  await using setting = await startSetting();
  const { standin, app } = setting;
  const alice = standin.as('alice');
  const hostile = '<script>alert("x")</script>';
  const issue = await alice.openIssue({ repository: repo, title: hostile, body: hostile, labels: [hostile] });
  await alice.comment(repo, 1, hostile);
  const head_sha = await alice.pushFiles(repo, 'topic', { a: 'b' }, 'Add a');
  const pull = await alice.openPullRequest(repo, { title: hostile, head: 'topic' });
  const made = await app('POST', `${at}/check-runs`, {
    name: hostile,
    head_sha,
    conclusion: 'failure',
    output: { title: hostile, summary: hostile, text: hostile },
    actions: [{ label: '<b>', description: 'x', identifier: 'x' }],
  });
  const run = made.body as { html_url: string };

  for (const url of [issue.html_url, pull.html_url, run.html_url, standin.state.repository(repo).html_url]) {
    const response = await fetch(url);
    const html = await response.text();
    expect(response.status).toBe(200);
    expect(html).toContain('&lt;script&gt;');
    expect(html).not.toContain('<script>');
  }
  expect((await fetch(`${standin.url}/`)).status).toBe(200);
  for (const path of ['/nobody/nothing', `/${repo}/issues/99`, `/${repo}/runs/99`]) {
    expect((await fetch(`${standin.url}${path}`)).status).toBe(404);
  }
});

test('a repository is made from a folder, executable files included, without its .git', async () => {
  await using standin = await startStandin();
  const folder = await mkdtemp(join(tmpdir(), 'standin-sample-'));
  try {
    await mkdir(join(folder, 'bin'));
    await mkdir(join(folder, '.git'));
    await writeFile(join(folder, 'bin', 'run'), '#!/bin/sh\n');
    await chmod(join(folder, 'bin', 'run'), 0o755);
    await writeFile(join(folder, '.git', 'config'), 'x');

    const made = await standin.createRepository({
      owner: 'someone',
      name: 'sample',
      defaultBranch: 'trunk',
      fromDirectory: folder,
      files: { 'README.md': 'hello' },
    });

    expect(made).toMatchObject({ fullName: 'someone/sample', defaultBranch: 'trunk' });
    const response = await fetch(`${standin.url}/repos/someone/sample/git/trees/trunk?recursive=1`);
    const { tree } = (await response.json()) as { tree: { path: string; mode: string }[] };
    expect(tree.map(({ path, mode }) => `${mode} ${path}`)).toEqual([
      '100644 README.md',
      '040000 bin',
      '100755 bin/run',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('people on the website are held to their roles', async () => {
  await using setting = await startSetting({ private: true });
  const { standin } = setting;
  await standin.as('alice').openIssue({ repository: repo, title: 'One' });

  await expect(standin.as('tom').pushFiles(repo, 'x', { a: 'b' }, 'x')).rejects.toThrow('admin rights');
  await expect(standin.as('mallory').comment(repo, 1, 'x')).rejects.toThrow('admin rights');
  await expect(standin.as('alice').archiveRepository(repo)).rejects.toThrow('admin rights');
  await standin.as('tom').addLabel(repo, 1, 'bug');
  expect(() => standin.as('nobody-at-all')).toThrow('There is no account');
  expect(() => standin.createUser('alice')).toThrow('already');
});

test('closing removes the temporary folder and frees the port, and may be asked for twice', async () => {
  const standin = await startStandin();
  await standin.createRepository({ owner: 'acme', name: 'widgets', files: { a: 'b' } });
  const folder = standin.state.gitFolder('acme/widgets');
  expect(existsSync(folder)).toBe(true);

  await standin.close();
  await standin.close();

  expect(existsSync(folder)).toBe(false);
  await expect(fetch(standin.url)).rejects.toThrow('fetch failed');
});

test('a data folder that was given stays', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'standin-data-'));
  try {
    const standin = await startStandin({ dataFolder });
    await standin.createRepository({ owner: 'acme', name: 'widgets', files: { a: 'b' } });
    const folder = standin.state.gitFolder('acme/widgets');

    await standin.close();

    expect(existsSync(folder)).toBe(true);
  } finally {
    await rm(dataFolder, { recursive: true });
  }
});
