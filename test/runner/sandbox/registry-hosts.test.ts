import { expect, test } from 'vitest';
import { isAllowedHost } from '../../../src/domain/host-patterns.ts';
import { REGISTRY_HOSTS } from '../../../src/runner/sandbox/registry-hosts.ts';

test.each([
  ['registry.npmjs.org', 443, true],
  ['REGISTRY.npmjs.org.', 443, true],
  ['registry.npmjs.org', 80, true],
  ['registry.npmjs.org', 22, false],
  ['evil-registry.npmjs.org', 443, false],
  ['registry.npmjs.org.evil.example', 443, false],
  ['169.254.169.254', 80, false],
  ['localhost', 443, false],
])('by default %s:%i may be reached: %s', (host, port, allowed) => {
  expect(isAllowedHost(host, port, REGISTRY_HOSTS)).toBe(allowed);
});
