import type { AppRegistration } from '../app-registration.ts';
import type { NewRepository } from '../actions/repositories.ts';
import type { Site } from '../site.ts';
import {
  fullNameOf,
  type Account,
  type BranchRule,
  type Installation,
  type Permissions,
  type Repository,
  type Role,
} from '../world.ts';

export type RepositoryRef = {
  id: number;
  owner: string;
  name: string;
  fullName: string;
  defaultBranch: string;
};

/** What owners and administrators set up: accounts, repositories, roles, rules, installations. */
export function createOwnerControls(
  site: Pick<Site, 'world' | 'clock' | 'app' | 'authenticator' | 'tokens' | 'repositories' | 'installations'>,
) {
  const { world, clock, authenticator, tokens, repositories, installations } = site;

  function createAccount(login: string, type: Account['type'], name: string | null): Account {
    if (world.account(login)) throw new Error(`There is an account ${login} already`);
    return world.addAccount({ id: world.newId('account'), login, type, name, createdAtMs: clock.nowMs() });
  }

  function accountOf(login: string): Account {
    const account = world.account(login);
    if (!account)
      throw new Error(`There is no account ${login}: make it with createUser or createOrganization`);
    return account;
  }

  function repositoryOf(fullName: string): Repository {
    const repository = world.repository(fullName);
    if (!repository) throw new Error(`There is no repository ${fullName}`);
    return repository;
  }

  function installationOf(id: number): Installation {
    const installation = world.installations.get(id);
    if (!installation) throw new Error(`There is no installation ${id}`);
    return installation;
  }

  /** Repositories of an owner by name or by `owner/name`. */
  function namedRepositories(owner: Account, names: readonly string[]): Repository[] {
    return names.map((name) => repositoryOf(name.includes('/') ? name : `${owner.login}/${name}`));
  }

  return {
    createUser(login: string, more: { name?: string } = {}): { id: number; login: string } {
      const { id } = createAccount(login, 'User', more.name ?? null);
      return { id, login };
    },
    createOrganization(login: string): { id: number; login: string } {
      const { id } = createAccount(login, 'Organization', null);
      return { id, login };
    },
    /** The bot of an App that is not the registered one; it acts by its own credentials, which are of no concern here. */
    createBot(login: string): { id: number; login: string } {
      const { id } = createAccount(login, 'Bot', null);
      return { id, login };
    },
    /** Makes the team, with these members in place of those before. */
    setTeam(organization: string, slug: string, logins: readonly string[]): void {
      const { login } = accountOf(organization);
      world.teams.set(`${login}/${slug}`.toLowerCase(), new Set(logins.map((one) => accountOf(one).id)));
    },
    /** A personal access token; `workflow` is what pushing workflow files takes. */
    createUserToken(login: string, scopes: string[] = ['repo', 'workflow']): string {
      return authenticator.createUserToken(accountOf(login), scopes);
    },
    /** Makes the owner too, as a user, when there is no such account. */
    async createRepository(wanted: NewRepository & { owner: string }): Promise<RepositoryRef> {
      const owner = world.account(wanted.owner) ?? createAccount(wanted.owner, 'User', null);
      const one = await repositories.create(owner, { account: owner, viaApp: false }, wanted);
      return {
        id: one.id,
        owner: owner.login,
        name: one.name,
        fullName: fullNameOf(one),
        defaultBranch: one.defaultBranch,
      };
    },
    setRole(fullName: string, login: string, role: Role): void {
      repositoryOf(fullName).roles.set(accountOf(login).id, role);
    },
    /** The active rules of the repository, in place of those before. */
    setBranchRules(fullName: string, rules: BranchRule[]): void {
      repositoryOf(fullName).rules = rules;
    },
    /** Installs the App at an account; sends `installation.created`. */
    async install(
      owner: string,
      wanted: { repositories?: 'all' | string[]; permissions?: Permissions } = {},
    ): Promise<{ installationId: number }> {
      const account = accountOf(owner);
      const { repositories: names = 'all', permissions } = wanted;
      const chosen = names === 'all' ? 'all' : namedRepositories(account, names);
      const { id } = installations.install(account, account, { repositories: chosen, permissions });
      return { installationId: id };
    },
    async uninstall(installationId: number): Promise<void> {
      const installation = installationOf(installationId);
      installations.uninstall(installation, installation.account);
    },
    async suspend(installationId: number): Promise<void> {
      const installation = installationOf(installationId);
      installations.setSuspended(installation, installation.account, true);
    },
    async unsuspend(installationId: number): Promise<void> {
      const installation = installationOf(installationId);
      installations.setSuspended(installation, installation.account, false);
    },
    async acceptNewPermissions(installationId: number, permissions: Permissions): Promise<void> {
      const installation = installationOf(installationId);
      installations.acceptPermissions(installation, installation.account, permissions);
    },
    async addRepositories(installationId: number, names: string[]): Promise<void> {
      const one = installationOf(installationId);
      installations.changeRepositories(one, one.account, 'added', namedRepositories(one.account, names));
    },
    async removeRepositories(installationId: number, names: string[]): Promise<void> {
      const one = installationOf(installationId);
      installations.changeRepositories(one, one.account, 'removed', namedRepositories(one.account, names));
    },
    /** Every token that the installation has been given is dead from now on, as if its hour were over. */
    expireTokens(installationId: number): void {
      tokens.revokeAllOf(installationOf(installationId));
    },
    accountOf,
  };
}

/** What an App's owner knows of it. */
export function appCredentials(app: AppRegistration) {
  return {
    id: app.id,
    slug: app.slug,
    clientId: app.clientId,
    privateKey: app.privateKey,
    get webhookSecret(): string {
      return app.webhookSecret;
    },
    botLogin: app.bot.login,
  };
}
