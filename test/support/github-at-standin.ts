import { randomUUID } from 'node:crypto';
import { createGitHub } from '../../src/github/create-github.ts';
import {
  type OctokitFactory,
  type OctokitLimits,
  createOctokitFactory,
} from '../../src/github/probot-octokit.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { RepositoryTarget } from '../../src/domain/trigger.ts';
import { type CheckedStandin, startStandin } from './standin.ts';
import { createTestLogger } from './test-logger.ts';

/** Our GitHub client against a GitHub stand-in, as the coordinator would have them. */
export type GitHubAtStandin = {
  standin: CheckedStandin;
  factory: OctokitFactory;
  github: ReturnType<typeof createGitHub>;
  /** A fresh repository of `acme` with the App installed, one file, and `alice` as a writer. */
  createTarget(repository?: { private?: boolean; files?: Record<string, string> }): Promise<RepositoryTarget>;
  /** `POST …/check-runs` and so on, of all requests since `action` began, in their order. */
  requestsOf(action: () => Promise<unknown>): Promise<string[]>;
} & AsyncDisposable;

/** Without spacing between writes, unless `limits` say otherwise. */
export async function openGitHubAtStandin(limits: Partial<OctokitLimits> = {}): Promise<GitHubAtStandin> {
  const standin = await startStandin();
  const log = createTestLogger();
  const baseUrl = `${standin.url}/api/v3`;
  const factory = createOctokitFactory({
    appId: standin.app.id,
    privateKey: standin.app.privateKey,
    webhookSecret: standin.app.webhookSecret,
    baseUrl,
    log,
    limits: { writeSpacingMs: 0, notificationSpacingMs: 0, enabled: true, ...limits },
    clock: systemClock,
  });
  const github = createGitHub({ ...factory, apiUrl: baseUrl, clock: systemClock, log });
  standin.createOrganization('acme');
  standin.createUser('alice');
  const { installationId } = await standin.install('acme');

  return { standin, factory, github, createTarget, requestsOf, [Symbol.asyncDispose]: dispose };

  async function createTarget(wanted: { private?: boolean; files?: Record<string, string> } = {}) {
    const { fullName } = await standin.createRepository({
      owner: 'acme',
      name: `r-${randomUUID().slice(0, 8)}`,
      files: { 'README.md': 'Hello\n' },
      ...wanted,
    });
    standin.setRole(fullName, 'alice', 'write');
    return { installationId, repository: await github.readRepository({ installationId, fullName }) };
  }

  async function requestsOf(action: () => Promise<unknown>): Promise<string[]> {
    const before = standin.state.requests().length;
    await action();
    return standin.state
      .requests()
      .slice(before)
      .map(({ method, path }) => `${method} ${path.replace(/^\/repos\/[^/]+\/[^/?]+/, '…')}`);
  }

  async function dispose(): Promise<void> {
    await standin[Symbol.asyncDispose]();
  }
}

/** `owner/name`. */
export function fullNameOf({ repository }: RepositoryTarget): string {
  return `${repository.owner}/${repository.name}`;
}
