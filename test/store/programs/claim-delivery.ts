import { pino } from 'pino';
import { createPostgresStore } from '../../../src/store/postgres.ts';

/** Claims a delivery from the store at DATABASE_URL, prints its GUID, and works on it until it is killed. */
const store = await createPostgresStore({
  url: process.env['DATABASE_URL'] ?? '',
  log: pino({ level: 'silent' }),
});
const claim = await store.claimDelivery();
process.stdout.write(`${claim?.guid}\n`);
