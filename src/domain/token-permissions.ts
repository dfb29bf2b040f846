import type { RepositoryRef } from '../contract/job.ts';
import type { TokenPurpose } from '../contract/runner-api.ts';

const RUN = { contents: 'read', checks: 'write', metadata: 'read' } as const;
/** Images in issues of private repositories have signed addresses, which only who may read the issue gets. */
const RUN_IN_PRIVATE = { ...RUN, issues: 'read' } as const;
const PUBLISH = { contents: 'write' } as const;

/** All that a token of an attempt may do, in the one repository of the job. */
export function tokenPermissions(
  purpose: TokenPurpose,
  repository: Pick<RepositoryRef, 'private'>,
): Readonly<Record<string, 'read' | 'write'>> {
  if (purpose === 'publish') return PUBLISH;
  return repository.private ? RUN_IN_PRIVATE : RUN;
}
