import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Account, Permissions, World } from './world.ts';

/** The one GitHub App that is registered here. */
export type AppRegistration = {
  id: number;
  slug: string;
  name: string;
  clientId: string;
  clientSecret: string;
  /** PEM, PKCS#1. */
  privateKey: string;
  publicKey: string;
  webhookSecret: string;
  /** Permissions and events that new installations get. */
  permissions: Permissions;
  events: string[];
  owner: Account;
  bot: Account;
  createdAtMs: number;
};

/** What a test may choose about the App; the rest has defaults. */
export type AppChoice = {
  slug?: string;
  name?: string;
  permissions?: Permissions;
  events?: string[];
  webhookSecret?: string;
};

const defaultPermissions: Permissions = {
  metadata: 'read',
  issues: 'write',
  pull_requests: 'write',
  checks: 'write',
  contents: 'write',
};

const defaultEvents = [
  'issues',
  'issue_comment',
  'label',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'pull_request_review_thread',
  'check_run',
  'check_suite',
  'push',
  'repository',
  'status',
];

/** Registers the App, with a key pair of its own and its bot account. */
export async function createAppRegistration(
  deps: { world: World; clock: { nowMs(): number } },
  choice: AppChoice = {},
): Promise<AppRegistration> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const slug = choice.slug ?? 'yardmaster';
  const createdAtMs = deps.clock.nowMs();
  const { world } = deps;
  const owner = world.addAccount({
    id: world.newId('account'),
    login: `${slug}-maker`,
    type: 'User',
    name: null,
    createdAtMs,
  });
  const bot = world.addAccount({
    id: world.newId('account'),
    login: `${slug}[bot]`,
    type: 'Bot',
    name: null,
    createdAtMs,
  });
  return {
    id: 12_001,
    slug,
    name: choice.name ?? 'Yardmaster',
    clientId: `Iv23li${randomBytes(7).toString('hex')}`,
    clientSecret: randomBytes(20).toString('hex'),
    privateKey,
    publicKey,
    webhookSecret: choice.webhookSecret ?? randomBytes(20).toString('hex'),
    permissions: choice.permissions ?? defaultPermissions,
    events: choice.events ?? defaultEvents,
    owner,
    bot,
    createdAtMs,
  };
}
