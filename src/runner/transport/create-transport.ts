import { MAIL_KEY_PURPOSE } from '../../contract/check-run-mail.ts';
import type { RunnerFacts } from '../../contract/runner-api.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Random } from '../../lib/random.ts';
import { deriveMessageKey } from '../../lib/signed-message.ts';
import type { RunnerConfig } from '../config.ts';
import type { Contact } from '../contact.ts';
import type { OwnKey } from '../own-key.ts';
import type { RunnerIdentity } from '../runner-identity.ts';
import { createCoordinatorTransport } from './coordinator.ts';
import { createGitHubTransport } from './github.ts';
import type { Transport } from './transport.ts';

/** The transport that the configuration names. */
export function createTransport(
  config: Pick<RunnerConfig, 'coordinatorUrl' | 'githubApp'>,
  identity: RunnerIdentity,
  deps: {
    facts: () => RunnerFacts;
    fetch: typeof fetch;
    clock: Clock;
    random: Random;
    log: Logger;
    userAgent: string;
    backoff: { baseMs: number; maxMs: number };
    contact: Contact;
    /** Of a runner that speaks to a coordinator. */
    ownKey: Pick<OwnKey, 'current'> | null;
    /** Told each GitHub token before it is used. */
    onToken(token: string): void;
  },
): Transport {
  if (identity.kind === 'coordinator') {
    const key = deps.ownKey?.current ?? (() => identity.key);
    return createCoordinatorTransport({ ...deps, url: config.coordinatorUrl, key });
  }
  const { app, privateKey } = identity;
  return createGitHubTransport({
    ...deps,
    ...app,
    privateKey,
    pollMs: app.pollSeconds * 1000,
    key: deriveMessageKey(privateKey, MAIL_KEY_PURPOSE),
  });
}
