/**
 * The address under which a GitHub knows an account without telling its real one. `githubApiUrl`: `https://api.github.com`,
 * `https://api.SUB.ghe.com`, or `https://HOST/api/v3` of a GitHub of one's own: commits with it are shown as the account's there.
 */
export function toNoreplyAddress(account: string, githubApiUrl: string): string {
  return `${account}@users.noreply.${new URL(githubApiUrl).hostname.replace(/^api\./, '')}`;
}
