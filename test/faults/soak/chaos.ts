import { FAULT_TIMINGS } from '../support/fault-timings.ts';
import type { FaultYard } from '../support/fault-yard.ts';
import type { OwnPostgres } from '../support/own-postgres.ts';
import { pass } from '../support/pass.ts';
import type { Dice } from './random.ts';

/** One kind of trouble: does its harm, lasts a while, and leaves everything able to go on. */
type Trouble = { name: string; strike(): Promise<void> };

const LIMIT_TEXT =
  'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
const REST_WRITES = /^\/repos\/[^/]+\/[^/]+\/(issues|pulls|check-runs|git)/;

const LONGER_THAN_A_LEASE_MS = 1500 * FAULT_TIMINGS.leaseSeconds;

/** All the troubles that a soak may meet; those of PostgreSQL when there is one of its own. */
export function listTroubles(yard: FaultYard, dice: Dice, postgres: OwnPostgres | null): Trouble[] {
  const anyCoordinator = () => dice.oneOf(yard.coordinators);
  const anyHost = () => dice.oneOf([...yard.runners.values()]);
  const webhookFaults = yard.github.webhooks.faults;
  const someWrites = (plan: {
    status?: number;
    headers?: Record<string, string>;
    breakSocket?: 'before' | 'after';
  }) => {
    yard.github.faults.add({
      path: REST_WRITES,
      method: dice.oneOf(['POST', 'PATCH']),
      times: dice.between(1, 4),
      ...(plan.status === undefined ? {} : { body: { message: LIMIT_TEXT } }),
      ...plan,
    });
  };

  const troubles: Trouble[] = [
    {
      name: 'coordinator killed',
      async strike() {
        const victim = anyCoordinator();
        await victim.kill();
        // Whoever balances the load finds another one, if there is one.
        const other = yard.coordinators.find((one) => one !== victim && one.isRunning());
        if (other) yard.leadTo(other.port());
        await pass(dice.between(0, 1500));
        await victim.start();
      },
    },
    {
      name: 'coordinator killed in the middle of a write',
      async strike() {
        const victim = anyCoordinator();
        victim.plan({ nth: dice.between(1, 30) });
        for (let tries = 0; victim.isRunning() && tries < 50; tries += 1) await pass(100);
        victim.takeHit();
        if (victim.isRunning()) return;
        const other = yard.coordinators.find((one) => one !== victim && one.isRunning());
        if (other) yard.leadTo(other.port());
        await victim.start();
      },
    },
    {
      name: 'coordinator asleep',
      async strike() {
        const victim = anyCoordinator();
        victim.pause();
        // Whoever balances the load takes it for gone; what it still does on waking, it does beside the other one.
        const other = yard.coordinators.find((one) => one !== victim && one.isRunning());
        if (other) yard.leadTo(other.port());
        await pass(dice.oneOf([1000, 2000, LONGER_THAN_A_LEASE_MS]));
        victim.resume();
      },
    },
    {
      name: 'runners killed',
      async strike() {
        const victim = anyHost();
        await victim.kill();
        await pass(dice.between(0, 3000));
        await victim.start();
      },
    },
    {
      name: 'runners asleep',
      async strike() {
        const victim = anyHost();
        victim.pause();
        await pass(dice.oneOf([1000, 2000, LONGER_THAN_A_LEASE_MS]));
        victim.resume();
      },
    },
    {
      name: 'runners cut off',
      async strike() {
        const { network } = anyHost();
        network.cut();
        await pass(dice.oneOf([500, 2000, LONGER_THAN_A_LEASE_MS]));
        network.mend();
      },
    },
    {
      name: 'runners behind a dead line',
      async strike() {
        const { network } = anyHost();
        if (dice.fraction() < 0.5) network.halfOpen();
        else network.swallowAnswers();
        await pass(dice.between(500, 3000));
        network.mend();
      },
    },
    {
      name: 'connections dropped',
      async strike() {
        for (const { network } of yard.runners.values()) network.dropConnections();
        yard.webhooks.dropConnections();
      },
    },
    {
      name: 'GitHub out of reach',
      async strike() {
        yard.toGitHub.cut();
        await pass(dice.between(500, 3000));
        yard.toGitHub.mend();
      },
    },
    {
      name: 'GitHub slow',
      async strike() {
        yard.toGitHub.delay(dice.between(50, 300));
        await pass(3000);
        yard.toGitHub.delay(0);
      },
    },
    { name: 'webhooks lost', strike: async () => webhookFaults.dropNext(dice.between(1, 5)) },
    { name: 'webhooks doubled', strike: async () => webhookFaults.duplicateNext(dice.between(1, 10)) },
    {
      name: 'webhooks out of order',
      async strike() {
        webhookFaults.shuffleNext(dice.between(2, 6));
        await pass(1500);
        // Lets go of what is still held.
        webhookFaults.clear();
      },
    },
    {
      name: 'rate limit',
      strike: async () =>
        someWrites({
          status: dice.oneOf([403, 429]),
          headers: { 'retry-after': String(dice.between(1, 2)) },
        }),
    },
    { name: 'tokens expired', strike: async () => yard.github.expireTokens(yard.installationId) },
    { name: 'GitHub answers 502', strike: async () => someWrites({ status: 502 }) },
    { name: 'GitHub’s answers lost', strike: async () => someWrites({ breakSocket: 'after' }) },
  ];
  if (postgres) {
    troubles.push({
      name: 'database restarted',
      async strike() {
        await postgres.end(dice.oneOf(['stop', 'crash']));
        await pass(dice.between(0, 1500));
        await postgres.start();
      },
    });
  }
  return troubles;
}
