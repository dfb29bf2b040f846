import type { GitHubError } from './github-error.ts';

/** Statuses with which GitHub answers a key that is not the App's, and an App ID that nobody has. */
const REFUSED = [401, 404];

/** What to do when GitHub does not say who the App is: it is away, or it does not take the App ID and key. For the log. */
export function explainAppTrouble({ kind, status }: Pick<GitHubError, 'kind' | 'status'>): string {
  if (status === null)
    return 'GitHub can not be reached; nothing works until it can, which is tried again and again. Look at this machine’s network, name server and proxy, and at GITHUB_API_URL';
  if (REFUSED.includes(status))
    return 'GitHub does not take this App ID and private key; nothing works until it does. Compare APP_ID with the App’s settings page, and make a new private key there if need be';
  if (kind === 'forbidden')
    return 'GitHub does not let this App in: it may be suspended, or this address not be allowed. Look at the App’s settings page';
  return 'GitHub does not answer as it should; nothing works until it does, which is tried again and again. See https://www.githubstatus.com';
}
