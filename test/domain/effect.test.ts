import { expect, test } from 'vitest';
import type { AttemptId, JobId } from '../../src/contract/identifiers.ts';
import { type Effect, effectPriority, toEffectKey } from '../../src/domain/effect.ts';

const attemptId = 'a1' as AttemptId;
const jobId = 'j1' as JobId;

test.each<[effect: Effect, key: string]>([
  [{ kind: 'attempt-start', attemptId }, 'attempt-start:a1'],
  [{ kind: 'check-run', attemptId }, 'check-run:a1'],
  [{ kind: 'revoke-tokens', attemptId, epoch: 3 }, 'revoke-tokens:a1:3'],
  [{ kind: 'pull-request', jobId }, 'pull-request:j1'],
  [{ kind: 'evidence', jobId }, 'evidence:j1'],
  [{ kind: 'evidence', jobId, commit: 'c1' }, 'evidence:j1:c1'],
  [{ kind: 'press-answer', key: 'button:g1' }, 'press-answer:button:g1'],
  [{ kind: 'clean-branch', jobId }, 'clean-branch:j1'],
  [{ kind: 'status-comment', repositoryId: 7, issueNumber: 42 }, 'status-comment:7#42'],
  [{ kind: 'labels', repositoryId: 7, fullName: 'acme/widgets' }, 'labels:7'],
])('%o is one thing: %s', (effect, key) => {
  expect(toEffectKey(effect)).toBe(key);
});

test('how something ended is told before how far something else is', () => {
  expect(effectPriority('status-comment', 'final')).toBeGreaterThan(
    effectPriority('attempt-start', 'progress'),
  );
  expect(effectPriority('status-comment', 'progress')).toBeLessThan(
    effectPriority('attempt-start', 'progress'),
  );
});
