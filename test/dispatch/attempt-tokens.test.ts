import { expect, test } from 'vitest';
import type { AttemptId } from '../../src/contract/identifiers.ts';
import { createAttemptTokens } from '../../src/dispatch/attempt-tokens.ts';
import { createSeal, type Seal } from '../../src/lib/seal.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { openTestStore } from '../support/embedded-store.ts';
import { createGitHubRecorder } from '../support/github-recorder.ts';
import { aRepository } from '../support/job-builders.ts';
import { aSeal } from '../support/seal.ts';
import { createTestLogger } from '../support/test-logger.ts';

const HOLDER = { attemptId: 'attempt-1' as AttemptId, epoch: 1 };
const TARGET = { installationId: 7, repository: aRepository() };

test('a coordinator ends the tokens that another one has minted, of this holder and no other', async () => {
  await using world = await open();
  const [first, second] = [world.coordinator(), world.coordinator()];
  await first.mint(TARGET, HOLDER, 'run');
  await first.mint(TARGET, HOLDER, 'publish');
  await first.mint(TARGET, { ...HOLDER, epoch: 2 }, 'run');

  await second.revokeAll(HOLDER);
  await second.revokeAll(HOLDER);

  expect(world.tokens().map(({ revoked }) => revoked)).toEqual([true, true, false]);
});

test('the store holds no token that can be used, and one sealed with another key stops nothing', async () => {
  await using world = await open();
  const { token } = await world.coordinator().mint(TARGET, HOLDER, 'publish');

  const [kept] = await world.store.attemptTokens.ofHolder(HOLDER);
  await world.coordinator(createSeal(new Uint8Array(32).fill(1))).revokeAll(HOLDER);

  expect(JSON.stringify(kept)).not.toContain(token);
  expect(world.tokens()).toMatchObject([{ revoked: false }]);
  expect(await world.store.attemptTokens.ofHolder(HOLDER)).toEqual([]);
  expect(world.lines).toContainEqual(
    expect.objectContaining({ msg: expect.stringContaining('another private key') }),
  );
});

test('a token that could not be kept is ended at once, and given to nobody', async () => {
  await using world = await open();
  const broken = world.coordinator(aSeal(), () => Promise.reject(new Error('the disk is full')));

  await expect(broken.mint(TARGET, HOLDER, 'publish')).rejects.toThrow('the disk is full');

  expect(world.tokens()).toMatchObject([{ revoked: true }]);
});

test('a sealed text that was changed is not opened', () => {
  const seal = aSeal();
  const closed = seal.close('ghs_secret');

  expect(seal.open(closed)).toBe('ghs_secret');
  expect(seal.open(`${closed.slice(0, -2)}${closed.endsWith('AA') ? 'BB' : 'AA'}`)).toBeNull();
  expect(seal.open('short')).toBeNull();
});

async function open() {
  const clock = createFakeClock();
  const opened = await openTestStore(clock);
  const recorder = createGitHubRecorder(clock);
  const lines: Record<string, unknown>[] = [];
  const { store } = opened;
  return {
    store,
    lines,
    tokens: () => recorder.tokens,
    coordinator: (seal: Seal = aSeal(), keep = store.attemptTokens.keep) =>
      createAttemptTokens({
        github: recorder.github,
        store: { attemptTokens: { ...store.attemptTokens, keep } },
        seal,
        clock,
        log: createTestLogger(lines),
      }),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}
