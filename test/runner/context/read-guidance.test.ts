import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DEFAULT_JOB_SETTINGS } from '../../../src/domain/repo-settings.ts';
import { readGuidance } from '../../../src/runner/context/read-guidance.ts';

async function aFolder(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'guidance-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return folder;
}

const OF_REPOSITORY = { path: '.github/yardmaster/backend.md', text: 'of the repository' };

it.each([
  ['the repository’s file', OF_REPOSITORY, 'of the settings', true, 'of the repository', '`.github/'],
  ['its settings', null, 'of the settings', true, 'of the settings', "the repository's settings"],
  ['the runner’s file', null, null, true, 'of the runner', 'whoever looks after this machine'],
  ['ours', null, null, false, 'This is backend work', 'Yardmaster'],
] as const)('the advice is that of %s', async (_, own, ofSettings, hasFile, text, from) => {
  const folder = await aFolder(hasFile ? { 'backend.md': 'of the runner\n' } : { 'backend.md': ' \n' });
  const settings = { ...DEFAULT_JOB_SETTINGS, guidance: ofSettings };

  const { guidance } = await readGuidance({ specialty: 'backend', settings }, { guidance: own }, folder);

  expect(guidance.text).toContain(text);
  expect(guidance.from).toContain(from);
});

it('a file that can’t be read is told of, and ours is taken', async () => {
  const folder = await aFolder({});
  await mkdir(path.join(folder, 'testing.md'));

  const job = { specialty: 'testing', settings: DEFAULT_JOB_SETTINGS };
  const { guidance, problem } = await readGuidance(job, { guidance: null }, folder);

  expect(guidance.text).toContain('This is testing work');
  expect(problem).toMatch(/testing\.md can't be read \(EISDIR\)$/);
});
