import { createPrivateKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { RunnerId } from '../contract/identifiers.ts';
import type { RunnerConfig } from './config.ts';
import { readKeyFile, type RunnerKey } from './key-file.ts';

/** Who this runner is, and how it proves it: by a key of its own at a coordinator, or by the App's key at GitHub. */
export type RunnerIdentity =
  | { kind: 'coordinator'; runnerId: RunnerId; key: RunnerKey }
  | { kind: 'github'; runnerId: RunnerId; app: NonNullable<RunnerConfig['githubApp']>; privateKey: string };

export type IdentityReading =
  | { ok: true; identity: RunnerIdentity; secrets: string[]; warnings: string[] }
  | { ok: false; problem: string };

/** The identity that the configuration leads to, or what a person has to do when there is none. */
export async function readIdentity(
  config: Pick<RunnerConfig, 'keyFile' | 'githubApp'>,
): Promise<IdentityReading> {
  if (config.githubApp !== null) return readAppKey(config.githubApp);
  const reading = await readKeyFile(config.keyFile);
  if (!reading.ok) return reading;
  const { key } = reading;
  const identity = { kind: 'coordinator', runnerId: key.runnerId, key } as const;
  return { ok: true, identity, secrets: [key.key], warnings: [] };
}

async function readAppKey(app: NonNullable<RunnerConfig['githubApp']>): Promise<IdentityReading> {
  const file = app.privateKeyPath;
  let privateKey: string;
  let mode: number;
  try {
    privateKey = await readFile(file, 'utf8');
    ({ mode } = await stat(file));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const problem =
      code === 'ENOENT'
        ? `github_app.private_key_path: there is no file ${file}; copy the App’s private key there, the same one that the coordinator has`
        : `github_app.private_key_path: ${file} can't be read (${code ?? 'unknown error'}): give the user that runs the runner the right to read it`;
    return { ok: false, problem };
  }
  if (!isRsaKey(privateKey)) {
    return {
      ok: false,
      // Never quote the file.
      problem: `github_app.private_key_path: ${file} holds no RSA private key in PEM format; download one on the App’s settings page`,
    };
  }
  const isOpen = (mode & 0o077) !== 0;
  const warnings = isOpen ? [`Others on this machine may read the App’s private key: chmod 600 ${file}`] : [];
  const identity = { kind: 'github', runnerId: app.runnerId, app, privateKey } as const;
  return { ok: true, identity, secrets: [privateKey], warnings };
}

function isRsaKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === 'rsa';
  } catch {
    // The reason may quote the key.
    return false;
  }
}
