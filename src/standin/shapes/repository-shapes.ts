import { fullNameOf, type Label, type Repository } from '../world.ts';
import type { AccountShapes } from './account-shapes.ts';
import { isoTime, nodeId, type Links } from './links.ts';

/** URLs below a repository that GitHub lists in every repository object: key, and path after its API URL. */
const urlTemplates: Record<string, string> = {
  archive_url: '/{archive_format}{/ref}',
  assignees_url: '/assignees{/user}',
  blobs_url: '/git/blobs{/sha}',
  branches_url: '/branches{/branch}',
  collaborators_url: '/collaborators{/collaborator}',
  comments_url: '/comments{/number}',
  commits_url: '/commits{/sha}',
  compare_url: '/compare/{base}...{head}',
  contents_url: '/contents/{+path}',
  contributors_url: '/contributors',
  deployments_url: '/deployments',
  downloads_url: '/downloads',
  events_url: '/events',
  forks_url: '/forks',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  hooks_url: '/hooks',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  issues_url: '/issues{/number}',
  keys_url: '/keys{/key_id}',
  labels_url: '/labels{/name}',
  languages_url: '/languages',
  merges_url: '/merges',
  milestones_url: '/milestones{/number}',
  notifications_url: '/notifications{?since,all,participating}',
  pulls_url: '/pulls{/number}',
  releases_url: '/releases{/id}',
  stargazers_url: '/stargazers',
  statuses_url: '/statuses/{sha}',
  subscribers_url: '/subscribers',
  subscription_url: '/subscription',
  tags_url: '/tags',
  teams_url: '/teams',
  trees_url: '/git/trees{/sha}',
};

/** JSON of repositories and labels. */
export function createRepositoryShapes(deps: { links: Links; accounts: AccountShapes }) {
  const { links, accounts } = deps;

  function apiUrl(repository: Repository): string {
    return `${links.api}/repos/${fullNameOf(repository)}`;
  }

  function webUrl(repository: Repository): string {
    return `${links.web}/${fullNameOf(repository)}`;
  }

  function repositoryUrls(repository: Repository): Record<string, string> {
    const url = apiUrl(repository);
    return Object.fromEntries(Object.entries(urlTemplates).map(([key, path]) => [key, `${url}${path}`]));
  }

  /** The repository as REST lists it and as webhooks carry it. */
  function repository(one: Repository) {
    const host = new URL(links.web).host;
    const fullName = fullNameOf(one);
    const openIssues = one.issues
      .values()
      .filter((issue) => issue.state === 'open')
      .toArray().length;
    return {
      id: one.id,
      node_id: nodeId('R', one.id),
      name: one.name,
      full_name: fullName,
      private: one.private,
      owner: accounts.user(one.owner),
      html_url: webUrl(one),
      description: one.description,
      fork: false,
      url: apiUrl(one),
      ...repositoryUrls(one),
      created_at: isoTime(one.createdAtMs),
      updated_at: isoTime(one.updatedAtMs),
      pushed_at: isoTime(one.pushedAtMs),
      git_url: `git://${host}/${fullName}.git`,
      ssh_url: `git@${host}:${fullName}.git`,
      clone_url: `${webUrl(one)}.git`,
      svn_url: webUrl(one),
      homepage: null,
      size: 0,
      stargazers_count: 0,
      watchers_count: 0,
      language: null,
      has_issues: true,
      has_projects: false,
      has_downloads: false,
      has_wiki: false,
      has_pages: false,
      has_discussions: false,
      forks_count: 0,
      mirror_url: null,
      archived: one.archived,
      disabled: false,
      open_issues_count: openIssues,
      license: null,
      allow_forking: true,
      is_template: false,
      web_commit_signoff_required: false,
      topics: [],
      visibility: one.private ? 'private' : 'public',
      forks: 0,
      open_issues: openIssues,
      watchers: 0,
      default_branch: one.defaultBranch,
    };
  }

  /** The fuller answer to asking for one repository. */
  function fullRepository(one: Repository) {
    return {
      ...repository(one),
      ...(one.owner.type === 'Organization' ? { organization: accounts.user(one.owner) } : {}),
      allow_squash_merge: true,
      allow_merge_commit: true,
      allow_rebase_merge: true,
      allow_auto_merge: false,
      delete_branch_on_merge: false,
      allow_update_branch: false,
      use_squash_pr_title_as_default: false,
      network_count: 0,
      subscribers_count: 0,
    };
  }

  /** The few fields that `installation` webhooks carry of each repository. */
  function briefRepository(one: Repository) {
    return {
      id: one.id,
      node_id: nodeId('R', one.id),
      name: one.name,
      full_name: fullNameOf(one),
      private: one.private,
    };
  }

  function label(repository: Repository, one: Label) {
    return {
      id: one.id,
      node_id: nodeId('LA', one.id),
      url: `${apiUrl(repository)}/labels/${encodeURIComponent(one.name)}`,
      name: one.name,
      color: one.color,
      default: false,
      description: one.description,
    };
  }

  return { apiUrl, webUrl, repository, fullRepository, briefRepository, label };
}

export type RepositoryShapes = ReturnType<typeof createRepositoryShapes>;
