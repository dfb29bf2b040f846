/** Where GitHub.com keeps what people put into issues. */
const SHOWN_HOSTS = new Set([
  'github.com',
  'user-images.githubusercontent.com',
  'private-user-images.githubusercontent.com',
]);
/** Where it sends those on who ask for them. */
const STORAGE_HOSTS = new Set([
  ...SHOWN_HOSTS,
  'objects.githubusercontent.com',
  'github-production-user-asset-6210df.s3.amazonaws.com',
]);
const UUIDS = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
/** On the website itself, everything else is a page. */
const ATTACHMENT = new RegExp(
  `^/(?:user-attachments/assets|[^/]+/[^/]+/assets/\\d+|storage/user/.+)/?${UUID.source}`,
  'i',
);

export type ImagePlace =
  /** `assetId`: what GitHub calls it, also in signed addresses; `null` where it has none. */
  { ok: true; url: URL; assetId: string | null } | { ok: false; problem: string };

/**
 * Whether an image may be fetched from there: only GitHub's own places for what people put into issues, by the repository's address
 * (GitHub.com, or a GitHub of one's own, where it is that host alone). The runner may stand in a network where other addresses lead to
 * machines that nobody outside may reach, and every fetch tells its address that an agent is at work.
 */
export function judgeImagePlace(
  address: string,
  from: {
    /** The repository's page. */
    repositoryUrl: string;
    /** A place that GitHub itself named, by a redirect or as a signed address. */
    isNamedByGitHub: boolean;
  },
): ImagePlace {
  const github = new URL(from.repositoryUrl);
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '') return refuse('its address is none');
  // A GitHub on loopback, for trying things out, has no TLS.
  if (url.protocol !== 'https:' && url.protocol !== github.protocol) return refuse('it is not on https');
  if (!isGitHubs(url, github, from.isNamedByGitHub)) return refuse('it is on another host than GitHub');
  const isWebsite = url.host === github.host;
  if (isWebsite && !from.isNamedByGitHub && !ATTACHMENT.test(url.pathname))
    return refuse('it was not put into the issue');
  // The last one: what stands before it is a folder, and can be named as anybody likes.
  return { ok: true, url, assetId: url.pathname.match(UUIDS)?.at(-1)?.toLowerCase() ?? null };
}

function isGitHubs(url: URL, github: URL, isNamedByGitHub: boolean): boolean {
  if (github.host !== 'github.com') return url.host === github.host || url.host === `media.${github.host}`;
  return url.port === '' && (isNamedByGitHub ? STORAGE_HOSTS : SHOWN_HOSTS).has(url.hostname);
}

function refuse(problem: string): ImagePlace {
  return { ok: false, problem };
}
