/** `npm run schema:write`: writes docs/yardmaster.schema.json from the code that reads the settings. A test holds the two together. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { toSettingsSchema } from '../src/domain/settings-file.ts';

const file = path.resolve(import.meta.dirname, '..', 'docs', 'yardmaster.schema.json');
writeFileSync(file, `${JSON.stringify(toSettingsSchema(), null, 2)}\n`);
