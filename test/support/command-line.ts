import path from 'node:path';
import { execa } from 'execa';
import { COMPILE_CACHE } from './compile-cache.ts';
import type { CheckedStandin } from './standin.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const bin = path.join(root, 'bin', 'yardmaster.js');

/** Runs `yardmaster <args>` in `folder` with exactly this environment; never rejects. */
export function yardmaster(
  args: readonly string[],
  folder: string,
  environment: Record<string, string> = {},
) {
  return execa(process.execPath, [bin, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...COMPILE_CACHE, ...environment },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    all: true,
  });
}

/** What the coordinators of tests want to be shown for their metrics. */
export const METRICS_TOKEN = 'metrics-token-of-a-test';

/** Settings of a coordinator that works against the stand-in, as environment variables. */
export function coordinatorEnvironment(github: CheckedStandin, folder: string): Record<string, string> {
  return {
    APP_ID: String(github.app.id),
    PRIVATE_KEY: github.app.privateKey,
    WEBHOOK_SECRET: github.app.webhookSecret,
    METRICS_TOKEN,
    GITHUB_API_URL: github.url,
    DATA_FOLDER: path.join(folder, 'data'),
    HOST: '127.0.0.1',
    PORT: '0',
    GITHUB_WRITE_SPACING_MS: '0',
    GITHUB_COMMENT_SPACING_MS: '0',
  };
}
