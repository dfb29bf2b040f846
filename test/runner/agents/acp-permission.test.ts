import { expect, test } from 'vitest';
import { decidePermission } from '../../../src/runner/agents/acp-permission.ts';

const OPTIONS = ['allow_always', 'allow_once', 'reject_always', 'reject_once'].map((kind) => ({
  optionId: kind,
  kind,
}));

function decide(kind: string | null, paths: string[], isSandboxed: boolean, options = OPTIONS) {
  const toolCall = { kind, title: null, locations: paths.map((path) => ({ path })) };
  return decidePermission({ toolCall, options }, { isSandboxed, folder: '/project' });
}

test.each([
  ['anything in a sandbox', 'execute', ['/etc/passwd'], true, 'allow_once'],
  ['a kind that is not told, in a sandbox', null, [], true, 'allow_once'],
  ['editing in the workspace', 'edit', ['/project/a.ts', 'b.ts', '/project/..c'], false, 'allow_once'],
  ['the workspace itself', 'search', ['/project'], false, 'allow_once'],
  ['editing outside', 'edit', ['/project/a.ts', '/project/../etc/passwd'], false, 'reject_once'],
  ['reading a neighbour', 'read', ['/projectshop/secret'], false, 'reject_once'],
  ['a command without a sandbox', 'execute', [], false, 'reject_once'],
  ['what comes later', 'teleport', [], false, 'reject_once'],
  ['a kind that is not told', null, [], false, 'reject_once'],
])('%s', (_what, kind, paths, isSandboxed, expected) => {
  expect(decide(kind, paths, isSandboxed)).toMatchObject({
    outcome: { outcome: 'selected', optionId: expected },
    isAllowed: expected === 'allow_once',
  });
});

test('without a fitting option it is called off', () => {
  const [, , ...rejecting] = OPTIONS;
  expect(decide('edit', [], true, rejecting)).toMatchObject({
    outcome: { outcome: 'cancelled' },
    isAllowed: false,
  });
  expect(decide('execute', [], false, OPTIONS.slice(0, 2))).toMatchObject({
    outcome: { outcome: 'cancelled' },
    isAllowed: false,
  });
});
