import { describe, expect, test } from 'vitest';
import { DEFAULT_JOB_SETTINGS, parseRepoSettings } from '../../src/domain/repo-settings.ts';

describe('without a file, or with an empty one', () => {
  test.each([
    ['no file', null],
    ['an empty file', ''],
    ['only comments', '# nothing yet\n'],
    ['keys without values', 'labels:\nspecialties:\n  backend:\ndefaults:\n'],
  ])('%s: the built-in specialties and labels', (_name, text) => {
    const { labels, specialties } = parsed(text);

    expect([...labels]).toEqual([
      ['agent:backend', 'backend'],
      ['agent:frontend', 'frontend'],
      ['agent:testing', 'testing'],
      ['agent:devops', 'devops'],
    ]);
    expect([...specialties.keys()]).toEqual(['backend', 'frontend', 'testing', 'devops']);
    expect(specialties.get('testing')).toEqual({ needs: [], settings: DEFAULT_JOB_SETTINGS });
  });
});

describe('what is written holds', () => {
  test('a label leads to a specialty, and every specialty keeps its own label', () => {
    const { labels, specialties } = parsed('labels:\n  Area/API: backend\n  ml: data\n');

    expect(labels.get('area/api')).toBe('backend');
    expect(labels.get('ml')).toBe('data');
    expect(labels.get('agent:data')).toBe('data');
    expect(specialties.get('data')?.settings).toEqual(DEFAULT_JOB_SETTINGS);
  });

  test('a built-in label may lead elsewhere', () => {
    const { labels } = parsed('labels:\n  agent:backend: frontend\n');

    expect(labels.get('agent:backend')).toBe('frontend');
  });

  test('a specialty goes before the defaults, the defaults before the built-in ones', () => {
    const { specialties } = parsed(`
defaults:
  needs: [git]
  setup: npm ci
  test: [npm run lint, npm test]
  max_minutes: 30
  model: small
specialties:
  backend:
    needs: [python, "node:22"]
    test: [[pytest, -k, "a | b"], ruff check .]
    setup: []
    agent: codex
    model: large
    guidance: |
      Be brief.
    max_turns: 50
    max_budget_usd: 1.5
    repair_rounds: 0
`);

    expect(specialties.get('backend')).toEqual({
      needs: ['python', 'node:22'],
      settings: {
        agent: 'codex',
        model: 'large',
        setupCommands: [],
        testCommands: [
          ['pytest', '-k', 'a | b'],
          ['ruff', 'check', '.'],
        ],
        guidance: 'Be brief.\n',
        maxMinutes: 30,
        maxTurns: 50,
        maxBudgetUsd: 1.5,
        repairRounds: 0,
      },
    });
    expect(specialties.get('frontend')).toEqual({
      needs: ['git'],
      settings: {
        ...DEFAULT_JOB_SETTINGS,
        model: 'small',
        setupCommands: [['npm', 'ci']],
        testCommands: [
          ['npm', 'run', 'lint'],
          ['npm', 'test'],
        ],
        maxMinutes: 30,
      },
    });
  });
});

test('a list of agents names the first and those to fall back to, each once', () => {
  const { specialties } = parsed(
    'defaults: {agent: claude}\nspecialties:\n  backend: {agent: [codex, claude, codex]}\n  testing: {agent: [codex]}',
  );

  expect(specialties.get('backend')?.settings).toMatchObject({ agent: 'codex', otherAgents: ['claude'] });
  expect(specialties.get('testing')?.settings).toMatchObject({ agent: 'codex' });
  expect(specialties.get('testing')?.settings).not.toHaveProperty('otherAgents');
  expect(specialties.get('devops')?.settings).toMatchObject({ agent: 'claude' });
  expect(parseRepoSettings('defaults: {agent: []}')).toMatchObject({
    ok: false,
    message: expect.stringContaining('must be the name of an agent, or a list of 1 to 5 of them'),
  });
});

describe('pull requests', () => {
  test('are wished for all specialties, and key by key otherwise for one', () => {
    const { specialties } = parsed(`
defaults:
  pull_request: {base: develop, reviewers: [olga, acme/web], labels: [agents], delete_branch: true}
  quiet: true
specialties:
  frontend:
    pull_request: {reviewers: [who_asked], draft: true, assignee: olga}
    quiet: false
`);

    expect(specialties.get('backend')?.settings).toMatchObject({
      pullRequest: {
        base: 'develop',
        reviewers: ['olga', 'acme/web'],
        labels: ['agents'],
        deleteBranch: true,
      },
      quiet: true,
    });
    expect(specialties.get('frontend')?.settings).toMatchObject({
      pullRequest: {
        base: 'develop',
        reviewers: ['who_asked'],
        labels: ['agents'],
        deleteBranch: true,
        draft: true,
        assignee: 'olga',
      },
      quiet: false,
    });
  });

  test.each([
    ['{drfat: true}', /did you mean "draft"/],
    ['{draft: yes please}', /draft: must be true or false/],
    ['{base: "a..b"}', /base: must be a name that git allows/],
    ['{base: 7}', /base: must be the name of a branch/],
    ['{reviewers: olga}', /reviewers: must be a list of logins/],
    ['{reviewers: ["@olga"]}', /reviewers\.0: must be a login or organisation\/team/],
    ['{assignee: acme/web}', /assignee: must be a login/],
    ['{labels: [7]}', /labels\.0: must be text of 1 to 50 characters/],
    ['olga', /must be keys with values, such as "reviewers/],
  ])('%s is a mistake, told with the mend', (wishes, message) => {
    const reading = parseRepoSettings(`defaults:\n  pull_request: ${wishes}\n`);

    expect(reading).toMatchObject({ ok: false, message: expect.stringMatching(message) });
    expect(reading).toMatchObject({ message: expect.stringContaining('line 2') });
  });
});

test('hosts are opened for all specialties or for one', () => {
  const { specialties } = parsed(`
defaults:
  hosts: [api.example.com]
specialties:
  devops:
    hosts: ["*.example.org", "example.org:8443"]
  testing:
    hosts: []
`);

  expect(specialties.get('backend')?.settings.hosts).toEqual(['api.example.com']);
  expect(specialties.get('devops')?.settings.hosts).toEqual(['*.example.org', 'example.org:8443']);
  expect(specialties.get('testing')?.settings.hosts).toEqual([]);
});

describe('what may be changed', () => {
  test('is told for all specialties or for one; lists are taken whole', () => {
    const { specialties } = parsed(`
defaults:
  protected_paths: [infra/**]
  refused_work: patch
  rebase: true
specialties:
  backend:
    rebase: false
    fake_secret_paths: [test/fixtures/**]
    allowed_paths: [backend/**, "*.md"]
    protected_paths: []
  devops:
    unprotected_paths: [.github/dependabot.yml, infra]
    refused_work: discard
`);

    expect(specialties.get('backend')?.settings).toMatchObject({
      allowedPaths: ['backend/**', '*.md'],
      protectedPaths: [],
      refusedWork: 'patch',
      rebase: false,
      fakeSecretPaths: ['test/fixtures/**'],
    });
    expect(specialties.get('devops')?.settings).toMatchObject({
      rebase: true,
      protectedPaths: ['infra/**'],
      unprotectedPaths: ['.github/dependabot.yml', 'infra'],
      refusedWork: 'discard',
    });
    expect(specialties.get('frontend')?.settings).not.toHaveProperty('allowedPaths');
  });
});

test('what is checked out is told for all specialties, and key by key for one', () => {
  const { specialties } = parsed(`
defaults:
  checkout: {lfs: true, submodules: true}
specialties:
  frontend:
    checkout: {submodules: false, sparse: [web, docs/guide/], partial: true}
`);

  expect(specialties.get('backend')?.settings.checkout).toEqual({ lfs: true, submodules: true });
  expect(specialties.get('frontend')?.settings.checkout).toEqual({
    lfs: true,
    submodules: false,
    sparse: ['web', 'docs/guide/'],
    partial: true,
  });
});

describe('what is allowed but hardly meant is warned of', () => {
  test.each([
    [
      'a slip in a specialty',
      'labels: {x: frontnd}',
      /labels\."x" leads to "frontnd"; did you mean "frontend"\?/,
    ],
    ['a command in pieces', 'defaults: {test: [npm, test]}', /defaults\.test is 2 commands.*"npm test"/],
    [
      'a command in pieces in a specialty',
      'specialties: {backend: {setup: [pip, install]}}',
      /specialties\.backend\.setup is 2 commands/,
    ],
  ])('%s', (_name, text, warning) => {
    const reading = parseRepoSettings(text);

    expect(reading).toMatchObject({ ok: true, warnings: [expect.stringMatching(warning)] });
  });

  test('two commands of which one has arguments are fine', () => {
    expect(parseRepoSettings('defaults: {test: [make, npm test]}')).toMatchObject({ ok: true, warnings: [] });
  });
});

describe('a mistake is explained by key, line and fix', () => {
  test.each([
    ['label:\n  x: backend', /line 1, label: .*did you mean "labels"\?/],
    ['specialties:\n  backend:\n    tests: npm test', /line 3, specialties\.backend\.tests: .*mean "test"\?/],
    ['defaults:\n  colour: red', /line 2, defaults\.colour: .*known here: needs, setup, test/],
    ['defaults:\n  test: a && b', /line 2, defaults\.test: `&&` joins commands; .*use a list of commands/],
    ['defaults:\n  setup:\n    - npm ci\n    - a | b', /line 4, defaults\.setup\.1: `\|` joins/],
    ['defaults:\n  setup:\n    - [npm, ""]', /line 3, defaults\.setup\.0\.1: must not be empty/],
    ['defaults:\n  test: 3', /line 2, defaults\.test: must be a command line or a list of them/],
    ['defaults:\n  needs: python', /line 2, defaults\.needs: must be a list, such as/],
    ['defaults:\n  needs: [Python]', /line 2, defaults\.needs\.0: must be lower case/],
    ['defaults:\n  max_minutes: 0', /line 2, .*max_minutes: must be a whole number from 1 to 1440/],
    ['defaults:\n  max_turns: 1.5', /max_turns: must be a whole number from 1 to 10000/],
    ['defaults:\n  max_budget_usd: -1', /max_budget_usd: must be above 0/],
    ['defaults:\n  allowed_paths: []', /allowed_paths: must name a path; leave it out/],
    ['defaults:\n  protected_paths: docs', /protected_paths: must be a list, such as/],
    ['defaults:\n  protected_paths: ["a/{b,c}"]', /protected_paths.0: must have no brackets/],
    [`defaults:\n  unprotected_paths: [${'a'.repeat(201)}]`, /unprotected_paths.0: must be text of 1 to 200/],
    ['defaults:\n  hosts: example.org', /hosts: must be a list, such as/],
    ['defaults:\n  hosts: [169.254.169.254]', /line 2, defaults.hosts.0: is an IP address/],
    ['defaults:\n  hosts: [localhost]', /hosts.0: is the machine itself/],
    ['defaults:\n  hosts: [metadata.google.internal]', /hosts.0: leads to metadata.google.internal/],
    ['defaults:\n  refused_work: keep', /refused_work: must be branch, patch or discard/],
    [
      'defaults:\n  checkout: {sparse: [../web]}',
      /checkout\.sparse\.0: must be a folder, seen from the root/,
    ],
    ['defaults:\n  checkout: {sparse: ["web/*"]}', /sparse\.0: must be the plain name of a folder/],
    ['defaults:\n  checkout: {lsf: true}', /checkout\.lsf: there is no such setting; did you mean "lfs"/],
    ['defaults:\n  repair_rounds: many', /repair_rounds: must be a whole number from 0 to 10/],
    ['specialties:\n  Back End: {}', /line 2, specialties\.Back End: must be 1 to 50 of a-z/],
    ['labels:\n  api: Backend', /line 2, labels\.api: must be 1 to 50 of a-z/],
    ['labels: [api]', /line 1, labels: must be lines of "label: specialty"/],
    [
      '- a\n- b',
      /must be keys with values: labels, priority_labels, specialties, routing, .*limits, defaults/,
    ],
    ['labels:\n  api: backend\n  API: frontend', /the label "API" twice/],
    ['a: 1\na: 2', /line 2: Map keys must be unique/],
    ['labels: {', /line 1: .*mend the YAML/],
  ])('%j', (text, message) => {
    expect(parseRepoSettings(text)).toEqual({
      ok: false,
      message: expect.stringMatching(message),
      problems: expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]),
    });
  });

  test('all mistakes are told at once, in the order of the file', () => {
    const reading = parseRepoSettings('labels: 1\ndefaults:\n  max_turns: 0\n  tset: x\n');

    const lines = reading.ok ? [] : reading.message.split('\n');
    expect(lines.map((line) => /line \d/.exec(line)?.[0])).toEqual([undefined, 'line 1', 'line 3', 'line 4']);
  });

  test('a flood of mistakes is cut after the first ten of the file, or where it is wished', () => {
    const text = [...Array.from({ length: 200 }, (_, at) => `key${at}: 1`), 'labels: 1'].join('\n');

    const cut = parseRepoSettings(text);
    const whole = parseRepoSettings(text, 'here', Infinity);

    expect(cut.ok ? '' : cut.message).toMatch(/- and 191 more$/);
    expect(cut.ok ? [] : cut.problems.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(whole.ok ? [] : whole.problems).toHaveLength(201);
    expect(whole.ok ? null : whole.problems.at(-1)).toMatchObject({ key: 'labels', line: 201 });
    expect(whole.ok ? '' : whole.message).not.toContain(' more');
  });
});

describe('hostile files cost no more than their size', () => {
  const bomb = ['k0: &k0 [x,x,x,x,x,x,x,x,x,x]'];
  for (let level = 1; level < 9; level += 1) {
    bomb.push(
      `k${level}: &k${level} [${Array(10)
        .fill(`*k${level - 1}`)
        .join(',')}]`,
    );
  }

  test.each([
    ['a billion laughs', bomb.join('\n'), /Excessive alias count/],
    ['too long', '# '.repeat(150_000), /longer than 32000 characters; shorten it/],
    ['deep lists', '['.repeat(32_000), /mend the YAML|levels/],
    ['deep maps', '{a: '.repeat(8000), /mend the YAML|levels/],
    ['keys in keys', `${'? '.repeat(300)}a`, /a key must be plain text/],
    ['lists in lists', `${'['.repeat(100)}${']'.repeat(100)}`, /more than 10 levels/],
    ['thousands of unknown keys', manyKeys(), /- and 3990 more$/],
  ])('%s', (_name, text, message) => {
    const startedMs = performance.now();

    const reading = parseRepoSettings(text);

    expect(reading).toEqual({
      ok: false,
      message: expect.stringMatching(message),
      problems: expect.arrayContaining([expect.objectContaining({ message: expect.any(String) })]),
    });
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  test('what is told of them is plain text', () => {
    const reading = parseRepoSettings('"a\\e[31m\\u202e\\n": 1\n');

    expect(reading).toMatchObject({
      message: expect.stringMatching(/\n- line 1, a: there is no such setting/),
    });
  });

  test('a name of the language is only a name', () => {
    const { specialties } = parsed('labels: {x: constructor}');

    expect(specialties.get('constructor')?.settings).toEqual(DEFAULT_JOB_SETTINGS);
  });
});

function manyKeys(): string {
  return Array.from({ length: 4000 }, (_, at) => `k${at}:\n`).join('');
}

function parsed(text: string | null) {
  const reading = parseRepoSettings(text);
  if (!reading.ok) throw new Error(reading.message);
  expect(reading.warnings).toEqual([]);
  return reading.settings;
}
