import { expect, test } from 'vitest';
import { allowHosts, describeReach } from '../../../src/runner/sandbox/allow-hosts.ts';

const WANTED = ['api.example.org', '*.cdn.example.org', 'nexus.corp.example:8443'];

test('by default a repository opens nothing', () => {
  expect(allowHosts(WANTED, { repositoryHosts: [], hosts: ['nexus.corp.example:8443'] })).toEqual({
    hosts: [],
    publicHosts: [],
  });
});

test('what both name is open, wherever it leads', () => {
  const machine = { repositoryHosts: ['*.example.org', 'nexus.corp.example:8443'], hosts: [] };

  expect(allowHosts(WANTED, machine)).toEqual({ hosts: WANTED, publicHosts: [] });
});

test('where any may be named, only what the owner names himself may lead into his own network', () => {
  const machine = { repositoryHosts: 'any' as const, hosts: ['nexus.corp.example:8443', 'other.example'] };

  expect(allowHosts(WANTED, machine)).toEqual({ hosts: ['nexus.corp.example:8443'], publicHosts: WANTED });
});

test.each([
  [[], [], null],
  [WANTED, [], /open from here: none; not, or not in full: api\.example\.org, .*sandbox\.repository_hosts/],
  [WANTED, ['api.example.org'], /open from here: api\.example\.org; not, or not in full: \*\.cdn/],
  [['api.example.org'], ['*.example.org'], /open from here: api\.example\.org$/],
])('of %j with %j the log says', (wanted, repositoryHosts, words) => {
  const said = describeReach(wanted, { repositoryHosts, hosts: [] });

  expect(said ?? 'nothing').toMatch(words ?? /^nothing$/);
});
