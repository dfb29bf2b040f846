/** How the runner's process ends, so that a service manager can tell what is worth a restart. */
export const RUNNER_EXIT = {
  /** It was asked to leave, and had finished everything. */
  ok: 0,
  /** Something that nobody expected; a restart may help. */
  failed: 1,
  /** The configuration, or the enrolment, needs a person. */
  configuration: 2,
  /** Another runner on this machine works in this workspace root, or under this identity. */
  locked: 3,
  /** The coordinator's operator took this runner's key away. */
  revoked: 4,
  /** Runner and coordinator are too far apart in versions. */
  protocolUnsupported: 5,
  /** Another process works under this runner's identity. */
  superseded: 6,
  /** It was told for the third time to end, and did not wait for anything. */
  forced: 7,
  /** With `--once`: the job ended without a pull request. */
  jobFailed: 10,
  /** With `--once`: the job was cancelled, or cut off by the end of this runner. */
  jobCancelled: 11,
  /** With `--once`: the lease was lost, and somebody else has the job by now. */
  jobLost: 12,
  /** With `--once`: no job came in time. */
  idle: 13,
} as const;
export type RunnerExit = (typeof RUNNER_EXIT)[keyof typeof RUNNER_EXIT];
