import type { RefusedHost } from '../contract/evidence.ts';
import { isAllowedHost } from './host-patterns.ts';
import { toCode } from './markdown-escape.ts';
import { SETTINGS_FILE_PATH } from './settings-problem.ts';

const MAX_SHOWN = 8;

/** Where packages of some ecosystems really are, although their registry is elsewhere. Whoever may write there can carry code away. */
const AT_GITHUB = [
  'github.com',
  'api.github.com',
  'codeload.github.com',
  'objects.githubusercontent.com',
  'release-assets.githubusercontent.com',
];

const WHO = { agent: 'the agent', setup: 'set-up', tests: 'tests' } as const satisfies Record<
  RefusedHost['by'],
  string
>;

/** What the sandbox did not let through, and what to do about it: plain text of some lines. */
export function adviseRefused(refused: readonly RefusedHost[]): string {
  const named = refused.slice(0, MAX_SHOWN).map(({ host }) => host);
  const more = refused.length - named.length;
  const list = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return [`The sandbox refused connections to ${list}.`, ...toAdvice(refused)].join('\n');
}

/** The same for check runs and pull requests: Markdown. */
export function toRefusedHostsText(refused: readonly RefusedHost[]): string | null {
  if (refused.length === 0) return null;
  const groups = (['setup', 'agent', 'tests'] as const).flatMap((by) => {
    const hosts = refused.filter((entry) => entry.by === by).map(({ host }) => toCode(host, 120));
    if (hosts.length === 0) return [];
    const more = hosts.length - MAX_SHOWN;
    return [
      `${WHO[by]} to ${[...hosts.slice(0, MAX_SHOWN), ...(more > 0 ? [`${more} more`] : [])].join(', ')}`,
    ];
  });
  return `The sandbox refused connections of ${groups.join('; of ')}. ${toAdvice(refused).join(' ')}`;
}

/** One sentence for each kind of refusal. */
function toAdvice(refused: readonly RefusedHost[]): string[] {
  const has = (test: (entry: RefusedHost) => boolean): boolean => refused.some(test);
  const isUnnamed = ({ why }: RefusedHost): boolean => why === 'not_named';
  return [
    has((entry) => isUnnamed(entry) && entry.by === 'tests')
      ? `Tests of the work have no network. What they install must be there before: name a set-up command that fetches it (setup in ${SETTINGS_FILE_PATH}); or name the hosts that they need under hosts of the specialty.`
      : null,
    has((entry) => isUnnamed(entry) && entry.by === 'agent')
      ? `What the agent may reach is named under hosts of the specialty, in ${SETTINGS_FILE_PATH}.`
      : null,
    has((entry) => isUnnamed(entry) && entry.by === 'setup')
      ? `What set-up may reach beside package registries is named in sandbox.hosts of the machine’s runner.yml, or under hosts of the specialty in ${SETTINGS_FILE_PATH}.`
      : null,
    has((entry) => isUnnamed(entry) && isAtGitHub(entry.host))
      ? `Composer’s packages, Gradle’s own distributions and most Terraform providers come from GitHub: ${AT_GITHUB.join(', ')}.`
      : null,
    has(({ why }) => why === 'not_here')
      ? `The settings name hosts that the machine does not open to repositories: its owner does so with sandbox.repository_hosts in runner.yml.`
      : null,
    has(({ why }) => why === 'not_public')
      ? `A name that leads into a network of the machine’s own, or that can’t be looked up there, must be in sandbox.hosts of its runner.yml.`
      : null,
  ].filter((sentence) => sentence !== null);
}

function isAtGitHub(target: string): boolean {
  const [host = ''] = target.split(':');
  return isAllowedHost(host, 443, AT_GITHUB);
}
