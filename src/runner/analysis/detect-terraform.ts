import { aFinding, type Ecosystem, quoted } from './ecosystem.ts';
import { inFolder } from './repository-files.ts';

/** Terraform modules. Their own tests need what `init` fetches; without tests nothing is fetched, and only the form is checked. */
export const terraform: Ecosystem = {
  name: 'Terraform',
  isManifest: (name) => name.endsWith('.tf'),
  async detect(files, folder) {
    const source = files.namesIn(folder).find((name) => name.endsWith('.tf'));
    if (source === undefined) return null;
    const reason = `there is a ${quoted(inFolder(folder, source))}`;
    const terraform = folder === '' ? ['terraform'] : ['terraform', `-chdir=${folder}`];
    const test = [folder, inFolder(folder, 'tests')]
      .flatMap((place) => files.namesIn(place).map((name) => inFolder(place, name)))
      .find((path) => path.endsWith('.tftest.hcl'));
    const tested = test === undefined ? null : `${quoted(test)} holds tests`;
    const isChecked = folder !== '' && files.namesIn('').some((name) => name.endsWith('.tf'));
    const tflint = inFolder(folder, '.tflint.hcl');
    return aFinding({
      packageManagers: ['terraform'],
      // Without a backend: state is somebody's real infrastructure.
      setup:
        tested === null
          ? []
          : [{ command: [...terraform, 'init', '-backend=false', '-input=false'], reason: tested }],
      test: tested === null ? [] : [{ command: [...terraform, 'test'], reason: tested }],
      lint: [
        // In the root it goes through all folders.
        ...(isChecked ? [] : [{ command: [...terraform, 'fmt', '-check', '-recursive'], reason }]),
        ...(tested === null ? [] : [{ command: [...terraform, 'validate'], reason }]),
        ...(files.has(tflint)
          ? [
              {
                command: ['tflint', ...(folder === '' ? [] : [`--chdir=${folder}`])],
                reason: `there is a ${quoted(tflint)}`,
              },
            ]
          : []),
      ],
    });
  },
};
