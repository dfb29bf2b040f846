import type { RepositoryTarget } from '../domain/trigger.ts';
import { isKind, nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

const PAGE_SIZE = 100;
/** Whoever has more labels than this pays one refused request for each that is there already. */
const MAX_PAGES = 10;

export function createLabels({ call }: { call: GitHubCall }): Pick<GitHub, 'ensureLabels' | 'removeLabel'> {
  return {
    async removeLabel(target, issueNumber, name) {
      await nullWhenGone(
        call(target.installationId, (octokit) =>
          octokit.rest.issues.removeLabel({ ...toPath(target), ...ONCE, issue_number: issueNumber, name }),
        ),
      );
    },
    async ensureLabels(target, labels) {
      const existing = await readNames(target);
      const missing = labels.filter(({ name }) => !existing.has(name.toLowerCase()));
      for (const { name, color, description } of missing) {
        await ignoreConflict(
          call(target.installationId, (octokit) =>
            octokit.rest.issues.createLabel({ ...toPath(target), ...ONCE, name, color, description }),
          ),
        );
      }
    },
  };

  /** In lower case: GitHub takes `Bug` and `bug` for the same. */
  async function readNames(target: RepositoryTarget): Promise<Set<string>> {
    const names = new Set<string>();
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const { data } = await call(target.installationId, (octokit) =>
        octokit.rest.issues.listLabelsForRepo({ ...toPath(target), per_page: PAGE_SIZE, page }),
      );
      for (const { name } of data) names.add(name.toLowerCase());
      if (data.length < PAGE_SIZE) break;
    }
    return names;
  }
}

/** Somebody was faster, or an answer was lost the last time. */
async function ignoreConflict(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isKind(error, 'conflict')) throw error;
  }
}
