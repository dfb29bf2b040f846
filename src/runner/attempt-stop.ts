/**
 * Why an attempt ends before its work does.
 * - `cancelled`: a person, or what happened on GitHub, called it off
 * - `timed_out`: the longest run is over
 * - `shutdown`: this runner goes down and can't wait
 * - `disk_full`: the machine has no room for it to go on
 * - `over_quota`: it took more of the disk than one attempt may
 * - `lapsed`: the lease could not be renewed in time: somebody else may have the attempt by now
 * - `lost`: the coordinator says that the attempt is not ours any more
 */
export type AttemptStop = {
  kind: 'cancelled' | 'timed_out' | 'shutdown' | 'disk_full' | 'over_quota' | 'lapsed' | 'lost';
  /** One sentence for people. */
  reason: string;
};

/** The reason with which an attempt's signal aborts. */
export class AttemptStopped extends Error {
  override readonly name = 'AttemptStopped';
  readonly stop: AttemptStop;

  constructor(stop: AttemptStop) {
    super(stop.reason);
    this.stop = stop;
  }
}
