import { startStandin, type CheckedStandin } from '../support/standin.ts';
import type { StandinOptions } from '../../src/standin/create-github-standin.ts';
import { createClient, mintToken, type Client } from './client.ts';

export type Setting = {
  standin: CheckedStandin;
  installationId: number;
  /** As the App, with all that the installation grants. */
  app: Client;
  token: string;
  [Symbol.asyncDispose](): Promise<void>;
};

export const repo = 'acme/widgets';
export const at = `/repos/${repo}`;

/**
 * One repository `acme/widgets` with the App installed; alice may write there, tom triage, and mallory
 * nothing.
 */
export async function startSetting(
  more: { private?: boolean; options?: StandinOptions; nowSeconds?: number } = {},
): Promise<Setting> {
  const standin = await startStandin(more.options);
  standin.createOrganization('acme');
  for (const login of ['alice', 'tom', 'mallory', 'ada']) standin.createUser(login);
  await standin.createRepository({
    owner: 'acme',
    name: 'widgets',
    private: more.private ?? false,
    files: { 'README.md': '# Widgets\n', 'src/index.js': 'export const answer = 41;\n' },
  });
  standin.setRole(repo, 'ada', 'admin');
  standin.setRole(repo, 'alice', 'write');
  standin.setRole(repo, 'tom', 'triage');
  const { installationId } = await standin.install('acme');
  const token = await mintToken(standin, installationId, {}, more.nowSeconds);
  return {
    standin,
    installationId,
    token,
    app: createClient(standin, token),
    [Symbol.asyncDispose]: () => standin[Symbol.asyncDispose](),
  };
}
