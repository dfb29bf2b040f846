import type { JobSettings } from '../contract/job.ts';

/** `.github/yardmaster.yml`, parsed, with the built-in defaults filled in. */
export type RepoSettings = {
  /** Label name, lower case → specialty. Always has `agent:<specialty>` for every known specialty. */
  labels: ReadonlyMap<string, string>;
  specialties: ReadonlyMap<string, { needs: string[]; settings: JobSettings }>;
};
