import { expect, test } from 'vitest';
import { explainUse, type StoreHolder } from '../../src/store/store-use.ts';

const first: StoreHolder = { use: 'serve', name: 'web-1, process 41', ageMs: 7_380_000 };
const second: StoreHolder = { use: 'serve', name: 'web-2, process 42', ageMs: 61_000 };
const recovery: StoreHolder = { use: 'recover', name: 'web-1, process 43', ageMs: 2000 };

test.each<[string, Parameters<typeof explainUse>[0], string]>([
  [
    'recovery beside two coordinators',
    { place: 'The database', wanted: 'recover', holders: [first, second] },
    'The database is in use by 2 coordinators (web-1, process 41, for 2 h 3 min; web-2, process 42, for 1 min 1 s). Stop all of them, then repeat this: beside a running coordinator, what is recovered could be done twice.',
  ],
  [
    'a coordinator beside a recovery, which counts before whoever else is listed',
    { place: 'The database', wanted: 'serve', holders: [first, recovery] },
    'The database is being rebuilt by `yardmaster recover` (web-1, process 43, for 2 s). Start this coordinator when that is done.',
  ],
  [
    'a second coordinator on a folder',
    { place: 'The data folder /srv/data', wanted: 'serve', holders: [first] },
    'The data folder /srv/data is in use by another coordinator (web-1, process 41, for 2 h 3 min). Stop that one first, or give this one a folder of its own (DATA_FOLDER). Several coordinators together need PostgreSQL (DATABASE_URL).',
  ],
  [
    'a holder that is not known',
    { place: 'The database', wanted: 'recover', holders: [] },
    'The database is in use by a coordinator. Stop it, then repeat this: beside a running coordinator, what is recovered could be done twice.',
  ],
])('%s', (_case, facts, text) => {
  expect(explainUse(facts)).toBe(text);
});
