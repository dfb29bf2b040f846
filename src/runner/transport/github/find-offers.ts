import { z } from 'zod';
import { MAX_MAIL_BYTES, OFFER_KIND, OfferMail, toMailContext } from '../../../contract/check-run-mail.ts';
import { checkRunName } from '../../../domain/check-run-text.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import { type MessageKey, readSignedBlock } from '../../../lib/signed-message.ts';
import { TransportError, transportErrorKind } from '../transport-error.ts';
import type { AppClient } from './app-client.ts';

/** How long installations and their repositories are taken as they were. */
const REPOSITORIES_FOR_MS = 10 * 60_000;
/** A branch whose commit has no check run of ours after this hardly gets one: it is somebody's work. */
const EMPTY_FOR_MS = 10 * 60_000;
/** Between two looks at commits that nothing is expected of: a revision begins at the head of its pull request, which may be old. */
const SETTLED_FOR_MS = 2 * 60_000;
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
export const CheckRun = z.object({
  id: z.int(),
  name: z.string(),
  status: z.string(),
  external_id: z.string().nullable(),
  app: z.object({ id: z.int() }).nullable(),
  output: z.object({ text: z.string().nullable() }),
});
export type CheckRun = z.infer<typeof CheckRun>;
const CheckRuns = z.object({ check_runs: z.array(CheckRun) });

type Repository = { id: number; owner: string; repo: string };
type Installation = {
  token: { token: string; endsAtMs: number };
  repositories: Repository[];
};

/** An offer to this runner that stands in a check run. */
export type FoundOffer = { offer: OfferMail; installationId: number; repository: Repository };

export type OfferFinder = {
  /** One look over all repositories. Throws `TransportError` when GitHub can't be asked at all. */
  find(signal: AbortSignal): Promise<{ found: FoundOffer[]; requests: number }>;
  /** Ends the tokens for looking. */
  close(signal: AbortSignal): Promise<void>;
};

/**
 * Looks over the job branches of all repositories that the App is installed on, and at the check runs of their commits. Each request
 * says what is known already, so an idle look is answered by "not modified" throughout. Commits whose check runs are all completed are
 * looked at rarely: only a revision can still begin there.
 */
export function createOfferFinder(deps: {
  client: AppClient;
  appId: number;
  runnerId: string;
  key: MessageKey;
  clock: Clock;
  log: Logger;
}): OfferFinder {
  const { client, clock, log } = deps;
  const installations = new Map<number, Installation>();
  /** `<repository>/<commit>` → since when it is watched, and before when it need not be. */
  const commits = new Map<string, { sinceMs: number; notBeforeMs: number }>();
  const complained = new Set<string>();
  let listedAtMs = -Infinity;
  let requests = 0;

  return {
    find: async (signal) => {
      requests = 0;
      if (clock.monotonicMs() - listedAtMs >= REPOSITORIES_FOR_MS) await list(signal);
      const found: FoundOffer[] = [];
      for (const [installationId, installation] of installations) {
        for (const repository of installation.repositories) {
          const offers = await lookAt(installationId, installation, repository, signal);
          found.push(...offers.map((offer) => ({ offer, installationId, repository })));
        }
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
    if (before !== undefined && before.endsAtMs - clock.monotonicMs() > RENEW_TOKEN_BEFORE_MS) return before;
    requests += 1;
    const scope = { repositoryId: null, permissions: LOOKING };
    const { token, expiresInSeconds } = await client.mint(installationId, scope, signal);
    return { token, endsAtMs: clock.monotonicMs() + expiresInSeconds * 1000 };
  }

  async function lookAt(
    installationId: number,
    installation: Installation,
    repository: Repository,
    signal: AbortSignal,
  ): Promise<OfferMail[]> {
    try {
      installation.token = await freshToken(installationId, signal);
      return await lookAtBranches(installation.token.token, repository, signal);
    } catch (error) {
      // Empty, archived, gone, forbidden: that is for others to mend; the other repositories are looked at all the same.
      if (transportErrorKind(error) !== 'refused' && !(error instanceof z.ZodError)) throw error;
      if (error instanceof TransportError && error.status === 401) listedAtMs = -Infinity;
      const name = `${repository.owner}/${repository.repo}`;
      if (!complained.has(name))
        log.warn({ err: error, repository: name }, 'A repository can not be looked at');
      complained.add(name);
      return [];
    }
  }

  async function lookAtBranches(
    token: string,
    { id, owner, repo }: Repository,
    signal: AbortSignal,
  ): Promise<OfferMail[]> {
    requests += 1;
    const place = { owner, repo, ref: 'heads/agent/' };
    const { data, isNew } = await client.readAgain({ token }, MATCHING_REFS, place, signal);
    const heads = [...new Set(Refs.parse(data).map(({ object }) => object.sha))];
    if (isNew) forgetOthers(id, owner, repo, heads);
    const offers: OfferMail[] = [];
    for (const sha of heads) {
      const watch = commits.get(`${id}/${sha}`) ?? { sinceMs: clock.monotonicMs(), notBeforeMs: -Infinity };
      commits.set(`${id}/${sha}`, watch);
      if (clock.monotonicMs() < watch.notBeforeMs) continue;
      requests += 1;
      const runs = await client.readAgain({ token }, CHECK_RUNS, toRunsPlace(owner, repo, sha), signal);
      const ours = CheckRuns.parse(runs.data).check_runs.filter(isOurs);
      const age = clock.monotonicMs() - watch.sinceMs;
      const isSettled =
        ours.length === 0 ? age > EMPTY_FOR_MS : ours.every(({ status }) => status === 'completed');
      if (isSettled) watch.notBeforeMs = clock.monotonicMs() + SETTLED_FOR_MS;
      offers.push(...ours.flatMap((run) => readOffer(id, run) ?? []));
    }
    return offers;
  }

  function forgetOthers(id: number, owner: string, repo: string, heads: readonly string[]): void {
    for (const key of commits.keys()) {
      const [repository, sha = ''] = key.split('/');
      if (repository !== String(id) || heads.includes(sha)) continue;
      commits.delete(key);
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

/** The offer that stands in a queued check run. */
export function readOfferIn(
  run: CheckRun,
  place: { repositoryId: number; key: MessageKey },
): { ok: true; offer: OfferMail } | { ok: false; why: string } {
  if (run.status !== 'queued') return { ok: false, why: 'absent' };
  const context = toMailContext({ repositoryId: place.repositoryId, checkRunId: run.id });
  const expected = { kind: OFFER_KIND, context, maxBytes: MAX_MAIL_BYTES };
  const block = readSignedBlock(run.output.text ?? '', expected, place.key);
  if (!block.ok) return block;
  const offer = OfferMail.safeParse(block.value);
  return offer.success ? { ok: true, offer: offer.data } : { ok: false, why: 'of another version' };
}
