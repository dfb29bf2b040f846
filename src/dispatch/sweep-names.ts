/** By which the store knows the sweeps. */
/** Under this name there is no sweep, but a mark: when a coordinator was last there. */
export const ALIVE_MARK = 'coordinators-alive';
export const DELIVERY_SWEEP = 'deliveries';
export const ISSUE_SWEEP = 'issues';
export const REPORT_SWEEP = 'reports';
export const INSTALLATION_SWEEP = 'installations';
export const QUEUE_PLACE_SWEEP = 'queue-places';
