import type { Logger } from '../lib/logger.ts';
import { RUNNER_EXIT, type RunnerExit } from './exit-codes.ts';
import type { WorkLoop } from './work-loop.ts';

/** The signals that end a runner, or let it read its settings anew: `process`, or anything else that emits them. */
export type SignalSource = {
  on(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', listener: () => void): unknown;
};

/** First signal: drain. Second: stop all. Third: `forced` resolves. SIGHUP: `onHangup`. */
export function obeySignals(
  signals: SignalSource,
  loop: Pick<WorkLoop, 'drain' | 'stopAll'>,
  log: Logger,
  onHangup: () => void,
): { first: AbortSignal; second: AbortSignal; forced: Promise<RunnerExit>; dispose(): void } {
  const first = new AbortController();
  const second = new AbortController();
  const forced = Promise.withResolvers<RunnerExit>();

  function onSignal(): void {
    if (!first.signal.aborted) {
      log.info({}, 'Told to end: finishing what is under way, taking nothing new');
      first.abort();
      loop.drain();
    } else if (!second.signal.aborted) {
      log.warn({}, 'Told to end again: stopping what is under way');
      second.abort();
      loop.stopAll({ kind: 'shutdown', reason: 'The runner was shut down in the middle of its work.' });
    } else {
      log.error({}, 'Told to end for the third time: ending at once');
      forced.resolve(RUNNER_EXIT.forced);
    }
  }

  signals.on('SIGTERM', onSignal);
  signals.on('SIGINT', onSignal);
  signals.on('SIGHUP', onHangup);
  return {
    first: first.signal,
    second: second.signal,
    forced: forced.promise,
    dispose: () => {
      signals.off('SIGTERM', onSignal);
      signals.off('SIGINT', onSignal);
      signals.off('SIGHUP', onHangup);
    },
  };
}
