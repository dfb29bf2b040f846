/** Why a prompt can't be shown, for whoever asked for it: what is wrong and what to do. */
export class PreviewError extends Error {
  override readonly name = 'PreviewError';
}
