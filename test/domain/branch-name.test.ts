import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { BranchName, parseBranchName, toBranchName } from '../../src/domain/branch-name.ts';

describe('the branch of an issue', () => {
  it.each([
    ['Fix the login page', 'agent/7-fix-the-login-page'],
    ['  --Über   große   Änderung!! ', 'agent/7-uber-gro-e-anderung'],
    ['$(rm -rf ~); `id` ../../etc', 'agent/7-rm-rf-id-etc'],
    ['refs/heads/main.lock@{1}', 'agent/7-refs-heads-main-lock-1'],
    ['日本語のタイトル', 'agent/7-backend'],
    ['', 'agent/7-backend'],
    ['!!!', 'agent/7-backend'],
    ['a'.repeat(100), `agent/7-${'a'.repeat(40)}`],
    [`${'a'.repeat(39)} b`, `agent/7-${'a'.repeat(39)}`],
  ])('is made of the title %j', (title, branch) => {
    expect(toBranchName({ issueNumber: 7, title, specialty: 'backend' })).toBe(branch);
  });

  it('leads back to the issue', () => {
    const branch = toBranchName({ issueNumber: 4321, title: 'Some 3 things', specialty: 'testing' });

    expect(parseBranchName(branch)).toEqual({ issueNumber: 4321 });
  });

  it.each([
    'main',
    'agent/',
    'agent/x-y',
    'agent/07-x',
    'agent/7',
    'agent/7-',
    'agent/7-X',
    'agent/7-a/b',
    'x/agent/7-a',
  ])('does not take %j for one of ours', (branch) => {
    expect(parseBranchName(branch)).toBeNull();
  });

  it('does not take a number that cannot be an issue', () => {
    expect(parseBranchName('agent/99999999999999999999-x')).toBeNull();
  });
});

describe('a branch name from outside', () => {
  const names = [
    'main',
    'feature/x',
    'release-1.2',
    'ünïcode',
    'a@b',
    '@',
    'HEAD',
    '',
    '-f',
    '--upload-pack=touch /tmp/x',
    'a b',
    'a..b',
    'a~1',
    'a^',
    'a:b',
    'a?b',
    'a*b',
    'a[b',
    'a\\b',
    'a@{0}',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a.',
    'a\tb',
    'a\u007fb',
  ];

  it.each(names)('is judged as git judges it: %j', (name) => {
    expect(BranchName.safeParse(name).success).toBe(gitAllows(name));
  });

  it('is refused when a file system could not hold it', () => {
    expect(BranchName.safeParse('a'.repeat(300)).success).toBe(false);
  });
});

function gitAllows(name: string): boolean {
  try {
    // `--branch` expands names such as `@{-1}`, and lets a lone `@` be HEAD: the full name is the plain rule.
    execFileSync('git', ['check-ref-format', '--branch', name], { stdio: 'pipe', cwd: '/' });
    return name !== '@';
  } catch {
    return false;
  }
}
