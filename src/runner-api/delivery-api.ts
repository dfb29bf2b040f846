import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { type Refusal, refused } from '../dispatch/answer.ts';
import type { DeliveryRecord, Store } from '../store/store.ts';
import { refuseMistakes, toErrorResponse } from './wire-answer.ts';

const Filter = z.object({
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(['ready', 'running', 'done', 'dead'])))
    .default([]),
  event: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
});

/** GitHub's are UUIDs; `webhook send --guid` and other senders may use any name. */
const Guid = z.string().regex(/^[\w.:-]{1,100}$/);

/** What an operator asks about webhooks that came in; part of the operator's API. Bodies are given as they came, for the reader to clean. */
export function deliveryApi({ store }: { store: Store }): Hono {
  const app = new Hono();

  app.get('/', async (context) => {
    const filter = Filter.safeParse(context.req.query());
    if (!filter.success) return toErrorResponse(refuseMistakes(filter.error));
    const { state: states, event = null, limit } = filter.data;
    const [deliveries, counts] = await Promise.all([
      store.listDeliveries({ states, event, limit }),
      store.countDeliveries(),
    ]);
    return context.json({ deliveries, counts });
  });

  app.post('/replay-dead', async (context) => context.json({ replayed: await store.replayDeadLetters() }));

  app.get('/:guid', async (context) => {
    const found = await find(context);
    if ('ok' in found) return toErrorResponse(found);
    return context.json({ ...found, headers: toHeaders(found), payload: parse(found.payload) });
  });

  app.post('/:guid/replay', async (context) => {
    const found = await find(context);
    if ('ok' in found) return toErrorResponse(found);
    const result = await store.replayDelivery(found.guid);
    if (result === null) return toErrorResponse(NO_SUCH_DELIVERY);
    return context.json({ guid: found.guid, result });
  });

  return app;

  /** The one whose GUID begins like the path says. */
  async function find(context: Context): Promise<(DeliveryRecord & { payload: string }) | Refusal> {
    const guid = Guid.safeParse(context.req.param('guid'));
    const [first, second] = guid.success ? await store.findDeliveries(guid.data) : [];
    if (first === undefined) return NO_SUCH_DELIVERY;
    if (second === undefined || first.guid === guid.data) return first;
    return refused('invalid_request', 'More than one webhook’s id begins like that; give more of it.');
  }
}

const NO_SUCH_DELIVERY: Refusal = refused(
  'not_found',
  'There is no such webhook (handled ones are kept for a week); “yardmaster deliveries list” shows what there is.',
);

/** What GitHub sent along and is kept. The signature has been checked, and is not. */
function toHeaders({ guid, event }: DeliveryRecord): Record<string, string> {
  return { 'content-type': 'application/json', 'x-github-delivery': guid, 'x-github-event': event };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Nothing else is stored; should it be damaged, it is shown as it is.
    return text;
  }
}
