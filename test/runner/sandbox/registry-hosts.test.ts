import { expect, test } from 'vitest';
import { isAllowedHost } from '../../../src/domain/host-patterns.ts';
import { REGISTRY_HOSTS } from '../../../src/runner/sandbox/registry-hosts.ts';

test.each([
  ['pypi.org', 443, true],
  ['PyPI.org.', 443, true],
  ['pypi.org', 80, true],
  ['pypi.org', 22, false],
  ['evil-pypi.org', 443, false],
  ['pypi.org.evil.example', 443, false],
  ['169.254.169.254', 80, false],
  ['localhost', 443, false],
])('by default %s:%i may be reached: %s', (host, port, allowed) => {
  expect(isAllowedHost(host, port, REGISTRY_HOSTS)).toBe(allowed);
});
