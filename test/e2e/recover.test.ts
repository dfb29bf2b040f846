import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { coordinatorEnvironment, yardmaster } from '../support/command-line.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { REPOSITORY, startYard } from '../support/yard.ts';

const LABEL = 'agent:backend';
const TITLE = 'A 25 % discount takes only 25 cents off';
const WORK_BY_TITLE = path.resolve(import.meta.dirname, '..', 'fixtures', 'bin', 'work-by-title.mjs');

test('a lost store is rebuilt from GitHub, on either engine: what ran and what waited is done once, what a runner beyond our reach is at goes on, and what was done is left alone', async () => {
  const goOn = path.join(tmpdir(), `yard-recover-${randomUUID()}`);
  const wait = 'while [ ! -e "$GO_ON" ]; do sleep 0.05; done; exec "$@"';
  await using database = await createTestDatabase();
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
    await yard.addRunner('far', 'frontend', 'github');
    const far = await yard.ask('The page breaks with an empty cart', 'agent:frontend');
    const running = await yard.ask(TITLE, LABEL);
    await yard.jobIn(running, 'running');
    const waiting = await yard.ask(TITLE, LABEL);
    await yard.jobIn(waiting, 'queued');
    for (const issue of [running, waiting]) await yard.comment(issue, /check run/);
    await yard.jobIn(far, 'running');
    const before = await yard.operator.jobs();
    const environment = coordinatorEnvironment(github, yard.folder);
    const beside = await yardmaster(['recover', '--force'], yard.folder, environment);
    expect(beside, 'a coordinator is at work').toMatchObject({
      exitCode: 1,
      all: expect.stringMatching(
        /data folder .* is in use by a coordinator \(.*process \d+, for .*Stop it, then repeat/,
      ) as string,
    });
    yard.runner('old').kill('SIGKILL');
    await yard.runner('old');
    await yard.stopCoordinator();
    await rm(path.join(yard.folder, 'data'), { recursive: true });

    const embedded = await yardmaster(['recover'], yard.folder, environment);
    await rm(path.join(yard.folder, 'data'), { recursive: true });
    const shared = { ...environment, DATABASE_URL: database.url };
    const recovery = await yardmaster(['recover'], yard.folder, shared);
    await yard.startCoordinator(database.url);
    const elsewhere = { ...shared, DATA_FOLDER: path.join(yard.folder, 'elsewhere') };
    const besideOnDatabase = await yardmaster(['recover', '--force'], yard.folder, elsewhere);

    expect(recovery).toMatchObject({
      exitCode: 0,
      all: expect.stringMatching(/(?=.*let go on)(?=.*begin again.*begin again)/s) as string,
    });
    expect(besideOnDatabase).toMatchObject({
      exitCode: 1,
      all: expect.stringMatching(/The database is in use by a coordinator \(.*process \d+, for/) as string,
    });
    expect(embedded.stdout, 'it says the same on both engines').toBe(recovery.stdout);
    const idsOf = (jobs: typeof before, issue: number) =>
      jobs.filter((job) => job.issue.number === issue).map(({ id }) => id);
    for (const issue of [far, running, waiting]) {
      expect(idsOf(await yard.operator.jobs(), issue), 'the job is there, as itself').toEqual(
        idsOf(before, issue),
      );
    }
    await writeFile(goOn, '');
    await yard.addRunner('new', 'backend');
    for (const issue of [far, running, waiting]) {
      await yard.jobIn(issue, 'succeeded');
      await yard.comment(issue, /\/pull\//);
    }
    const { attempts } = await yard.jobIn(far, 'succeeded');
    expect(attempts, 'it was not begun again').toHaveLength(1);
    await until('no check run of an old attempt is left open', () =>
      github.state.checkRuns(REPOSITORY).every(({ status }) => status === 'completed'),
    );
    for (const issue of [done, far, running, waiting]) expect(yard.pullsOf(issue)).toHaveLength(1);
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
}, 400_000);
