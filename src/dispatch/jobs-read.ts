/** Jobs of one issue that are looked at, the newest. */
export const JOBS_READ = 30;
