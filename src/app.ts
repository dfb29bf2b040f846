import type { ApplicationFunction } from 'probot';
import type { Inbox } from './webhooks/inbox.ts';
import { HANDLED_EVENTS } from './webhooks/translate.ts';

/**
 * The Probot app: hands every event that we act on to the inbox, and decides nothing. Probot has verified the signature;
 * an event that can't be stored rejects, so that GitHub is told and can deliver it again.
 */
export function createApp({ inbox }: { inbox: Pick<Inbox, 'put'> }): ApplicationFunction {
  return (app) => {
    app.on([...HANDLED_EVENTS], async ({ id, name, payload }) => {
      await inbox.put({ id, name, payload });
    });
  };
}
