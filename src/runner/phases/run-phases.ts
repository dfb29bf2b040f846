import type { Phase } from '../../contract/attempt-result.ts';
import type { Ending } from '../attempt-record.ts';
import { runAgent } from './agent.ts';
import { baseline } from './baseline.ts';
import { followBase } from './follow-base.ts';
import { measureCoverage } from './measure-coverage.ts';
import type { AttemptContext, PhaseDeps, PhaseResult } from './phase.ts';
import { prepare } from './prepare.ts';
import { publish } from './publish.ts';
import { type Verified, verify } from './verify.ts';

/** Runs a phase, after telling everybody that it begins. */
export type Enter = <T>(phase: Phase, run: () => Promise<T>) => Promise<T>;

/** The work: each phase gets what the one before it made. */
export async function runPhases(attempt: AttemptContext, enter: Enter, deps: PhaseDeps): Promise<Ending> {
  const prepared = await enter('prepare', () => prepare(attempt, deps));
  const baselined = await andThen(prepared, (value) =>
    enter('baseline', () => baseline(value, attempt, deps)),
  );
  const worked = await andThen(baselined, (value) => enter('agent', () => runAgent(value, attempt, deps)));
  const verified = await andThen(worked, (value) =>
    enter('verify', async () =>
      andThen(await verify(value, attempt, deps), (good) => finishVerifying(good, attempt, deps)),
    ),
  );
  if (verified.kind === 'end') return verified.ending;
  return await enter('publish', () => publish(verified.value, attempt, deps));
}

/** What is looked at once, when the work is good; nothing of it takes the work away. */
async function finishVerifying(
  good: Verified,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PhaseResult<Verified>> {
  const { record, channel, signal } = attempt;
  const told = record.evidence;
  const followed = await followBase(good, attempt, deps);
  if (followed.kind === 'next') await measureCoverage(followed.value, attempt, deps);
  if (record.evidence !== told) await channel.sendEvidence(record.evidence, signal);
  return followed;
}

async function andThen<A, B>(
  result: PhaseResult<A>,
  follow: (value: A) => Promise<PhaseResult<B>>,
): Promise<PhaseResult<B>> {
  return result.kind === 'end' ? result : await follow(result.value);
}
