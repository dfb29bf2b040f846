/** `npm run test:package`: packs the package, installs it into an empty folder, and asks it for help as a user would. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'yardmaster-package-'));
try {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as { filename: string; size: number; entryCount: number }[];
  if (packed === undefined) throw new Error('npm pack made nothing');

  execFileSync('npm', ['init', '--yes'], { cwd: folder, stdio: 'ignore' });
  execFileSync('npm', ['install', '--no-audit', '--no-fund', path.join(folder, packed.filename)], {
    cwd: folder,
    stdio: 'inherit',
  });
  const help = execFileSync('npx', ['--no-install', 'yardmaster', '--help'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (!help.includes('Usage: yardmaster')) throw new Error(`unexpected help:\n${help}`);
  process.stdout.write(
    `${packed.filename}: ${packed.size} bytes, ${packed.entryCount} files; npx yardmaster --help works\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
