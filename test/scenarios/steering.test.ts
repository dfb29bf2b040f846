import { afterAll, beforeAll, expect, test } from 'vitest';
import { createExplainIssue, type ExplainQuestion } from '../../src/dispatch/explain-issue.ts';
import { decide } from '../../src/domain/decide.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { describeExplanation } from '../../src/operator/describe-explanation.ts';
import { openSweepWorld } from '../support/sweep-world.ts';

/** One coordinator and one GitHub for all; each test has issues of its own. */
let world: Awaited<ReturnType<typeof openSweepWorld>>;
beforeAll(async () => {
  world = await openSweepWorld();
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

async function explain(question: Partial<ExplainQuestion> & { issueNumber: number }): Promise<string> {
  const { store, github, fullName } = world;
  const explainIssue = createExplainIssue({ store, github, decide, timings: DEFAULT_TIMINGS });
  const answer = await explainIssue({ repository: fullName, label: null, login: null, ...question });
  if (!answer.ok) throw new Error(answer.message);
  return describeExplanation(answer.value);
}

test('an operator is told what a label would do, and nothing is done', async () => {
  const { standin, fullName, store, target } = world;
  await store.sweeps.putRepository(target);
  standin.createUser('mallory');
  const { number } = await standin.as('alice').openIssue({ repository: fullName, title: 'Sums are wrong' });
  await world.settle();

  const texts: string[] = [];
  const requests = await world.requestsOf(async () => {
    texts.push(await explain({ issueNumber: number }));
    texts.push(await explain({ issueNumber: number, label: 'agent:backend', login: 'mallory' }));
    texts.push(await explain({ issueNumber: number, label: 'agent:backend', login: 'alice' }));
    texts.push(await explain({ issueNumber: number, repository: 'acme/nothing' }));
  });
  const [unlabelled, stranger, writer, unknown] = texts;

  expect(unlabelled).toMatch(/STOP +label +none of the issue’s labels \(none\) stands for a specialty/);
  expect(stranger).toMatch(/STOP +permission +mallory has read access/);
  expect(stranger).toMatch(/=> mallory may only read .*needs write access/);
  expect(writer).toMatch(/ok +settings +the built-in ones/);
  expect(writer).toMatch(/=> a job would wait in the queue\. No runner has the specialty/);
  expect(unknown).toMatch(/STOP +repository +acme\/nothing is not known.*Known: acme\//);
  expect(requests.filter((request) => !request.startsWith('GET '))).toEqual([]);
  expect(await store.memory.keptSettings(target.repository.id)).toBeNull();
  expect(await world.jobsOf(number)).toEqual([]);
});
