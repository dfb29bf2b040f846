import { z } from 'zod';
import type { OfferMail } from '../../../contract/check-run-mail.ts';
import { checkRunName } from '../../../domain/check-run-text.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { MessageKey } from '../../../lib/signed-message.ts';
import { transportErrorKind } from '../transport-error.ts';
import type { AppClient } from './app-client.ts';
import { chooseLooks, type SeenCommit } from './choose-looks.ts';
import { CheckRun, readOfferIn } from './read-offer.ts';

/** How long installations and their repositories are taken as they were. */
const REPOSITORIES_FOR_MS = 10 * 60_000;
/** A branch whose commit has no check run of ours after this hardly gets one: it is somebody's work. */
const EMPTY_FOR_MS = 10 * 60_000;
/** Between two looks at commits that nothing is expected of: a revision begins at the head of its pull request, which may be old. */
const SETTLED_FOR_MS = 2 * 60_000;
/**
 * Commits whose check runs one look reads at most. With two requests a second such a look and the pause after it take three quarters
 * of a minute at most, several times less than an offer lasts.
 */
const MOST_LOOKS = 60;
const RENEW_TOKEN_BEFORE_MS = 5 * 60_000;
const PAGE = 100;
const MOST_PAGES = 20;
const MATCHING_REFS = 'GET /repos/{owner}/{repo}/git/matching-refs/{ref}';
const CHECK_RUNS = 'GET /repos/{owner}/{repo}/commits/{ref}/check-runs';

/** What a token that only looks may do. */
const LOOKING = { contents: 'read', checks: 'read', metadata: 'read' } as const;

const Installations = z.array(z.object({ id: z.int(), suspended_at: z.string().nullish() }));
const Repositories = z.object({
  repositories: z.array(z.object({ id: z.int(), name: z.string(), owner: z.object({ login: z.string() }) })),
});
const Refs = z.array(z.object({ ref: z.string(), object: z.object({ sha: z.string() }) }));
const CheckRuns = z.object({ check_runs: z.array(CheckRun) });

type Repository = { id: number; owner: string; repo: string };
type Place = { installationId: number; repository: Repository };
/** The head of a job branch. */
type Head = SeenCommit &
  Place & {
    sha: string;
    /** Watched since then, and not read again before. */
    sinceMs: number;
    notBeforeMs: number;
  };
type Installation = {
  token: { token: string; endsAtMs: number };
  repositories: Repository[];
};

/** An offer to this runner that stands in a check run. */
export type FoundOffer = Place & { offer: OfferMail };

export type OfferFinder = {
  /** One look over all repositories, at as many commits as one look may. Throws `TransportError` when GitHub can't be asked at all. */
  find(signal: AbortSignal): Promise<{ found: FoundOffer[]; requests: number }>;
  /** Ends the tokens for looking. */
  close(signal: AbortSignal): Promise<void>;
};

/**
 * Looks over the job branches of all repositories that the App is installed on, and at the check runs of their commits. Each request
 * says what is known already, so an idle look is answered by "not modified" throughout. Commits whose check runs are all completed are
 * looked at rarely: only a revision can still begin there. With very many, `chooseLooks` says which come first.
 */
export function createOfferFinder(deps: {
  client: AppClient;
  appId: number;
  runnerId: string;
  /** What this runner takes, as it stands at each look. */
  specialties: () => readonly string[];
  key: MessageKey;
  clock: Clock;
  log: Logger;
  mostLooks?: number;
}): OfferFinder {
  const { client, clock, log, mostLooks = MOST_LOOKS } = deps;
  const installations = new Map<number, Installation>();
  /** `<repository>/<commit>` → what is known of it. */
  const heads = new Map<string, Head>();
  const complained = new Set<string>();
  let listedAtMs = -Infinity;
  let requests = 0;

  return {
    find: async (signal) => {
      requests = 0;
      if (clock.monotonicMs() - listedAtMs >= REPOSITORIES_FOR_MS) await list(signal);
      const due: Head[] = [];
      for (const [installationId, installation] of installations) {
        for (const repository of installation.repositories) {
          const place = { installationId, repository };
          const here = await lookAt(place, (token) => readHeads(token, place, signal), signal);
          due.push(...(here ?? []).filter(({ notBeforeMs }) => clock.monotonicMs() >= notBeforeMs));
        }
      }
      const found: FoundOffer[] = [];
      for (const head of chooseLooks(due, mostLooks)) {
        const { installationId, repository } = head;
        const offers = await lookAt(head, (token) => readOffers(token, head, signal), signal);
        found.push(...(offers ?? []).map((offer) => ({ offer, installationId, repository })));
      }
      return { found, requests };
    },
    close: async (signal) => {
      await Promise.all([...installations.values()].map(({ token }) => client.revoke(token.token, signal)));
      installations.clear();
    },
  };

  async function list(signal: AbortSignal): Promise<void> {
    const here: z.infer<typeof Installations> = [];
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      requests += 1;
      const { data } = await client.send('app', 'GET /app/installations', { per_page: PAGE, page }, signal);
      const part = Installations.parse(data);
      here.push(...part);
      if (part.length < PAGE) break;
    }
    const usable = here.filter((one) => one.suspended_at == null).map(({ id }) => id);
    for (const id of installations.keys()) if (!usable.includes(id)) installations.delete(id);
    for (const id of usable) {
      try {
        const token = await freshToken(id, signal);
        installations.set(id, { token, repositories: await listRepositories(token.token, signal) });
      } catch (error) {
        if (transportErrorKind(error) !== 'refused') throw error;
        installations.delete(id);
        log.warn({ err: error, installationId: id }, 'An installation of the App can not be looked at');
      }
    }
    listedAtMs = clock.monotonicMs();
    const count = [...installations.values()].reduce((sum, one) => sum + one.repositories.length, 0);
    log.debug({ installations: installations.size, repositories: count }, 'Where work is looked for');
  }

  async function listRepositories(token: string, signal: AbortSignal): Promise<Repository[]> {
    const all: Repository[] = [];
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      requests += 1;
      const place = { per_page: PAGE, page };
      const { data } = await client.readAgain({ token }, 'GET /installation/repositories', place, signal);
      const { repositories } = Repositories.parse(data);
      all.push(...repositories.map(({ id, name, owner }) => ({ id, owner: owner.login, repo: name })));
      if (repositories.length < PAGE) break;
    }
    return all;
  }

  async function freshToken(installationId: number, signal: AbortSignal): Promise<Installation['token']> {
    const before = installations.get(installationId)?.token;
    const isUsable = before !== undefined && client.isAlive(before.token);
    if (isUsable && before.endsAtMs - clock.monotonicMs() > RENEW_TOKEN_BEFORE_MS) return before;
    requests += 1;
    const scope = { repositoryId: null, permissions: LOOKING };
    const minting = client.mint(installationId, scope, signal);
    const { token, expiresInSeconds } = await minting.catch((error: unknown) => {
      // The App was uninstalled, suspended, or installed anew: what there is now is listed before the next look.
      if (transportErrorKind(error) === 'refused') listedAtMs = -Infinity;
      throw error;
    });
    return { token, endsAtMs: clock.monotonicMs() + expiresInSeconds * 1000 };
  }

  /** What `read` says; `null` where this repository can't be read, which is told once. */
  async function lookAt<T>(
    { installationId, repository }: Place,
    read: (token: string) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    const installation = installations.get(installationId);
    if (installation === undefined) return null;
    try {
      installation.token = await freshToken(installationId, signal);
      return await read(installation.token.token);
    } catch (error) {
      // Empty, archived, gone, forbidden: that is for others to mend; the other repositories are looked at all the same.
      if (transportErrorKind(error) !== 'refused' && !(error instanceof z.ZodError)) throw error;
      const name = `${repository.owner}/${repository.repo}`;
      if (!complained.has(name))
        log.warn({ err: error, repository: name }, 'A repository can not be looked at');
      complained.add(name);
      return null;
    }
  }

  async function readHeads(token: string, place: Place, signal: AbortSignal): Promise<Head[]> {
    requests += 1;
    const { repository } = place;
    const { id, owner, repo } = repository;
    const branches = { owner, repo, ref: 'heads/agent/' };
    const { data, isNew } = await client.readAgain({ token }, MATCHING_REFS, branches, signal);
    const commits = [...new Set(Refs.parse(data).map(({ object }) => object.sha))];
    if (isNew) forgetOthers(repository, commits);
    return commits.map((sha) => {
      const known = heads.get(`${id}/${sha}`);
      // The repository may have another name by now.
      if (known !== undefined) return Object.assign(known, place);
      const times = { sinceMs: clock.monotonicMs(), notBeforeMs: -Infinity, lookedMs: null };
      const head: Head = { ...place, sha, waitingJob: null, ...times };
      heads.set(`${id}/${sha}`, head);
      return head;
    });
  }

  /** The offers to this runner at a commit; notes what was seen there. */
  async function readOffers(token: string, head: Head, signal: AbortSignal): Promise<OfferMail[]> {
    requests += 1;
    const { id, owner, repo } = head.repository;
    // First, so that one that can't be read leaves others their turn.
    head.lookedMs = clock.monotonicMs();
    head.waitingJob = null;
    const { data } = await client.readAgain(
      { token },
      CHECK_RUNS,
      toRunsPlace(owner, repo, head.sha),
      signal,
    );
    const ours = CheckRuns.parse(data).check_runs.filter(isOurs);
    const age = head.lookedMs - head.sinceMs;
    const isSettled =
      ours.length === 0 ? age > EMPTY_FOR_MS : ours.every(({ status }) => status === 'completed');
    if (isSettled) head.notBeforeMs = head.lookedMs + SETTLED_FOR_MS;
    const offers = ours.flatMap((run) => readOffer(id, run) ?? []);
    head.waitingJob = offers[0]?.jobId ?? ours.flatMap((run) => toWaitingJob(id, run) ?? [])[0] ?? null;
    return offers;
  }

  /** The job that waits there and could become this runner's: of its specialties, and offered to nobody. */
  function toWaitingJob(repositoryId: number, run: CheckRun): string | null {
    const isForUs = deps.specialties().some((specialty) => run.name === checkRunName(specialty));
    if (!isForUs || run.status !== 'queued' || readOfferIn(run, { repositoryId, key: deps.key }).ok)
      return null;
    return run.external_id?.split(':')[0] ?? null;
  }

  function forgetOthers({ id, owner, repo }: Repository, commits: readonly string[]): void {
    for (const key of heads.keys()) {
      const [repository, sha = ''] = key.split('/');
      if (repository !== String(id) || commits.includes(sha)) continue;
      heads.delete(key);
      client.forget(CHECK_RUNS, toRunsPlace(owner, repo, sha));
    }
  }

  function toRunsPlace(owner: string, repo: string, ref: string) {
    return { owner, repo, ref, app_id: deps.appId, filter: 'latest', per_page: PAGE };
  }

  function isOurs({ app, name }: CheckRun): boolean {
    return app?.id === deps.appId && name.startsWith(checkRunName(''));
  }

  function readOffer(repositoryId: number, run: CheckRun): OfferMail | null {
    const found = readOfferIn(run, { repositoryId, key: deps.key });
    if (found.ok) return found.offer.runnerId === deps.runnerId ? found.offer : null;
    const complaint = `${repositoryId}/${run.id}/${found.why}`;
    if (found.why !== 'absent' && !complained.has(complaint)) {
      complained.add(complaint);
      const facts = { checkRunId: run.id, why: found.why };
      log.warn(
        facts,
        found.why === 'other_key'
          ? 'An offer is signed with another private key than this machine’s; give coordinator and runner the same one'
          : 'An offer in a check run does not count',
      );
    }
    return null;
  }
}
