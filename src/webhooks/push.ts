import { z } from 'zod';
import { NO_INSTALLATION, RepositoryPayload, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const BRANCH = 'refs/heads/';

const PushPayload = RepositoryPayload.extend({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  deleted: z.boolean(),
});

/** `push`: a branch stands elsewhere. */
export const translatePush: Translator = translatorOf(PushPayload, (payload) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const { ref, before, after, deleted } = payload;
  if (!ref.startsWith(BRANCH) || deleted) return meansNothing('no branch was moved');
  const branch = ref.slice(BRANCH.length);
  const key = `pushed:${target.repository.id}:${branch}:${before}:${after}`;
  return means({ kind: 'branch_pushed', key, target, branch });
});
