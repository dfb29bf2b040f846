import type { Account } from '../world.ts';
import type { InstallationToken } from './installation-tokens.ts';

/** Who sends a request. An installation acts as the App's bot account. */
export type Actor =
  | { kind: 'anonymous' }
  | { kind: 'app' }
  | { kind: 'installation'; token: InstallationToken; account: Account }
  | { kind: 'user'; account: Account; scopes: string[] };

/** Who a change is credited to, and whether it came through the App. */
export type Doer = { account: Account; viaApp: boolean };

/** The actor's name in the exchange log and in faults. */
export function actorName(actor: Actor): string {
  switch (actor.kind) {
    case 'anonymous':
    case 'app':
      return actor.kind;
    case 'installation':
      return `installation:${actor.token.installation.id}:${actor.token.id}`;
    case 'user':
      return `user:${actor.account.login}`;
    default:
      return actor satisfies never;
  }
}

/** Whose rate-limit budget a request is taken from: all tokens of an installation share one. */
export function rateLimitBucket(actor: Actor): string {
  return actor.kind === 'installation' ? `installation:${actor.token.installation.id}` : actorName(actor);
}
