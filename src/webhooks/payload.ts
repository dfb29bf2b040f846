import { z } from 'zod';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';

/** The fields that we read of GitHub's objects, and no others: what GitHub adds or drops elsewhere is no concern of ours. */
const Installation = z.object({ id: z.int().positive() });

const Repository = z.object({
  id: z.int().positive(),
  name: z.string(),
  owner: z.object({ login: z.string() }),
  private: z.boolean(),
  default_branch: z.string(),
  clone_url: z.url(),
  html_url: z.url(),
});

const Sender = z.object({ login: z.string(), id: z.int(), type: z.string() });

/** Of every event that happens in a repository. A webhook of a repository or organization, not of the App, has no installation. */
export const RepositoryPayload = z.object({
  installation: Installation.optional(),
  repository: Repository,
  sender: Sender,
});
export type RepositoryPayload = z.infer<typeof RepositoryPayload>;

/** Why nothing comes of a webhook without one. */
export const NO_INSTALLATION = 'the payload has no installation: it was not sent to a GitHub App';

/** Of every event about the App's installation itself. */
export const InstallationPayload = z.object({ installation: Installation });

/** Where it happened; `null` without an installation, since then nothing can be done there. */
export function toTarget({ installation, repository }: RepositoryPayload): RepositoryTarget | null {
  if (installation === undefined) return null;
  return {
    installationId: installation.id,
    repository: {
      id: repository.id,
      owner: repository.owner.login,
      name: repository.name,
      private: repository.private,
      defaultBranch: repository.default_branch,
      cloneUrl: repository.clone_url,
      htmlUrl: repository.html_url,
    },
  };
}

export function toActor({ sender }: RepositoryPayload): Actor {
  return { login: sender.login, id: sender.id, isBot: sender.type === 'Bot' };
}
