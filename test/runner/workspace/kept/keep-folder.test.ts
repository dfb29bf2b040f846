import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  statfs,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { keepFolder, type SessionRules } from '../../../../src/runner/workspace/kept/keep-folder.ts';
import type { MadeBySetUp } from '../../../../src/runner/workspace/kept/made-by-set-up.ts';
import { passTick, stampFiles } from '../../../../src/runner/workspace/kept/stamp-files.ts';

const SESSION: SessionRules = {
  isFile: (path) => path.startsWith('.agent/'),
  holdsSecret: (text) => text.includes('s3cret'),
};
// There a change can go unseen; nothing of set-up is kept.
const isInMemory = (await statfs(tmpdir())).type === 0x01021994;

let attemptFolder: string;
let work: string;
let home: string;
let agent: string;
let made: MadeBySetUp;
beforeEach(async () => {
  attemptFolder = await mkdtemp(join(tmpdir(), 'kept-'));
  onTestFinished(() => rm(attemptFolder, { recursive: true, force: true }));
  work = join(attemptFolder, 'work');
  home = join(attemptFolder, 'home');
  agent = join(attemptFolder, 'agent');
  await put('work/.git/config', '[core]\n');
  await put('work/src/a.ts', 'before\n');
  await put('work/node_modules/tool/cli.js', 'tool\n');
  await put('work/node_modules/other/cli.js', 'other\n');
  await symlink('../tool/cli.js', join(work, 'node_modules/link'));
  await put('home/.cache/tool', 'cached\n');
  made = {
    work: await stampFiles(work, (path) => {
      if (path === '.git') return 'leave';
      return path.startsWith('src') ? 'pass' : 'stamp';
    }),
    home: await stampFiles(home, () => 'stamp'),
  };
  await passTick(attemptFolder);
  // From here on an agent is there.
  await put('agent/.agent/said.jsonl', 'said\n');
  await put('temp/x', 'x');
});

const SET_UP = [
  'home/.cache/tool',
  'work/node_modules/link',
  'work/node_modules/other/cli.js',
  'work/node_modules/tool/cli.js',
];

it.skipIf(isInMemory)(
  'keeps what set-up made and the session, and none of what was put beside them',
  async () => {
    await put('work/src/a.ts', 'after\n');
    await put('work/node_modules/.bin/npm', 'evil\n');
    await put('work/node_modules/tool/index.js', 'evil\n');
    await put('home/.npmrc', 'script-shell=/bin/false\n');
    await put('home/.agent/said.jsonl', 'said by a test\n');
    await put('agent/.claude/settings.json', '{}');
    await put('images/1.png', 'x');
    await symlink('/etc', join(work, 'node_modules/etc'));
    // As bytes, names may be anything.
    await writeFile(Buffer.from(`${work}/node_modules/\xff\xfe`, 'latin1'), 'evil\n');
    await mkdir(join(work, 'shut/in'), { recursive: true });
    await chmod(join(work, 'shut'), 0);

    const kept = await keep();

    expect(kept).toEqual({ changed: null, sessionFiles: ['.agent/said.jsonl'] });
    expect(await left()).toEqual(['agent/.agent/said.jsonl', ...SET_UP]);
  },
);

it.each<[string, () => Promise<void>]>([
  ['is written', () => put('work/node_modules/tool/cli.js', 'evil\n')],
  [
    'is written, and has its old size and time again',
    async () => {
      const file = join(work, 'node_modules/tool/cli.js');
      await writeFile(file, 'evil\n');
      await truncate(file, 5);
      await utimes(file, 1, 1);
    },
  ],
  ['becomes a program', () => chmod(join(work, 'node_modules/tool/cli.js'), 0o777)],
  [
    'changes places with another part',
    async () => {
      await rename(join(work, 'node_modules/tool'), join(work, 'node_modules/third'));
      await rename(join(work, 'node_modules/other'), join(work, 'node_modules/tool'));
      await rename(join(work, 'node_modules/third'), join(work, 'node_modules/other'));
    },
  ],
  [
    'leads elsewhere',
    async () => {
      await rm(join(work, 'node_modules/link'));
      await symlink('/etc/passwd', join(work, 'node_modules/link'));
    },
  ],
  [
    'is a link now',
    async () => {
      await rename(join(work, 'node_modules'), join(work, 'elsewhere'));
      await symlink('elsewhere', join(work, 'node_modules'));
    },
  ],
  ['gets another name', () => link(join(home, '.cache/tool'), join(work, 'tool'))],
  ['is gone', () => rm(join(home, '.cache/tool'))],
])('keeps nothing of set-up when a part of it %s', async (_how, change) => {
  await change();

  const kept = await keep();

  expect(kept.changed).not.toBeNull();
  expect(await left()).toEqual(['agent/.agent/said.jsonl']);
});

it.each<[string, () => Promise<void>]>([
  ['a link', () => symlink('/etc/passwd', join(agent, '.agent/linked.jsonl'))],
  ['another name of a file', () => link(join(work, 'src/a.ts'), join(agent, '.agent/linked.jsonl'))],
  ['a folder that is a link', () => symlink('/etc', join(agent, '.agent/folder'))],
])('takes nothing for a part of the session that is %s', async (_what, make) => {
  await make();

  expect((await keep()).sessionFiles).toEqual(['.agent/said.jsonl']);
  expect((await left()).filter((path) => path.startsWith('agent/.agent'))).toEqual([
    'agent/.agent/said.jsonl',
  ]);
});

it('keeps no session with a secret in it, none that is too large, and none that nobody wants', async () => {
  await put('agent/.agent/more.jsonl', 'my s3cret');
  expect((await keep()).sessionFiles).toEqual([]);
  expect((await left()).filter((path) => path.startsWith('agent/.agent'))).toEqual([]);

  await put('agent/.agent/large.jsonl', '');
  await truncate(join(agent, '.agent/large.jsonl'), 65 * 1024 ** 2);
  expect((await keep()).sessionFiles).toEqual([]);

  await put('agent/.agent/said.jsonl', 'said');
  await keepFolder({ attemptFolder, made: null, session: null });
  expect(await left()).toEqual([]);
});

it('touches nothing behind a link that was put in the place of the work tree', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'outside-'));
  onTestFinished(() => rm(outside, { recursive: true, force: true }));
  await writeFile(join(outside, 'mine'), 'mine\n');
  await rm(work, { recursive: true });
  await symlink(outside, work);

  await expect(keep()).rejects.toThrow('no folder any more');

  expect(await readdir(outside)).toEqual(['mine']);
});

function keep(): ReturnType<typeof keepFolder> {
  return keepFolder({ attemptFolder, made, session: SESSION });
}

async function put(file: string, text: string): Promise<void> {
  const path = join(attemptFolder, file);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
}

/** All that is no folder. */
async function left(): Promise<string[]> {
  const entries = await readdir(attemptFolder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(attemptFolder.length + 1))
    .toSorted();
}
