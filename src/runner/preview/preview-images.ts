import type { JobPreview } from '../../contract/job.ts';
import type { IssueImage } from '../context/describe-images.ts';
import { findImages } from '../context/find-images.ts';
import { judgeImagePlace } from '../context/image-place.ts';

/** Images as far as they are known without fetching any. */
export function previewImages({ issue, repository }: Pick<JobPreview, 'issue' | 'repository'>): IssueImage[] {
  return findImages(issue).map((url) => {
    const place = judgeImagePlace(url, { repositoryUrl: repository.htmlUrl, isNamedByGitHub: false });
    const problem = place.ok ? 'it is fetched when the work begins' : place.problem;
    return { kind: 'missing', url, problem };
  });
}
