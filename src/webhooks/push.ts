import { z } from 'zod';
import { SETTINGS_FILE_PATH } from '../domain/settings-problem.ts';
import { NO_INSTALLATION, RepositoryPayload, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const BRANCH = 'refs/heads/';
/** GitHub sends no more commits of one push. */
const MAX_COMMITS = 2048;

const Paths = z.array(z.string()).optional();

const PushPayload = RepositoryPayload.extend({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  deleted: z.boolean(),
  forced: z.boolean().optional(),
  commits: z.array(z.object({ added: Paths, modified: Paths, removed: Paths })).optional(),
});

/** `push`: a branch stands elsewhere. */
export const translatePush: Translator = translatorOf(PushPayload, (payload) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const { ref, before, after, deleted } = payload;
  if (!ref.startsWith(BRANCH) || deleted) return meansNothing('no branch was moved');
  const branch = ref.slice(BRANCH.length);
  const key = `pushed:${target.repository.id}:${branch}:${before}:${after}`;
  const changesSettings = touchesSettings(payload);
  return means({ kind: 'branch_pushed', key, target, branch, changesSettings });
});

/** Yes, too, where GitHub does not tell all that was changed. */
function touchesSettings({ forced = false, commits }: z.infer<typeof PushPayload>): boolean {
  if (forced || commits === undefined || commits.length >= MAX_COMMITS) return true;
  return commits.some(({ added = [], modified = [], removed = [] }) =>
    [added, modified, removed].some((paths) => paths.includes(SETTINGS_FILE_PATH)),
  );
}
