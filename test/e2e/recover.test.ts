import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { coordinatorEnvironment, yardmaster } from '../support/command-line.ts';
import { until } from '../support/until.ts';
import { REPOSITORY, startYard } from '../support/yard.ts';

const LABEL = 'agent:backend';
const TITLE = 'A 25 % discount takes only 25 cents off';
const WORK_BY_TITLE = path.resolve(import.meta.dirname, '..', 'fixtures', 'bin', 'work-by-title.mjs');

test('a lost store is rebuilt from GitHub: what ran and what waited is done once, and what was done is left alone', async () => {
  const goOn = path.join(tmpdir(), `yard-recover-${randomUUID()}`);
  const wait = 'while [ ! -e "$GO_ON" ]; do sleep 0.05; done; exec "$@"';
  await using yard = await startYard({
    runners: { old: 'backend' },
    agents: {
      default_agent: 'patient',
      agents: {
        patient: {
          kind: 'command',
          command: ['/bin/sh', '-c', wait, 'sh', process.execPath, WORK_BY_TITLE],
          env: { GO_ON: goOn },
        },
      },
      max_concurrent_tasks: 1,
      // No sandbox shows the file that the agent waits for.
      sandbox: 'off',
    },
    // Labels that nobody told of are looked for at once.
    timings: { issueSweepGraceSeconds: 0, issueSweepSeconds: 0.5 },
  });
  const { github } = yard;
  try {
    await writeFile(goOn, '');
    const done = await yard.ask(TITLE, LABEL);
    await yard.jobIn(done, 'succeeded');
    await until('its pull request is open', () => yard.pullsOf(done).length === 1);
    await yard.comment(done, /\/pull\//);
    await rm(goOn);
    const running = await yard.ask(TITLE, LABEL);
    await yard.jobIn(running, 'running');
    const waiting = await yard.ask(TITLE, LABEL);
    await yard.jobIn(waiting, 'queued');
    for (const issue of [running, waiting]) await yard.comment(issue, /check run/);
    const before = await yard.operator.jobs();
    yard.runner('old').kill('SIGKILL');
    await yard.runner('old');
    await yard.stopCoordinator();
    await rm(path.join(yard.folder, 'data'), { recursive: true });

    const recovery = await yardmaster(['recover'], yard.folder, coordinatorEnvironment(github, yard.folder));
    await yard.startCoordinator();

    expect(recovery).toMatchObject({
      exitCode: 0,
      all: expect.stringMatching(/begin again.*begin again/s) as string,
    });
    const idsOf = (jobs: typeof before, issue: number) =>
      jobs.filter((job) => job.issue.number === issue).map(({ id }) => id);
    for (const issue of [running, waiting]) {
      expect(idsOf(await yard.operator.jobs(), issue), 'the job is there, as itself').toEqual(
        idsOf(before, issue),
      );
    }
    await writeFile(goOn, '');
    await yard.addRunner('new', 'backend');
    for (const issue of [running, waiting]) {
      await yard.jobIn(issue, 'succeeded');
      await yard.comment(issue, /\/pull\//);
    }
    await until('no check run of an old attempt is left open', () =>
      github.state.checkRuns(REPOSITORY).every(({ status }) => status === 'completed'),
    );
    for (const issue of [done, running, waiting]) expect(yard.pullsOf(issue)).toHaveLength(1);
    github.webhooks.target(undefined);
    const unheard = await yard.ask(TITLE, LABEL);
    await until('labels are looked through', async () => (await yard.jobsOf(unheard)).length > 0);
    // Its pull request is open, so that it can be reworked.
    expect(
      (await yard.jobsOf(done)).map(({ state }) => state),
      'its label, which is still there, asks for nothing new',
    ).toEqual(['succeeded']);
  } finally {
    await rm(goOn, { force: true });
  }
}, 240_000);
