import { z } from 'zod';
import { NO_INSTALLATION, RepositoryPayload, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const StatusPayload = RepositoryPayload.extend({
  sha: z.string(),
  state: z.string(),
  /** Those that hold the commit, of which GitHub names ten; not all end there. */
  branches: z.array(z.object({ name: z.string(), commit: z.object({ sha: z.string().nullable() }) })),
});

/** `status`: somebody's CI said of a commit how it went, in the way from before there were check runs. What it said is read where it is wanted. */
export const translateStatus: Translator = translatorOf(StatusPayload, (payload, guid) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const { sha: headCommit, state } = payload;
  if (state !== 'failure' && state !== 'error') return meansNothing('the status is no failure');
  const heads = payload.branches.filter(({ commit }) => commit.sha === headCommit);
  if (heads.length === 0) return meansNothing('no branch ends at the commit');
  const branches = heads.map(({ name }) => name);
  return means({ kind: 'status_failed', key: `status_failed:${guid}`, target, headCommit, branches });
});
