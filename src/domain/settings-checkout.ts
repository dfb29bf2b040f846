import { z } from 'zod';
import { explainBadFolder } from './sparse-cone.ts';
import { text } from './settings-values.ts';

const SparseFolder = text(200).superRefine((folder, context) => {
  const message = explainBadFolder(folder);
  if (message !== null) context.addIssue({ code: 'custom', message, input: folder });
});

/** `checkout` in the settings. */
export const CheckoutFields = z.strictObject(
  {
    lfs: z
      .boolean('must be true or false')
      .optional()
      .describe('Whether files in Git LFS are fetched. Default false: their pointers are there.'),
    submodules: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether submodules on the same GitHub are checked out, as far as the App’s token for the repository can read them. Default false.',
      ),
    sparse: z
      .array(SparseFolder, 'must be a list of folders, such as [frontend, docs/guide]')
      .min(1, 'must name a folder; leave it out for all')
      .max(100, 'must be at most 100 folders')
      .optional()
      .describe(
        'Folders that are checked out, with the files in the root and in the folders above them. Left out: all.',
      ),
    partial: z
      .boolean('must be true or false')
      .optional()
      .describe(
        'Whether only the contents of files that are checked out are fetched, without those of older commits. Default false.',
      ),
  },
  'must be keys with values: lfs, submodules, sparse, partial',
);
