import { expect, test } from 'vitest';
import {
  findLaterThreads,
  toFailedRoundText,
  toLaterText,
  toThreadAnswers,
} from '../../src/domain/revision-text.ts';
import { aJob, anAttempt, aResult, aRevision } from '../support/job-builders.ts';

const thread = (id: number) => ({ id, path: 'src/cart.js', line: 1, hunk: '', comments: [] });

test('each thread is answered with the agent’s words about it, or where to find others', () => {
  const summary = [
    'I did it all.',
    '**Comment 1:** renamed it.',
    '- comment 3 - closes #12, thanks @octavia <!-- yardmaster:thread -->',
    'Comment 9: there is no such thing',
  ].join('\n');
  const job = aJob({
    kind: 'revise',
    revision: aRevision({ threads: [thread(11), thread(12), thread(13)] }),
  });

  const answers = toThreadAnswers({ job, attempt: anAttempt({ result: aResult({ summary }) }) });

  expect(answers.map(({ threadId }) => threadId)).toEqual([11, 12, 13]);
  expect(answers[0]?.body).toMatch(/Round 1 is in \[`ccccccc`\].*\n\n> renamed it\./);
  expect(answers[1]?.body).toContain('gave no separate answer here');
  // Neither pings nor marks of ours.
  expect(answers[2]?.body).not.toMatch(/@octavia\b|<!--/);
});

test('a thread that the agent was not told of is not answered as if it had been: it comes later', () => {
  const revision = aRevision({ threads: [thread(11), thread(12)], laterThreads: [13] });
  const job = aJob({ kind: 'revise', revision });
  const attempt = anAttempt({ result: aResult({ toldThreads: [12] }) });

  expect(toThreadAnswers({ job, attempt }).map(({ threadId }) => threadId)).toEqual([12]);
  expect(findLaterThreads({ job, attempt })).toEqual({ threadIds: [11, 13], goesOn: true });
  // What had no room at all would have none again.
  const none = anAttempt({ result: aResult({ toldThreads: [] }) });
  expect(findLaterThreads({ job, attempt: none })).toEqual({ threadIds: [11, 12, 13], goesOn: false });
  expect(toLaterText(revision, false)).toContain('Say it shorter');
});

test('a reason can’t become more than a quote', () => {
  const text = toFailedRoundText(aJob({ revision: aRevision() }), 'red\n\n# Big\n@octavia', null);

  expect(text).not.toMatch(/^# Big/m);
  expect(text).not.toMatch(/(?<!\u200B|\\)@octavia/);
});

test('a commit that nobody reported is not passed over in silence', () => {
  const commit = 'c'.repeat(40);

  const text = toFailedRoundText(aJob({ revision: aRevision() }), 'lost', commit);

  expect(text).toContain(`its runner was lost while it pushed ${commit}`);
  expect(text).not.toContain('as it was');
});
