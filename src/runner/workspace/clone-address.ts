import type { Address } from './hold-repository.ts';

/** Where a repository is cloned from by HTTP. Throws when the address is of another kind, or has a credential in it. */
export function toHttpUrl(repository: Address): string {
  const url = new URL(repository.cloneUrl);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error(`Repositories are cloned by https or http, not by ${url.protocol}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error('A clone address must not have a credential in it');
  }
  return url.href;
}

/** Where it is cloned from by SSH, on the same host. */
export function toSshUrl(repository: Address): string {
  const { hostname } = new URL(repository.cloneUrl);
  return `ssh://git@${hostname}/${encodeURIComponent(repository.owner)}/${encodeURIComponent(repository.name)}.git`;
}
