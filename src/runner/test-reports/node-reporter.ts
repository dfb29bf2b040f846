/**
 * A reporter for `node:test`, as the module that is written beside the reports and loaded by the repository's own Node (18.15 or
 * later). The built-in JUnit reporter would overwrite its file when a command runs `node --test` more than once; this one writes a
 * file for each process. Suites are left out: what they hold is told anyway.
 */
export const NODE_REPORTER = `import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
const folder = path.dirname(fileURLToPath(import.meta.url));
const place = (file) => (file === undefined || file === null ? '' : path.relative(process.cwd(), String(file)));
export default async function* report(source) {
  const names = [];
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      names.length = data.nesting;
      names[data.nesting] = data.name;
    }
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details?.type === 'suite') continue;
    const isFile = data.nesting === 0 && data.file !== undefined && path.resolve(data.name) === data.file;
    const above = names.slice(0, data.nesting);
    const isSkipped = data.skip !== undefined || data.todo !== undefined;
    const status = isSkipped ? 'skipped' : type === 'test:pass' ? 'passed' : 'failed';
    const error = data.details?.error?.cause ?? data.details?.error;
    const why = status === 'failed' ? String(error?.stack ?? error?.message ?? error ?? '').slice(0, 8000) : '';
    const title = isFile ? [place(data.file)] : [...above, data.name];
    appendFileSync(path.join(folder, 'node-' + process.pid + '.jsonl'), JSON.stringify([place(data.file), title, status, why, data.line]) + '\\n');
    yield '';
  }
}
`;
