/**
 * Remembered once a round was begun, or waits, for what a review says: by the review itself, or by `/agent fix` in its text or in one of its
 * comments on lines. Whatever else of it asks for a round means the same one.
 */
export function toRoundKey(repositoryId: number, reviewId: number): string {
  return `review-round:${repositoryId}:${reviewId}`;
}
