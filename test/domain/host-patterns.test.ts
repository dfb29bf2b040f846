import { describe, expect, it, test } from 'vitest';
import {
  explainBadHost,
  explainBadRepositoryHost,
  isAllowedHost,
  meetHosts,
} from '../../src/domain/host-patterns.ts';

test.each([
  ['packages.example.com', 443, true],
  ['PACKAGES.example.com.', 443, true],
  ['packages.example.com', 80, true],
  ['packages.example.com', 22, false],
  ['a.packages.example.com', 443, true],
  ['example.com', 443, false],
  ['badexample.com', 443, false],
  ['packages.example.com.evil.test', 443, false],
  ['nexus.local', 8443, true],
  ['nexus.local', 443, false],
])('%s:%i is one of them: %s', (host, port, allowed) => {
  expect(isAllowedHost(host, port, ['*.example.com', 'nexus.local:8443'])).toBe(allowed);
});

describe('what both lists are for', () => {
  test.each([
    ['the same', ['example.org'], ['example.org'], ['example.org']],
    ['a name of a wildcard', ['api.example.org'], ['*.example.org'], ['api.example.org']],
    ['whichever says less', ['*.example.org'], ['api.example.org', 'other.test'], ['api.example.org']],
    ['a wildcard in a wildcard', ['*.eu.example.org'], ['*.example.org'], ['*.eu.example.org']],
    ['a wildcard is not for the name itself', ['example.org'], ['*.example.org'], []],
    ['nor for what only ends so', ['badexample.org'], ['*.example.org'], []],
    ['a port of the two', ['example.org:443'], ['example.org'], ['example.org:443']],
    ['another port', ['example.org:8443'], ['example.org'], []],
    ['nothing', ['example.org'], [], []],
    ['once', ['example.org', 'EXAMPLE.org'], ['example.org'], ['example.org']],
  ])('%s', (_what, some, others, both) => {
    expect(meetHosts(some, others)).toEqual(both);
    expect(meetHosts(others, some)).toEqual(both);
  });
});

test.each(['registry.example.com', '*.example.com', 'nexus:8443', 'xn--bcher-kva.example', '10.0.0.7'])(
  'a machine may name %s',
  (text) => {
    expect(explainBadHost(text)).toBeNull();
  },
);

test.each([
  '',
  'https://example.org',
  'example.org/path',
  'example..org',
  '-a.example.org',
  'a_b.example.org',
  '*',
  'a.*.example.org',
  'example.org:0',
  'example.org:70000',
  'example.org:',
  'exa mple.org',
  `${'a.'.repeat(150)}org`,
])('nobody may name %j', (text) => {
  expect(explainBadHost(text)).toMatch(/^must be a host such as/);
});

describe('what a repository may not name', () => {
  it.each([
    ['169.254.169.254', 'is an IP address'],
    ['10.0.0.7:8080', 'is an IP address'],
    ['2852039166', 'is an IP address'],
    ['0xa9fea9fe', 'is an IP address'],
    ['0251.0376.0251.0376', 'is an IP address'],
    ['127.1', 'is an IP address'],
    ['[::1]', 'is an IP address'],
    ['::1', 'is an IP address'],
    ['fd00:ec2::254', 'is an IP address'],
    ['localhost', 'is the machine itself'],
    ['localhost:5432', 'is the machine itself'],
    ['*.localhost', 'is the machine itself'],
    ['nexus', 'has no dot'],
    ['*.com', 'a whole top-level domain'],
    ['metadata.google.internal', 'leads to metadata.google.internal'],
    ['*.internal', 'a whole top-level domain'],
    ['*.google.internal', 'leads to metadata.google.internal'],
    ['metadata.google.internal:80', 'leads to metadata.google.internal'],
    ['https://example.org', 'must be a host'],
  ])('%s, since it %s', (text, reason) => {
    expect(explainBadRepositoryHost(text)).toContain(reason);
  });

  it.each(['example.org', '*.example.org', 'example.org:8443', 'metadata.example.org', '1password.com'])(
    'but %s',
    (text) => {
      expect(explainBadRepositoryHost(text)).toBeNull();
    },
  );
});
