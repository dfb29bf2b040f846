import { z } from 'zod';
import type { IssueSnapshot } from '../../contract/issue-snapshot.ts';
import type { JobPreview } from '../../contract/job.ts';
import {
  type Asking,
  chooseComments,
  type CommentReading,
  findCommenters,
} from '../../domain/choose-comments.ts';
import { chooseSpecialty } from '../../domain/choose-specialty.ts';
import type { Permission } from '../../domain/permission.ts';
import { parseRepoSettings } from '../../domain/repo-settings.ts';
import { readSettingsDocument } from '../../domain/settings-document.ts';
import { SETTINGS_FILE_PATH } from '../../domain/settings-problem.ts';
import type { Clock } from '../../lib/clock.ts';
import type { RunnerIdentity } from '../runner-identity.ts';
import { type AppClient, createAppClient } from '../transport/github/app-client.ts';
import { TransportError } from '../transport/transport-error.ts';
import type { PreviewAnswer, PreviewWish } from './preview-answer.ts';
import { PreviewError } from './preview-error.ts';

const READING = { contents: 'read', issues: 'read', metadata: 'read' } as const;
const PAGE = 100;

const Installation = z.object({ id: z.int() });
const Repository = z.object({
  id: z.int(),
  name: z.string(),
  owner: z.object({ login: z.string() }),
  private: z.boolean(),
  default_branch: z.string(),
  clone_url: z.string(),
  html_url: z.string(),
});
const User = z.object({ login: z.string(), id: z.int(), type: z.string() }).nullable();
const Issue = z.object({
  id: z.int(),
  number: z.int(),
  title: z.string(),
  body: z.string().nullish(),
  user: User,
  labels: z.array(z.union([z.string(), z.object({ name: z.string().nullish() })])),
  html_url: z.string(),
  comments: z.int(),
  pull_request: z.unknown().optional(),
});
const Comments = z.array(
  z.object({
    id: z.int(),
    body: z.string().nullish(),
    user: User,
    created_at: z.string(),
    updated_at: z.string(),
  }),
);
const Level = z.object({ permission: z.string() });
const Ref = z.object({ object: z.object({ sha: z.string() }) });
const File = z.object({ content: z.string(), encoding: z.literal('base64') });

/**
 * What a job would be, by GitHub alone, with the App's key. The settings are those of the repository's own file: what it extends, and an
 * organisation's, only the coordinator puts together. Throws `PreviewError`.
 */
export async function askGitHub(
  wish: PreviewWish,
  runner: {
    name: string;
    specialties: readonly string[];
    identity: Extract<RunnerIdentity, { kind: 'github' }>;
  },
  deps: { fetch: typeof fetch; clock: Clock; signal: AbortSignal },
): Promise<PreviewAnswer> {
  const { app, privateKey } = runner.identity;
  const client = createAppClient({
    ...app,
    ...deps,
    privateKey,
    userAgent: 'yardmaster-runner',
    // Nothing is logged here.
    onToken: () => undefined,
  });
  const [owner = '', repo = ''] = wish.repository.split('/');
  const place = { owner, repo };
  let token = '';
  const close = async (): Promise<void> => {
    if (token !== '') await client.revoke(token, AbortSignal.timeout(5000));
  };
  try {
    token = await mintToken(client, place, deps.signal);
    const read = reader(client, token, deps.signal);
    return { ...(await readPreview(read, wish, place, runner, deps.clock)), token, close };
  } catch (error) {
    await close();
    if (!(error instanceof TransportError)) throw error;
    throw new PreviewError(`GitHub can’t be asked about ${wish.repository}: ${error.message}`, {
      cause: error,
    });
  }
}

/** For this one repository, and only to read. */
async function mintToken(
  client: AppClient,
  place: { owner: string; repo: string },
  signal: AbortSignal,
): Promise<string> {
  const found = await client.send('app', 'GET /repos/{owner}/{repo}/installation', place, signal);
  const { id } = Installation.parse(found.data);
  const everywhere = { repositoryId: null, permissions: { metadata: 'read' } } as const;
  const { token } = await client.mint(id, everywhere, signal);
  try {
    const { data } = await client.send({ token }, 'GET /repos/{owner}/{repo}', place, signal);
    const scope = { repositoryId: Repository.parse(data).id, permissions: READING };
    return (await client.mint(id, scope, signal)).token;
  } finally {
    await client.revoke(token, AbortSignal.timeout(5000));
  }
}

type Read = <T>(
  schema: z.ZodType<T>,
  route: string,
  parameters: Record<string, unknown>,
) => Promise<T | null>;

/** `null`: it is not there. */
function reader(client: AppClient, token: string, signal: AbortSignal): Read {
  return async (schema, route, parameters) => {
    try {
      return schema.parse((await client.send({ token }, route, parameters, signal)).data);
    } catch (error) {
      if (error instanceof TransportError && (error.status === 404 || error.status === 410)) return null;
      throw error;
    }
  };
}

async function readPreview(
  read: Read,
  wish: PreviewWish,
  place: { owner: string; repo: string },
  runner: { name: string; specialties: readonly string[]; identity: { app: { apiUrl: string } } },
  clock: Pick<Clock, 'nowMs'>,
): Promise<{ preview: JobPreview; notes: string[] }> {
  const repository = await read(Repository, 'GET /repos/{owner}/{repo}', place);
  const which = { ...place, issue_number: wish.issueNumber };
  const issue = await read(Issue, 'GET /repos/{owner}/{repo}/issues/{issue_number}', which);
  if (repository === null || issue === null)
    throw new PreviewError(`${wish.repository}#${wish.issueNumber} is not there, or the App may not see it.`);
  if (issue.pull_request != null)
    throw new PreviewError(`#${wish.issueNumber} is a pull request; name an issue.`);
  const branch = repository.default_branch;
  const head = await read(Ref, 'GET /repos/{owner}/{repo}/git/ref/{ref}', {
    ...place,
    ref: `heads/${branch}`,
  });
  if (head === null) throw new PreviewError(`${wish.repository} is empty: it needs a first commit.`);

  const { settings, notes } = await readOwnSettings(read, place);
  const labels = issue.labels.flatMap((label) => (typeof label === 'string' ? label : (label.name ?? [])));
  const choice = chooseSpecialty(wish.specialty, runner.specialties, { labels }, settings);
  if (!choice.ok) throw new PreviewError(choice.reason);
  const found = settings.specialties.get(choice.specialty);
  if (found === undefined) throw new Error('A specialty that was found a moment ago is gone');
  return {
    notes,
    preview: {
      kind: 'resolve',
      specialty: choice.specialty,
      githubApiUrl: runner.identity.app.apiUrl,
      repository: {
        id: repository.id,
        owner: repository.owner.login,
        name: repository.name,
        private: repository.private,
        defaultBranch: branch,
        cloneUrl: repository.clone_url,
        htmlUrl: repository.html_url,
      },
      issue: {
        number: issue.number,
        id: issue.id,
        title: issue.title,
        body: issue.body ?? '',
        author: issue.user?.login ?? 'ghost',
        labels,
        htmlUrl: issue.html_url,
        ...(await readComments(read, which, issue.comments, clock)),
      },
      instructions: null,
      requestedBy: runner.name,
      base: { branch, commit: head.object.sha },
      settings: found.settings,
    },
  };
}

async function readOwnSettings(read: Read, place: { owner: string; repo: string }) {
  const path = { ...place, path: SETTINGS_FILE_PATH };
  const file = await read(File, 'GET /repos/{owner}/{repo}/contents/{path}', path);
  const text = file === null ? null : Buffer.from(file.content, 'base64').toString('utf8');
  const reading = parseRepoSettings(text);
  if (!reading.ok) throw new PreviewError(reading.message);
  const document = text === null ? null : readSettingsDocument(text);
  const notes =
    text === null
      ? ['Settings of an organisation were not looked at, as only the coordinator does.']
      : document?.ok === true && document.file._extends != null
        ? [`What ${SETTINGS_FILE_PATH} extends was not looked at, as only the coordinator does.`]
        : [];
  return { settings: reading.settings, notes };
}

async function readComments(
  read: Read,
  which: { owner: string; repo: string; issue_number: number },
  count: number,
  clock: Pick<Clock, 'nowMs'>,
): Promise<Pick<IssueSnapshot, 'comments' | 'commentsLeftOut'>> {
  if (count === 0) return {};
  const page = { ...which, per_page: PAGE, page: Math.ceil(count / PAGE) };
  const listed = await read(Comments, 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments', page);
  const comments = (listed ?? []).map(({ id, body, user, created_at, updated_at }): CommentReading => ({
    id,
    body: body ?? '',
    author: user === null ? null : { login: user.login, id: user.id, isBot: user.type === 'Bot' },
    createdAt: created_at,
    updatedAt: updated_at,
  }));
  const asking: Asking = { at: new Date(clock.nowMs()).toISOString(), commentId: null };
  const permissions = new Map<string, Permission>();
  for (const username of findCommenters(comments, asking)) {
    const { owner, repo } = which;
    const route = 'GET /repos/{owner}/{repo}/collaborators/{username}/permission';
    const level = await read(Level, route, { owner, repo, username });
    // Whatever GitHub may come to call it: what we don't know grants nothing.
    const known = level?.permission;
    permissions.set(username, known === 'admin' || known === 'write' ? known : 'none');
  }
  return chooseComments({ comments, asking, permissions, unread: Math.max(0, count - comments.length) });
}
