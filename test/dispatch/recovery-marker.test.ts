import { expect, test } from 'vitest';
import type { AttemptId } from '../../src/contract/identifiers.ts';
import {
  readRecoveryMarker,
  recoveryKey,
  toRecoveryMarker,
} from '../../src/dispatch/recovery/recovery-marker.ts';
import { HOSTILE_TEXT } from '../support/hostile-text.ts';
import { aStoredAttempt, aStoredJob } from '../support/store-builders.ts';

const ISSUE = { repositoryId: 71, issueNumber: 42 };
const KEY = recoveryKey('a secret of the webhooks');

function aMarker(issue = ISSUE): string {
  const job = aStoredJob({ instructions: HOSTILE_TEXT, label: 'agent:backend --> x' });
  const attempt = aStoredAttempt(job, { id: '0198a000-0000-7000-8000-000000000001' as AttemptId, number: 2 });
  return toRecoveryMarker(issue, [{ job, attempt }], KEY);
}

test('a mark is one line that shows nothing, and gives back what was put into it', () => {
  const marker = aMarker();

  expect(marker).toMatch(/^<!-- [^<>\n]+ -->$/);
  expect(readRecoveryMarker(`first line\n${marker}\nmore`, ISSUE, KEY)).toMatchObject([
    { instructions: HOSTILE_TEXT, label: 'agent:backend --> x', attempt: { number: 2 } },
  ]);
});

test('a mark that was forged, edited, or taken from another issue is not believed', () => {
  const marker = aMarker();
  const [, text = ''] = / v1 (\S+) /.exec(marker) ?? [];
  const changed = Buffer.from(Buffer.from(text, 'base64').toString().replace('backend', 'anybody'));

  expect(readRecoveryMarker(marker.replace(text, changed.toString('base64')), ISSUE, KEY)).toBeNull();
  expect(readRecoveryMarker(marker, ISSUE, recoveryKey('another secret'))).toBeNull();
  expect(readRecoveryMarker(marker, { ...ISSUE, issueNumber: 43 }, KEY)).toBeNull();
  expect(readRecoveryMarker(aMarker({ ...ISSUE, repositoryId: 72 }), ISSUE, KEY)).toBeNull();
  expect(readRecoveryMarker('no mark at all', ISSUE, KEY)).toBeNull();
});
