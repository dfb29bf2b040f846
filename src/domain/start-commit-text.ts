import type { Attempt, Job } from './job.ts';

/**
 * The message of an attempt's start commit. It names the attempt, so that the commit is found again after a crash: equal
 * message, same attempt. Without `#N`, which would put a line into the timeline for every attempt.
 */
export function toStartCommitMessage({ job, attempt }: { job: Job; attempt: Attempt }): string {
  return [
    `Start ${job.specialty} work on issue ${job.issue.number}`,
    '',
    'An empty commit that carries the check run of one attempt. It does not become part of the history.',
    '',
    `Yardmaster-Job: ${job.id}`,
    `Yardmaster-Attempt: ${attempt.id} (${attempt.number})`,
  ].join('\n');
}
