import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { systemClock } from '../../../src/lib/clock.ts';
import { createEmbeddedStore } from '../../../src/store/embedded.ts';

/** Writes deliveries to the store in the folder named on the command line, and prints each one's GUID once it is durable, until it is killed. */
const [, , folder = ''] = process.argv;
const store = await createEmbeddedStore({ folder, clock: systemClock, log: pino({ level: 'silent' }) });

async function write(): Promise<never> {
  for (;;) {
    const guid = randomUUID();
    await store.putDelivery({ guid, event: 'issues', orderKey: guid, payload: '{}' });
    process.stdout.write(`${guid}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, write));
