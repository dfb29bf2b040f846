import { describe, expect, it } from 'vitest';
import type { FileChange } from '../../src/contract/job.ts';
import { type ChangedEntry, judgeChanges } from '../../src/domain/change-policy.ts';

describe('changes that may be published', () => {
  it.each<[string, ChangedEntry]>([
    ['a file', { path: 'src/a.ts', mode: '100644' }],
    ['a program', { path: 'bin/run', mode: '100755' }],
    ['a deleted file', { path: 'old.txt', mode: '000000' }],
    ['a link beside itself', { path: 'docs/latest', mode: '120000', linkTarget: 'v2' }],
    ['a link up, but not out', { path: 'a/b/c', mode: '120000', linkTarget: '../../d/./e' }],
    ['a link to the root folder', { path: 'a/b', mode: '120000', linkTarget: '..' }],
    ['other files of GitHub', { path: '.github/ISSUE_TEMPLATE/bug.yml', mode: '100644' }],
    ['names that only begin like git', { path: '.gitignore', mode: '100644' }],
    [
      'a folder named almost like the protected one',
      { path: '.github/workflows-notes/a.md', mode: '100644' },
    ],
  ])('%s', (_, entry) => {
    expect(judgeChanges({ changes: [aChange({ path: entry.path })], entries: [entry] })).toEqual({
      ok: true,
    });
  });

  it('no change at all', () => {
    expect(judgeChanges({ changes: [], entries: [] })).toEqual({ ok: true });
  });

  it('exactly as many files and lines as are allowed', () => {
    const entries = Array.from({ length: 300 }, (_, index) => ({ path: `f${index}`, mode: '100644' }));
    const changes = [aChange({ path: 'f0', added: 19_999, removed: 1 })];

    expect(judgeChanges({ changes, entries })).toEqual({ ok: true });
  });
});

describe('changes that are refused', () => {
  it.each<[string, ChangedEntry, RegExp]>([
    [
      'a workflow',
      { path: '.github/workflows/ci.yml', mode: '100644' },
      /`\.github\/workflows\/ci\.yml`.*a person/,
    ],
    ['a workflow taken away', { path: '.github/workflows/ci.yml', mode: '000000' }, /a person has to make/],
    [
      'a workflow in other letters',
      { path: '.GitHub/Workflows/ci.yml', mode: '100644' },
      /a person has to make/,
    ],
    ['an action', { path: '.github/actions/x/action.yml', mode: '100644' }, /`\.github\/actions`/],
    [
      'the folder itself as a link',
      { path: '.github/workflows', mode: '120000', linkTarget: '../x' },
      /a person/,
    ],
    ['a submodule', { path: 'vendor/lib', mode: '160000' }, /`vendor\/lib`.*submodule/],
    ['a link to a machine path', { path: 'a', mode: '120000', linkTarget: '/etc/passwd' }, /`\/etc\/passwd`/],
    ['a link out', { path: 'a/b', mode: '120000', linkTarget: '../../x' }, /leads out/],
    [
      'a link out by way of a folder',
      { path: 'a/b', mode: '120000', linkTarget: 'c/../../../x' },
      /leads out/,
    ],
    ['a link up behind another link', { path: 'a/b/c', mode: '120000', linkTarget: 'd/..' }, /leads out/],
    ['a link into the git directory', { path: 'a', mode: '120000', linkTarget: '.git/config' }, /leads out/],
    ['a link for another system', { path: 'a', mode: '120000', linkTarget: 'C:\\x' }, /leads out/],
    ['a link that nobody read', { path: 'a', mode: '120000' }, /leads out/],
    ['a git directory', { path: 'x/.git/config', mode: '100644' }, /git directory/],
    ['a git directory in capitals', { path: '.GIT/hooks/pre-commit', mode: '100755' }, /git directory/],
    ['a git directory by its short name', { path: 'GIT~1/config', mode: '100644' }, /git directory/],
    [
      'a git directory with hidden characters',
      { path: '.g\u200cit/config', mode: '100644' },
      /git directory/,
    ],
    ['a git directory with a dot more', { path: '.git./config', mode: '100644' }, /git directory/],
    ['a git directory as a stream', { path: '.git::$INDEX_ALLOCATION/x', mode: '100644' }, /git directory/],
  ])('%s', (_, entry, reason) => {
    const verdict = judgeChanges({ changes: [], entries: [entry] });

    expect(verdict).toEqual({ ok: false, reasons: [expect.stringMatching(reason)] });
  });

  it('a workflow renamed to a harmless place: the old path counts', () => {
    const verdict = judgeChanges({
      changes: [aChange({ path: 'docs/ci.yml', status: 'renamed' })],
      entries: [
        { path: '.github/workflows/ci.yml', mode: '000000' },
        { path: 'docs/ci.yml', mode: '100644' },
      ],
    });

    expect(verdict).toMatchObject({ ok: false });
  });

  it('too many files', () => {
    const entries = Array.from({ length: 301 }, (_, index) => ({ path: `f${index}`, mode: '100644' }));

    const verdict = judgeChanges({ changes: [], entries });

    expect(verdict).toEqual({ ok: false, reasons: [expect.stringMatching(/301 files.*300.*split/)] });
  });

  it('too many lines, in all files together', () => {
    const changes = [aChange({ added: 10_001 }), aChange({ path: 'b', added: null, removed: 10_000 })];

    const verdict = judgeChanges({ changes, entries: [] });

    expect(verdict).toEqual({ ok: false, reasons: [expect.stringMatching(/20001 added and removed lines/)] });
  });

  it('with a reason for each, and a bound on how many are listed', () => {
    const entries = Array.from({ length: 40 }, (_, index) => ({ path: `m${index}`, mode: '160000' }));

    const verdict = judgeChanges({ changes: [], entries });

    if (verdict.ok) throw new Error('should be refused');
    expect(verdict.reasons).toHaveLength(21);
    expect(verdict.reasons.at(-1)).toMatch(/^20 more/);
  });

  it('without letting a file name write Markdown, ping people or hide text', () => {
    const path = 'x`\n@everyone <b>\u202e/.git/y';

    const verdict = judgeChanges({ changes: [], entries: [{ path, mode: '100644' }] });

    if (verdict.ok) throw new Error('should be refused');
    expect(verdict.reasons[0]).toMatch(/^`x\?\?@everyone <b>\?\/\.git\/y` would be/);
  });
});

function aChange(overrides: Partial<FileChange> = {}): FileChange {
  return { path: 'a', status: 'modified', added: 1, removed: 0, ...overrides };
}
