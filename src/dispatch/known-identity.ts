import type { GitHub } from '../github/github.ts';
import type { AppIdentity } from './job-spec.ts';

/** The App's identity, asked for once: it does not change while the App exists. A failure is not kept. */
export function createKnownIdentity(github: Pick<GitHub, 'identity'>): () => Promise<AppIdentity> {
  let known: AppIdentity | null = null;
  return async () => (known ??= await github.identity());
}
