import type { JobId } from '../contract/identifiers.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store } from '../store/store.ts';

const PAGE = 100;

/** All live jobs, oldest first, page by page; what begins meanwhile comes last. */
export async function* liveJobs(store: Pick<Store, 'jobs'>): AsyncGenerator<StoredJob> {
  let after: JobId | null = null;
  for (;;) {
    const page: StoredJob[] = await store.jobs.live({ after, limit: PAGE });
    yield* page;
    after = page.at(-1)?.id ?? null;
    if (page.length < PAGE) return;
  }
}
