import { createRequire } from 'node:module';
import { Probot } from 'probot';
import { expect, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import type { Trigger } from '../../src/domain/trigger.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createInbox } from '../../src/webhooks/inbox.ts';
import { createInboxWorker } from '../../src/webhooks/inbox-worker.ts';
import { isHandled, toEventName, translate } from '../../src/webhooks/translate.ts';
import { openTestStore } from '../support/embedded-store.ts';
import { createTestLogger } from '../support/test-logger.ts';

/** The package is a JSON file, whose types are not those of an ES module. */
const require = createRequire(import.meta.url);
const webhookExamples = require('@octokit/webhooks-examples') as {
  name: string;
  examples: Record<string, unknown>[];
}[];

/** The examples are of the time before Apps: those of repositories have no installation. */
const installation = { id: 5 };
const deliveries = webhookExamples.flatMap(({ name, examples }) =>
  examples.map((payload, at) => ({
    id: `${name}-${at}`,
    name,
    payload: { installation, ...payload },
  })),
);

test("all of GitHub's published examples pass from Probot through the inbox to their meaning", async () => {
  await using opened = await openTestStore();
  const { store } = opened;
  const lines: Record<string, unknown>[] = [];
  const log = createTestLogger(lines);
  const probot = new Probot({ githubToken: 'none', secret: 'unused', log: createTestLogger() });
  await probot.load(createApp({ inbox: createInbox({ store, secret: 'unused', log }) }));
  const triggers: Trigger[] = [];

  for (const delivery of deliveries) {
    // Probot's type knows each event by its payload, which is what this test is about.
    await probot.receive(delivery as unknown as Parameters<typeof probot.receive>[0]);
  }
  await using worker = createInboxWorker({
    store,
    translate,
    acceptTrigger: async (trigger) => void triggers.push(trigger),
    log,
    clock: systemClock,
  });
  await worker.idle();

  expect(deliveries).toHaveLength(329);
  expect(lines.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  const counts = Object.groupBy(triggers, ({ kind }) => kind);
  expect(Object.fromEntries(Object.entries(counts).map(([kind, all]) => [kind, all.length]))).toEqual({
    label_added: 2,
    label_removed: 2,
    issue_ended: 4,
    label_deleted: 2,
    repository_changed: 11,
    repositories_added: 6,
    repositories_removed: 4,
    pull_request_moved: 1,
    pull_request_ended: 2,
    pull_request_reopened: 2,
    rerun_asked: 4,
    settings_proposed: 7,
    branch_pushed: 2,
    thread_turned: 3,
  });
  expect(deliveries.filter(({ name, payload }) => isHandled(toEventName(name, payload)))).toHaveLength(78);
});
