import { expect, test } from 'vitest';
import type { RefusedHost } from '../../src/contract/evidence.ts';
import { adviseRefused, toRefusedHostsText } from '../../src/domain/refused-hosts-text.ts';

const aRefusal = (overrides: Partial<RefusedHost> = {}): RefusedHost => ({
  host: 'repo.maven.apache.org:443',
  by: 'tests',
  why: 'not_named',
  ...overrides,
});

test('nothing is said where nothing was refused', () => {
  expect(toRefusedHostsText([])).toBeNull();
});

test('people hear who tried to reach what', () => {
  const text = toRefusedHostsText([
    aRefusal(),
    aRefusal({ host: 'evil.example.com:443', by: 'setup' }),
    aRefusal({ host: 'a`b|c:80', by: 'agent' }),
  ]);

  expect(text).toContain(
    'refused connections of set-up to `evil.example.com:443`; of the agent to ``a`b|c:80``; of tests to `repo.maven.apache.org:443`.',
  );
});

test('many hosts are counted', () => {
  const many = Array.from({ length: 50 }, (_, at) => aRefusal({ host: `h${at}.example.com:443` }));

  expect(toRefusedHostsText(many)).toContain('`h7.example.com:443`, 42 more.');
  expect(adviseRefused(many)).toContain('h7.example.com:443 and 42 more.');
});

test.each<[Partial<RefusedHost>, RegExp]>([
  [{}, /Tests of the work have no network.*set-up command.*hosts of the specialty/],
  [{ by: 'agent' }, /named under hosts of the specialty, in \.github\/yardmaster\.yml/],
  [{ by: 'setup' }, /sandbox\.hosts of the machine’s runner\.yml, or under hosts of the specialty/],
  [{ by: 'setup', host: 'codeload.github.com:443' }, /Composer’s packages.*api\.github\.com/],
  [{ why: 'not_here' }, /its owner does so with sandbox\.repository_hosts in runner\.yml/],
  [{ why: 'not_public' }, /must be in sandbox\.hosts of its runner\.yml/],
])('%j is told with what to do', (refusal, advice) => {
  expect(adviseRefused([aRefusal(refusal)])).toMatch(advice);
  expect(toRefusedHostsText([aRefusal(refusal)])).toMatch(advice);
});

test('what only one of them needs is not said to the other', () => {
  expect(adviseRefused([aRefusal({ by: 'agent' })])).not.toMatch(/set-up|Composer|repository_hosts/);
});
