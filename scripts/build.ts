/** `npm run build`: src/ → dist/ as JavaScript, with the files that the code reads at run time beside it. */
import { cpSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [path.join(root, 'node_modules/typescript/bin/tsc'), '--project', 'tsconfig.build.json'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
for (const folder of ['runner/context/guidance', 'demo/sample', 'demo/agent']) {
  cpSync(path.join(root, 'src', folder), path.join(dist, folder), { recursive: true });
}
