import { describe, expect, it } from 'vitest';
import type { FileChange } from '../../src/contract/attempt-result.ts';
import { type ChangedEntry, judgeChanges } from '../../src/domain/change-policy.ts';

describe('changes that may be published', () => {
  it.each<[string, ChangedEntry]>([
    ['a file', { path: 'src/a.ts', mode: '100644' }],
    ['a program', { path: 'bin/run', mode: '100755' }],
    ['a deleted file', { path: 'old.txt', mode: '000000' }],
    ['a link beside itself', { path: 'docs/latest', mode: '120000', linkTarget: 'v2' }],
    ['a link up, but not out', { path: 'a/b/c', mode: '120000', linkTarget: '../../d/./e' }],
    ['a link to the root folder', { path: 'a/b', mode: '120000', linkTarget: '..' }],
    ['a folder named like a protected one, elsewhere', { path: 'docs/.github/a.md', mode: '100644' }],
    ['guidance for people', { path: 'docs/agents.txt', mode: '100644' }],
    ['names that only begin like git', { path: '.gitignore', mode: '100644' }],
    ['a folder named almost like a protected one', { path: '.github-notes/a.md', mode: '100644' }],
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
      /^`\.github\/workflows\/ci\.yml` is protected, since it is a workflow.*: a person has to make this change\.$/,
    ],
    ['a workflow taken away', { path: '.github/workflows/ci.yml', mode: '000000' }, /a person has to make/],
    [
      'a workflow in other letters',
      { path: '.GitHub/Workflows/ci.yml', mode: '100644' },
      /a person has to make/,
    ],
    ['an action', { path: '.github/actions/x/action.yml', mode: '100644' }, /an action.*unprotected_paths/],
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

    expect(verdict).toMatchObject({
      ok: false,
      reasons: [expect.stringMatching(reason)],
      mayBePushed: false,
      findings: [{ path: entry.path, line: null }],
    });
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

    expect(verdict).toMatchObject({
      ok: false,
      reasons: [expect.stringMatching(/301 files.*300.*split/)],
      mayBePushed: true,
    });
  });

  it('too many lines, in all files together', () => {
    const changes = [aChange({ added: 10_001 }), aChange({ path: 'b', added: null, removed: 10_000 })];

    const verdict = judgeChanges({ changes, entries: [] });

    expect(verdict).toMatchObject({
      reasons: [expect.stringMatching(/20001 added and removed lines/)],
      mayBePushed: true,
    });
  });

  it('with a reason for each rule, and a bound on how many paths are named', () => {
    const entries = Array.from({ length: 40 }, (_, index) => ({ path: `m${index}`, mode: '160000' }));

    expect(refuse(['x/.git/a'], { entries }).reasons).toEqual([
      expect.stringMatching(/^`x\/\.git\/a` would be/),
      expect.stringMatching(/^`m0`, `m1`, `m2`, 37 more is a link/),
    ]);
  });

  it('with the place of each finding, however many, and never what stands there', () => {
    const entries = Array.from({ length: 4 }, (_, index) => ({ path: `m${index}`, mode: '160000' }));
    const secrets = [{ path: 'app.env', line: 3, rule: 'AWS' }];

    const verdict = judgeChanges({ changes: [], entries, secrets });

    if (verdict.ok) throw new Error('should be refused');
    expect(verdict.findings).toEqual([
      { path: 'app.env', line: 3, rule: 'looks like a secret (AWS)' },
      ...entries.map(({ path }) => ({
        path,
        line: null,
        rule: 'is a link to another repository (a submodule)',
      })),
    ]);
  });

  it('without letting a file name write Markdown, ping people or hide text', () => {
    const path = 'x`\n@everyone <b>\u202e/.git/y';

    const verdict = judgeChanges({ changes: [], entries: [{ path, mode: '100644' }] });

    if (verdict.ok) throw new Error('should be refused');
    expect(verdict.reasons[0]).toMatch(/^`x\?\?@everyone <b>\?\/\.git\/y` would be/);
  });
});

describe('protected paths', () => {
  it.each([
    ['.github/dependabot.yml', /a setting of GitHub/, true],
    ['.GITHUB/CodeOwners', /code owners/, true],
    ['CODEOWNERS', /code owners/, true],
    ['docs/CODEOWNERS', /code owners/, true],
    ['.circleci/config.yml', /continuous integration/, false],
    ['.gitlab-ci.yml', /continuous integration/, false],
    ['deploy/Jenkinsfile', /continuous integration/, false],
    ['packages/a/.claude/settings.json', /coding agents/, true],
    ['src/Claude.md', /coding agents/, true],
    ['AGENTS.md', /coding agents/, true],
    ['web/opencode.jsonc', /coding agents/, true],
    ['.mcp.json', /coding agents/, true],
    ['.husky/pre-commit', /git hook/, true],
    ['.pre-commit-config.yaml', /git hook/, true],
    ['.gitmodules', /submodules/, true],
  ])('%s may only be changed by people', (path, reason, mayBePushed) => {
    const verdict = refuse([path]);

    expect(verdict).toMatchObject({ reasons: [expect.stringMatching(reason)], mayBePushed });
    expect(verdict.reasons[0]).toMatch(/unprotected_paths/);
    expect(judge([path], { rules: { unprotectedPaths: [path] } })).toEqual({ ok: true });
  });

  it('workflows stay protected whatever the settings say', () => {
    const rules = { unprotectedPaths: ['**', '.github/workflows'], allowedPaths: ['.github'] };

    expect(refuse(['.github/workflows/ci.yml'], { rules }).mayBePushed).toBe(false);
  });

  it('the settings add their own, and take single ones off', () => {
    const rules = { protectedPaths: ['infra', '**/*.sql'], unprotectedPaths: ['infra/docs'] };

    expect(judge(['infra/docs/a.md', 'src/a.ts'], { rules })).toEqual({ ok: true });
    expect(refuse(['infra/docs/a.md', 'infra/main.tf', 'db/One.SQL'], { rules })).toMatchObject({
      ok: false,
      reasons: [expect.stringMatching(/^`infra\/main\.tf`, `db\/One\.SQL` is protected.*protected_paths/)],
      mayBePushed: true,
    });
  });

  it('a specialty may be kept to its own paths', () => {
    const rules = { allowedPaths: ['backend', '*.md'] };

    expect(judge(['backend/a/b.py', 'README.md'], { rules })).toEqual({ ok: true });
    expect(refuse(['backend/a.py', 'frontend/a.ts'], { rules })).toMatchObject({
      reasons: [expect.stringMatching(/^`frontend\/a\.ts` is outside the `allowed_paths`/)],
      mayBePushed: true,
    });
  });
});

describe('lock files', () => {
  it.each([
    ['package-lock.json', 'package.json'],
    ['yarn.lock', 'packages/a/package.json'],
    ['api/uv.lock', 'api/pyproject.toml'],
    ['Cargo.lock', 'crates/x/Cargo.toml'],
    ['go.sum', 'go.mod'],
    ['Gemfile.lock', 'x.gemspec'],
    ['app/packages.lock.json', 'app/App.csproj'],
  ])('%s may change with %s only', (lock, manifest) => {
    expect(judge([lock, manifest])).toEqual({ ok: true });
    expect(refuse([lock, 'src/a.ts'])).toMatchObject({
      reasons: [expect.stringMatching(/^The lock file .*without a change of .*unprotected_paths/)],
      mayBePushed: true,
    });
    expect(judge([lock], { rules: { unprotectedPaths: [lock] } })).toEqual({ ok: true });
  });

  it('the manifest of another folder is no reason', () => {
    expect(refuse(['a/package-lock.json', 'b/package.json', 'package.json']).reasons).toHaveLength(1);
  });
});

describe('sizes', () => {
  const MB = 1024 * 1024;
  it.each([
    ['a text of 5 MB', 'a.txt', 5 * MB, 1, true],
    ['a larger text', 'a.txt', 5 * MB + 1, 1, false],
    ['a binary file of 1 MB', 'a.png', MB, null, true],
    ['a larger binary file', 'a.png', MB + 1, null, false],
  ])('%s', (_, path, bytes, added, ok) => {
    const verdict = judgeChanges({
      changes: [aChange({ path, added, removed: added })],
      entries: [{ path, mode: '100644', bytes }],
    });

    expect(verdict).toMatchObject(ok ? { ok } : { ok, mayBePushed: false });
  });

  it('many binary files; those that go away do not count', () => {
    const changes = Array.from({ length: 21 }, (_, at) =>
      aChange({ path: `${at}.png`, added: null, removed: null }),
    );
    const [first, ...others] = changes;

    expect(judgeChanges({ changes, entries: [] })).toMatchObject({
      reasons: [expect.stringMatching(/^The change has 21 binary files/)],
    });
    expect(
      judgeChanges({ changes: [{ ...first, status: 'deleted' } as FileChange, ...others], entries: [] }),
    ).toEqual({ ok: true });
  });
});

it('a secret is told by its place and kind', () => {
  expect(refuse([], { secrets: [{ path: 'src/a.ts', line: 7, rule: 'github' }] })).toMatchObject({
    ok: false,
    reasons: ['What looks like a secret would be added: `src/a.ts` line 7 (github).'],
    mayBePushed: false,
  });
});

type More = Partial<Parameters<typeof judgeChanges>[0]>;

function judge(paths: string[], more: More = {}): ReturnType<typeof judgeChanges> {
  const entries = [...paths.map((path) => ({ path, mode: '100644' })), ...(more.entries ?? [])];
  return judgeChanges({ changes: [], ...more, entries });
}

function refuse(paths: string[], more: More = {}) {
  const verdict = judge(paths, more);
  if (verdict.ok) throw new Error('should be refused');
  return verdict;
}

function aChange(overrides: Partial<FileChange> = {}): FileChange {
  return { path: 'a', status: 'modified', added: 1, removed: 0, ...overrides };
}
