import { need } from '../access/access.ts';
import { emptyTreeSha } from '../git/objects.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import { isoTime, nodeId } from '../shapes/links.ts';
import type { Site } from '../site.ts';
import type { CommitStatus, Repository } from '../world.ts';
import { commitOfRef } from './commit-of-ref.ts';

/** Branches, history, comparisons and commit statuses. */
export function commitRoutes(
  site: Pick<
    Site,
    'clock' | 'world' | 'links' | 'shapes' | 'access' | 'objects' | 'refs' | 'rules' | 'events'
  >,
): Route[] {
  const { clock, world, links, shapes, access, objects, refs, rules, events } = site;
  const read = need('contents', 'read', 'read');

  function isProtected(repository: Repository, branch: string): boolean {
    return rules.ofBranch(repository, branch).length > 0;
  }

  async function listBranches(call: Call): Promise<Reply> {
    const repository = access.repository(call, read);
    const branches = (await refs.list(repository.folder, 'refs/heads')).map(({ name, sha }) => ({
      name: name.slice('refs/heads/'.length),
      commit: { sha, url: `${shapes.repositories.apiUrl(repository)}/commits/${sha}` },
      protected: isProtected(repository, name.slice('refs/heads/'.length)),
    }));
    const wanted = call.query.get('protected');
    const { items, headers } = pageOf(
      call,
      links,
      branches.filter((branch) => wanted === null || String(branch.protected) === wanted),
    );
    return { status: 200, body: items, headers };
  }

  async function getBranch(call: Call): Promise<Reply> {
    const repository = access.repository(call, read);
    const name = param(call, 'branch');
    const sha = await refs.branch(repository.folder, name);
    if (sha === null) throw new ApiError(404, 'Branch not found');
    const self = `${shapes.repositories.apiUrl(repository)}/branches/${name}`;
    return {
      status: 200,
      body: {
        name,
        commit: shapes.commits.commit(repository, await objects.commit(repository.folder, sha)),
        _links: { self, html: `${shapes.repositories.webUrl(repository)}/tree/${name}` },
        protected: isProtected(repository, name),
        protection: {
          enabled: false,
          required_status_checks: { enforcement_level: 'off', contexts: [], checks: [] },
        },
        protection_url: `${self}/protection`,
      },
    };
  }

  async function listCommits(call: Call): Promise<Reply> {
    const repository = access.repository(call, read);
    const ref = call.query.get('sha');
    const tip = await refs.branch(repository.folder, repository.defaultBranch);
    if (tip === null && ref === null) throw new ApiError(409, 'Git Repository is empty.');
    let start;
    try {
      start = ref === null ? tip : await commitOfRef(objects, repository, ref);
    } catch (error) {
      throw error instanceof ApiError ? notFound() : error;
    }
    const filters = (['since', 'until', 'author'] as const).flatMap((name) => {
      const value = call.query.get(name);
      return value === null ? [] : [`--${name}=${value}`];
    });
    const commits = await objects.log(repository.folder, [start ?? ''], filters);
    const { items, headers } = pageOf(call, links, commits);
    return { status: 200, body: items.map((one) => shapes.commits.commit(repository, one)), headers };
  }

  async function getCommit(call: Call): Promise<Reply> {
    const repository = access.repository(call, read);
    const sha = await commitOfRef(objects, repository, param(call, 'ref'));
    const commit = await objects.commit(repository.folder, sha);
    const files = await objects.changes(repository.folder, commit.parents[0] ?? emptyTreeSha, sha);
    return { status: 200, body: shapes.commits.fullCommit(repository, commit, files) };
  }

  async function compare(call: Call): Promise<Reply> {
    const repository = access.repository(call, read);
    const { folder } = repository;
    const [baseName = '', headName] = param(call, 'basehead').split('...');
    if (headName === undefined) throw notFound();
    const [base, head] = await Promise.all(
      [baseName, headName].map(async (name) => {
        const sha = await objects.resolve(folder, name.replace(/^[^/]*:/, ''));
        if (sha === null) throw notFound();
        return objects.commit(folder, sha);
      }),
    );
    const mergeBase = base && head && (await objects.mergeBase(folder, base.sha, head.sha));
    if (!base || !head || mergeBase === null || mergeBase === undefined) throw notFound();
    const [ahead, behind, files, mergeBaseCommit] = await Promise.all([
      objects.log(folder, [head.sha, `^${base.sha}`], ['--reverse']),
      objects.count(folder, head.sha, base.sha),
      objects.changes(folder, mergeBase, head.sha),
      objects.commit(folder, mergeBase),
    ]);
    const url = `${shapes.repositories.apiUrl(repository)}/compare/${param(call, 'basehead')}`;
    const page = `${shapes.repositories.webUrl(repository)}/compare/${baseName}...${headName}`;
    const { items, headers } = pageOf(call, links, ahead);
    return {
      status: 200,
      body: {
        url,
        html_url: page,
        permalink_url: `${shapes.repositories.webUrl(repository)}/compare/${base.sha}...${head.sha}`,
        diff_url: `${page}.diff`,
        patch_url: `${page}.patch`,
        base_commit: shapes.commits.commit(repository, base),
        merge_base_commit: shapes.commits.commit(repository, mergeBaseCommit),
        status: comparisonStatus(ahead.length, behind),
        ahead_by: ahead.length,
        behind_by: behind,
        total_commits: ahead.length,
        commits: items.map((one) => shapes.commits.commit(repository, one)),
        files: files.map((file) => shapes.commits.fileChange(repository, head.sha, file)),
      },
      headers,
    };
  }

  function status(repository: Repository, one: CommitStatus) {
    return {
      url: `${shapes.repositories.apiUrl(repository)}/statuses/${one.sha}`,
      avatar_url: shapes.accounts.user(one.creator).avatar_url,
      id: one.id,
      node_id: nodeId('SC', one.id),
      state: one.state,
      description: one.description,
      target_url: one.targetUrl,
      context: one.context,
      created_at: isoTime(one.createdAtMs),
      updated_at: isoTime(one.createdAtMs),
    };
  }

  async function createStatus(call: Call): Promise<Reply> {
    const repository = access.repository(call, need('statuses', 'write', 'write'));
    const body = createBodyReader(call.body);
    const state = body.oneOf('state', ['error', 'failure', 'pending', 'success']);
    if (state === undefined) throw body.missing('state');
    const created: CommitStatus = {
      id: world.newId('status'),
      sha: await commitOfRef(objects, repository, param(call, 'sha')),
      state,
      context: body.text('context') ?? 'default',
      description: body.text('description') ?? null,
      targetUrl: body.text('target_url') ?? null,
      creator: access.doer(call.actor).account,
      createdAtMs: clock.nowMs(),
    };
    repository.statuses.push(created);
    await announceStatus(repository, created);
    return {
      status: 201,
      body: { ...status(repository, created), creator: shapes.accounts.user(created.creator) },
    };
  }

  /** GitHub names at most ten branches that hold the commit. */
  async function announceStatus(repository: Repository, one: CommitStatus): Promise<void> {
    const commit = await objects.commit(repository.folder, one.sha);
    if (commit === null) return;
    const heads = await refs.list(repository.folder, 'refs/heads');
    const holding = await Promise.all(
      heads.map(async (head) =>
        head.sha === one.sha || (await objects.isAncestor(repository.folder, one.sha, head.sha))
          ? [head]
          : [],
      ),
    );
    events.inRepository(repository, 'status', undefined, one.creator, {
      id: one.id,
      sha: one.sha,
      name: `${repository.owner.login}/${repository.name}`,
      target_url: one.targetUrl,
      avatar_url: shapes.accounts.user(one.creator).avatar_url,
      context: one.context,
      description: one.description,
      state: one.state,
      commit: shapes.commits.commit(repository, commit),
      branches: holding
        .flat()
        .slice(0, 10)
        .map(({ name, sha }) => ({
          name: name.slice('refs/heads/'.length),
          commit: { sha, url: `${shapes.repositories.apiUrl(repository)}/commits/${sha}` },
          protected: isProtected(repository, name.slice('refs/heads/'.length)),
        })),
      created_at: isoTime(one.createdAtMs),
      updated_at: isoTime(one.createdAtMs),
    });
  }

  async function combinedStatus(call: Call): Promise<Reply> {
    const repository = access.repository(call, need('statuses', 'read', 'read'));
    const sha = await commitOfRef(objects, repository, param(call, 'ref'));
    const newest = new Map(
      repository.statuses.filter((one) => one.sha === sha).map((one) => [one.context, one] as const),
    );
    const states = [...newest.values()].map((one) => one.state);
    const isBad = states.some((state) => state === 'error' || state === 'failure');
    const isGood = states.length > 0 && states.every((state) => state === 'success');
    return {
      status: 200,
      body: {
        state: isBad ? 'failure' : isGood ? 'success' : 'pending',
        statuses: [...newest.values()].map((one) => status(repository, one)),
        sha,
        total_count: newest.size,
        repository: shapes.repositories.repository(repository),
        commit_url: `${shapes.repositories.apiUrl(repository)}/commits/${sha}`,
        url: `${shapes.repositories.apiUrl(repository)}/commits/${sha}/status`,
      },
    };
  }

  return [
    { method: 'GET', pattern: '/repos/:owner/:repo/branches', handle: listBranches },
    { method: 'GET', pattern: '/repos/:owner/:repo/branches/*branch', handle: getBranch },
    { method: 'GET', pattern: '/repos/:owner/:repo/compare/*basehead', handle: compare },
    { method: 'POST', pattern: '/repos/:owner/:repo/statuses/:sha', handle: createStatus },
    { method: 'GET', pattern: '/repos/:owner/:repo/commits/*ref/status', handle: combinedStatus },
    { method: 'GET', pattern: '/repos/:owner/:repo/commits', handle: listCommits },
    { method: 'GET', pattern: '/repos/:owner/:repo/commits/*ref', handle: getCommit },
  ];
}

function comparisonStatus(ahead: number, behind: number): 'identical' | 'ahead' | 'behind' | 'diverged' {
  if (ahead > 0 && behind > 0) return 'diverged';
  if (ahead > 0) return 'ahead';
  return behind > 0 ? 'behind' : 'identical';
}
