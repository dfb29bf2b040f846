import { describe, expect, test } from 'vitest';
import type { JobId } from '../../src/contract/identifiers.ts';
import { type QuietJob, toQuietNews } from '../../src/domain/quiet.ts';
import { aJob, NOON_MS, someEvents } from '../support/job-builders.ts';

const { settings } = aJob();

function aQuietJob(overrides: Partial<QuietJob['job']> = {}, events: QuietJob['events'] = []): QuietJob {
  return { job: { ...aJob(), waitCode: null, settings: { ...settings, quiet: true }, ...overrides }, events };
}

const ended = { state: 'failed', stateReason: 'It crashed.', outcome: 'agent_failed' } as const;
const pullRequest = { number: 5, url: 'https://github.com/acme/widgets/pull/5' };

describe('an issue whose jobs are quiet', () => {
  test.each<[name: string, jobs: QuietJob[], isWorthBeginning: boolean]>([
    ['is told nothing of a job in the queue', [aQuietJob()], false],
    ['nor of one at work', [aQuietJob({ state: 'running' })], false],
    ['nor of a busy runner', [aQuietJob({ waitCode: 'busy' })], false],
    ['is told that no runner can do it', [aQuietJob({ waitCode: 'lacks_capability' })], true],
    ['is told how it ended', [aQuietJob(ended)], true],
    ['is told of a refusal', [aQuietJob({ state: 'refused', stateReason: 'No.' })], true],
    ['is not told of a pull request on its way', [aQuietJob({ state: 'succeeded' })], false],
    ['is told of the pull request', [aQuietJob({ state: 'succeeded', pullRequest })], true],
    [
      'is told why there is none',
      [aQuietJob({ state: 'succeeded', stateReason: 'GitHub did not take it.' })],
      true,
    ],
    [
      'is told nothing more of a job once there is a newer one',
      [aQuietJob(ended), aQuietJob({ id: 'newer' as JobId, createdAtMs: NOON_MS + 1 })],
      false,
    ],
  ])('%s', (_name, jobs, isWorthBeginning) => {
    expect(toQuietNews(jobs)).toMatchObject({ isWorthBeginning });
  });

  test('hears no news while a job goes through its phases, and some when that ends', () => {
    const news = [
      aQuietJob(),
      aQuietJob({ state: 'offered' }),
      aQuietJob({ state: 'running' }, someEvents('phase: agent')),
      aQuietJob({ state: 'succeeded' }),
      aQuietJob({ state: 'succeeded', pullRequest }),
      aQuietJob({ state: 'succeeded', pullRequest }, someEvents('wish_notice: no reviewer')),
    ].map((job) => toQuietNews([job])?.news);

    expect(new Set(news.slice(0, 4)).size).toBe(1);
    expect(new Set(news).size).toBe(3);
  });

  test('hears of everything as soon as one of its jobs is not quiet', () => {
    const loud = aQuietJob({ id: 'loud' as JobId, specialty: 'frontend', settings });

    expect(toQuietNews([aQuietJob(), loud])).toBeNull();
  });
});
