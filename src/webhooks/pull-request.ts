import { z } from 'zod';
import { CommitId } from '../contract/job.ts';
import { NO_INSTALLATION, RepositoryPayload, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const PullRequestPayload = RepositoryPayload.extend({
  pull_request: z.object({ number: z.int().positive(), head: z.object({ sha: CommitId }) }),
});

/** `pull_request.synchronize`: somebody pushed to its branch; we ourselves only do so before there is a pull request. */
export const translateSynchronize: Translator = translatorOf(PullRequestPayload, (payload) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const { number, head } = payload.pull_request;
  return means({
    kind: 'pull_request_moved',
    key: `pull_request_moved:${payload.repository.id}#${number}:${head.sha}`,
    target,
    pullRequestNumber: number,
    headCommit: head.sha,
  });
});
